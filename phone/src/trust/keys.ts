/** The pass keys as they are published: keys.jwks.json and denied-keys.json (docs/spec.md, "Keys"). */

import { concat, fromHex, hex, sha256, type Bytes } from "../wire/bytes.js";
import { TIME_LIMIT } from "../wire/limits.js";
import { ED25519, ESP256, KID_BYTES } from "../wire/payload.js";
import { JsonError, member, parse, type Json } from "./json.js";
import { ECDSA, ED25519_NAME, importPoint, knowsEd25519, pointOf, SPKI_ED25519, SPKI_P256 } from "./points.js";

const COORDINATE_BYTES = 32;
/** Members of a JWK that must not be published (RFC 7518): a private key, and a symmetric one. */
const PRIVATE = ["d", "k"];

/** A published key document breaks a rule; what was published beside it is refused with it. */
export class KeyDocumentError extends Error {}

/** A key that nothing may be accepted from any more: when (seconds since 1970 UTC) and why. */
export interface Withdrawal {
  readonly at: number;
  readonly reason: string;
}

/** A key that signs passes; a pass's [nbf, exp) must lie inside [notBefore, notAfter). */
export interface PassKey {
  readonly kid: string;
  readonly alg: number;
  /** Null where this browser does not know the algorithm: nothing can be said of the key's signatures then. */
  readonly key: CryptoKey | null;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly revoked: Withdrawal | null;
}

/** A key whose signatures this browser can check. */
export type UsableKey = PassKey & { readonly key: CryptoKey };

/** Every key of one authority, by kid in hexadecimal, and the kids denied at once. */
export interface KeySet {
  readonly authority: string;
  readonly test: boolean;
  readonly keys: ReadonlyMap<string, PassKey>;
  readonly denied: ReadonlyMap<string, Withdrawal>;
}

export const NO_KEYS: KeySet = { authority: "", test: false, keys: new Map(), denied: new Map() };

/** Give when and why a key was denied or revoked, or null while it is good. */
export function withdrawn(keys: KeySet, kid: string): Withdrawal | null {
  return keys.denied.get(kid) ?? keys.keys.get(kid)?.revoked ?? null;
}

/** Tell whether 64 raw bytes are a key's signature of a message. */
export async function verifies(key: UsableKey, signature: Bytes, message: Bytes): Promise<boolean> {
  return crypto.subtle.verify(key.alg === ESP256 ? ECDSA : ED25519_NAME, key.key, signature, message);
}

/**
 * Read both published documents; keys of a kind that this software does not know are left out.
 *
 * @throws KeyDocumentError: not such documents, or a key whose kid is not its own.
 */
export async function readKeys(jwks: Bytes, deniedKeys: Bytes): Promise<KeySet> {
  const document = json(jwks);
  const name = member(member(document, "authority"), "name");
  const test = member(member(document, "authority"), "test");
  const list = member(document, "keys");
  const deniedList = member(json(deniedKeys), "denied");
  if (!isText(name) || typeof test !== "boolean" || !Array.isArray(list)) {
    throw new KeyDocumentError('a JWK set of ours has "authority", with "name" and "test", and "keys"');
  }
  if (!Array.isArray(deniedList)) throw new KeyDocumentError('denied-keys has "denied", a list');
  const keys = new Map<string, PassKey>();
  for (const jwk of list) {
    const key = await readKey(jwk);
    if (key && keys.has(key.kid)) throw new KeyDocumentError(`two keys have the kid ${key.kid}`);
    if (key) keys.set(key.kid, key);
  }
  return { authority: name, test, keys, denied: new Map(deniedList.map((item) => [kidOf(item), withdrawal(item)])) };
}

async function readKey(jwk: Json): Promise<PassKey | null> {
  if (!(jwk instanceof Map)) throw new KeyDocumentError("a key is a JSON object");
  if (PRIVATE.some((name) => jwk.has(name))) throw new KeyDocumentError("a key has its private part in it");
  const point = publicPoint(jwk);
  if (point === null) return null;
  const [alg, spki] = point;
  const kid = kidOf(jwk);
  const revoked = jwk.get("revoked");
  const notBefore = seconds(jwk, "nbf");
  const notAfter = seconds(jwk, "exp");
  if (notAfter <= notBefore) throw new KeyDocumentError("a key's validity ends after it begins");
  const own = hex((await sha256(spki)).slice(0, KID_BYTES));
  if (own !== kid) throw new KeyDocumentError(`the key called ${kid} has the kid ${own}`);
  const key = await importPoint(pointOf(spki));
  const isKnown = alg !== ED25519 || (await knowsEd25519());
  if (key === null && isKnown) throw new KeyDocumentError(`the key ${kid} is not a point of its curve`);
  return { kid, alg, key, notBefore, notAfter, revoked: revoked === undefined ? null : withdrawal(revoked) };
}

/** Give a key's algorithm and its SubjectPublicKeyInfo; null where it is of a kind that is not ours. */
function publicPoint(jwk: Json): [number, Bytes] | null {
  const kind = ["kty", "crv", "alg"].map((name) => textOf(member(jwk, name))).join(" ");
  const coordinate = (name: string): Bytes => base64(textOf(member(jwk, name)));
  if (kind === "EC P-256 ES256") return [ESP256, concat(SPKI_P256, coordinate("x"), coordinate("y"))];
  if (kind === "OKP Ed25519 Ed25519") return [ED25519, concat(SPKI_ED25519, coordinate("x"))];
  return null;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function withdrawal(value: Json): Withdrawal {
  const reason = member(value, "reason");
  if (!isText(reason)) throw new KeyDocumentError('a withdrawn key has "at" and a "reason"');
  return { at: seconds(value, "at"), reason };
}

function kidOf(value: Json): string {
  const kid = member(value, "kid");
  const raw = typeof kid === "string" ? fromHex(kid) : null;
  if (raw?.length !== KID_BYTES || hex(raw) !== kid)
    throw new KeyDocumentError("a kid is 8 lower-case hexadecimal digits");
  return kid;
}

function seconds(value: Json, name: string): number {
  const time = member(value, name);
  if (typeof time !== "bigint" || time < 0n || time >= TIME_LIMIT) {
    throw new KeyDocumentError(`"${name}" is a time in seconds since 1970`);
  }
  return Number(time);
}

/** Tell whether a value is text that every device can show: JSON may hold half a surrogate pair. */
function isText(value: Json | undefined): value is string {
  return typeof value === "string" && !/[\ud800-\udfff]/u.test(value);
}

/** Read 32 bytes of base64url in its one form: no padding, and no bits set beyond the last byte. */
function base64(text: string): Bytes {
  if (!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text))
    throw new KeyDocumentError("a coordinate is 43 characters of base64url");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const data = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (data.length !== COORDINATE_BYTES) throw new KeyDocumentError("a coordinate has 32 bytes");
  return data;
}

function json(data: Bytes): Json {
  try {
    return parse(data, { once: true });
  } catch (e) {
    if (e instanceof JsonError) throw new KeyDocumentError(`not JSON: ${e.message}`);
    throw e;
  }
}
