/** Public keys as SubjectPublicKeyInfo (RFC 5280), in the one form that does not depend on how they were written. */

import { concat, equal, fromHex, type Bytes } from "../wire/bytes.js";

export const ECDSA = { name: "ECDSA", hash: "SHA-256" } as const;
export const ED25519_NAME = "Ed25519";
/** All of a P-256 key's SPKI but x and y; all of an Ed25519 key's but x. */
export const SPKI_P256 = fromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") ?? new Uint8Array();
export const SPKI_ED25519 = fromHex("302a300506032b6570032100") ?? new Uint8Array();
const P256_BYTES = 64;
const ED25519_BYTES = 32;

/** A public key: which kind, and its SPKI. */
export interface Point {
  readonly kind: "P-256" | "Ed25519";
  readonly spki: Bytes;
}

/** Take an SPKI for a point; null where it is of neither kind. */
export function pointOf(spki: Bytes): Point | null {
  if (begins(spki, SPKI_P256, P256_BYTES)) return { kind: "P-256", spki };
  if (begins(spki, SPKI_ED25519, ED25519_BYTES)) return { kind: "Ed25519", spki };
  return null;
}

function begins(spki: Bytes, prefix: Bytes, rest: number): boolean {
  return spki.length === prefix.length + rest && equal(spki.subarray(0, prefix.length), prefix);
}

/** Make a key to verify with; null where the bytes are no point of the curve, or the browser does not know it. */
export async function importPoint(point: Point | null): Promise<CryptoKey | null> {
  if (point === null) return null;
  const algorithm = point.kind === "P-256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: ED25519_NAME };
  try {
    return await crypto.subtle.importKey("spki", point.spki, algorithm, true, ["verify"]);
  } catch (e) {
    if (e instanceof DOMException) return null;
    throw e;
  }
}

/** The first test vector of RFC 8032, section 7.1. */
const ANY_ED25519 = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a") ?? new Uint8Array();

/** Tell whether this browser verifies Ed25519; those of before 2025 do not all do. */
export async function knowsEd25519(): Promise<boolean> {
  return (await importPoint(pointOf(concat(SPKI_ED25519, ANY_ED25519)))) !== null;
}

const HALF = 32;
const INTEGER = 0x02;
const SEQUENCE = 0x30;

/** Turn an ECDSA signature from strict DER, as TUF writes it, into WebCrypto's r||s; null where it is not that. */
export function rawFromDer(der: Bytes): Bytes | null {
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) return null;
  const r = derInteger(der, 2);
  const s = r && derInteger(der, r.end);
  return r && s?.end === der.length ? concat(r.value, s.value) : null;
}

/** Read a positive integer of at most 32 bytes in its shortest form. */
function derInteger(der: Bytes, at: number): { value: Bytes; end: number } | null {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  const digits = der.slice(at + 2, end);
  const [first = 0x80, second = 0] = digits;
  if (der[at] !== INTEGER || digits.length !== length || first >= 0x80) return null;
  if (first === 0 && length > 1 && second < 0x80) return null;
  const bare = first === 0 ? digits.slice(1) : digits;
  if (bare.length > HALF) return null;
  const value = new Uint8Array(HALF);
  value.set(bare, HALF - bare.length);
  return { value, end };
}
