/**
 * The payload, "MP1": base45 of a COSE_Sign1 (RFC 9052) that has exactly one byte form.
 *
 * The decoder matches the form and slices; no CBOR parser runs on bytes whose signature has not been checked.
 */

import * as base45 from "./base45.js";
import { concat, equal, fromHex, type Bytes } from "./bytes.js";
import { PayloadError, WireError } from "./errors.js";
import { TEXT_MAX_CHARS } from "./limits.js";
import { codePoints } from "./text.js";

export const PREFIX = "MP1:";
/** Signature algorithms, fully specified ones only (RFC 9864). */
export const ESP256 = -9;
export const ED25519 = -19;
export const KID_BYTES = 4;
export const SIGNATURE_BYTES = 64;

const ALGS = new Map([
  [0x28, ESP256],
  [0x32, ED25519],
]);
const BEFORE_ALG = bytes("d28449a201");
const BEFORE_KID = bytes("0444");
const UNPROTECTED = bytes("a0");
const BEFORE_SIGNATURE = bytes("5840");
const SIG_STRUCTURE = bytes("846a5369676e617475726531");
const NO_EXTERNAL_DATA = bytes("40");
/** Where the protected header stands in the envelope, its byte-string head included. */
const PROTECTED = [2, 12] as const;
const ALG_AT = BEFORE_ALG.length;
const KID_AT = ALG_AT + 1 + BEFORE_KID.length;
const HEAD_AT = KID_AT + KID_BYTES + UNPROTECTED.length;
/** Characters behind the prefix that hold everything up to the claims. */
const HEAD_MAX_CHARS = Math.ceil((HEAD_AT + 3) / 2) * 3;

/** A payload taken apart; nothing in it is to be believed before its signature has been checked. */
export interface Envelope {
  readonly alg: number;
  readonly kid: Bytes;
  readonly claims: Bytes;
  /** 64 bytes, r||s or RFC 8032's form. */
  readonly signature: Bytes;
  /** The bytes the signature is over (Sig_structure, RFC 9052 section 4.4). */
  readonly signed: Bytes;
}

/**
 * Take a payload's text apart.
 *
 * @throws PayloadError: another scheme's text, a later version of this one, or not in the one form.
 */
export function openText(text: string): Envelope {
  const isPass = text.startsWith(PREFIX);
  if (text.length > 2 * TEXT_MAX_CHARS || codePoints(text).length > TEXT_MAX_CHARS) {
    throw new PayloadError("bounds", isPass ? "malformed" : "not-a-pass", `more than ${TEXT_MAX_CHARS} characters`);
  }
  if (!isPass) throw wrongPrefix(text);
  try {
    return open(base45.decode(text.slice(PREFIX.length)));
  } catch (e) {
    if (e instanceof PayloadError || !(e instanceof WireError)) throw e;
    throw new PayloadError("encoding", "malformed", e.message);
  }
}

/**
 * Return the number of characters of the payload that a text begins with, by the head of its envelope; null where the
 * text is no payload's beginning, or too little of it to tell. Nothing behind the head is looked at.
 */
export function payloadLength(text: string): number | null {
  if (!text.startsWith(PREFIX)) return null;
  const beginning = text.slice(PREFIX.length, PREFIX.length + HEAD_MAX_CHARS);
  try {
    const data = base45.decode(beginning.slice(0, beginning.length - (beginning.length % 3)));
    checkForm(data);
    const [, claimsEnd] = claimsSpan(data);
    const size = claimsEnd + BEFORE_SIGNATURE.length + SIGNATURE_BYTES;
    const length = PREFIX.length + 3 * Math.floor(size / 2) + 2 * (size % 2);
    return length <= TEXT_MAX_CHARS ? length : null;
  } catch (e) {
    if (e instanceof WireError) return null;
    throw e;
  }
}

function wrongPrefix(text: string): PayloadError {
  const version = /^MP([1-9][0-9]{0,2}):/.exec(text)?.[1];
  if (version !== undefined) {
    return new PayloadError("prefix", "unsupported-version", `a pass of version ${version}`, version);
  }
  if (text.toUpperCase().includes(PREFIX)) {
    return new PayloadError("prefix", "malformed", `a pass's text starts with ${PREFIX} in capitals`);
  }
  return new PayloadError("prefix", "not-a-pass", `expected ${PREFIX} at the start`);
}

function open(data: Bytes): Envelope {
  const [claimsAt, claimsEnd] = claimsSpan(data);
  const alg = ALGS.get(data[ALG_AT] ?? -1);
  const kid = data.slice(KID_AT, KID_AT + KID_BYTES);
  const head = data.slice(HEAD_AT, claimsAt);
  const claims = data.slice(claimsAt, claimsEnd);
  const signature = data.slice(-SIGNATURE_BYTES);
  const algByte = data.slice(ALG_AT, ALG_AT + 1);
  const template = concat(BEFORE_ALG, algByte, BEFORE_KID, kid, UNPROTECTED, head, claims, BEFORE_SIGNATURE, signature);
  if (alg === undefined || !equal(data, template)) {
    throw new PayloadError("envelope", "malformed", "the bytes are not a COSE_Sign1 in the one form a pass has");
  }
  const signed = concat(SIG_STRUCTURE, data.slice(...PROTECTED), NO_EXTERNAL_DATA, head, claims);
  return { alg, kid, claims, signature, signed };
}

/** Check what stands before the claims. */
function checkForm(data: Bytes): void {
  const kid = data.slice(KID_AT, KID_AT + KID_BYTES);
  const template = concat(BEFORE_ALG, data.slice(ALG_AT, ALG_AT + 1), BEFORE_KID, kid, UNPROTECTED);
  if (!equal(data.slice(0, HEAD_AT), template))
    throw new PayloadError("envelope", "malformed", "the bytes are not a COSE_Sign1 in the one form a pass has");
}

/** Find where the claims start and end, by their byte string's head in its shortest form. */
function claimsSpan(data: Bytes): readonly [number, number] {
  const head = data[HEAD_AT] ?? 0;
  const next = data[HEAD_AT + 1] ?? 0;
  const direct = head - 0x40;
  if (direct >= 0 && direct < 24) return [HEAD_AT + 1, HEAD_AT + 1 + direct];
  if (head === 0x58 && next >= 24) return [HEAD_AT + 2, HEAD_AT + 2 + next];
  const long = next * 256 + (data[HEAD_AT + 2] ?? 0);
  if (head === 0x59 && long >= 256) return [HEAD_AT + 3, HEAD_AT + 3 + long];
  throw new PayloadError("envelope", "malformed", "the claims' length is not in its shortest form");
}

function bytes(text: string): Bytes {
  return fromHex(text) ?? new Uint8Array();
}
