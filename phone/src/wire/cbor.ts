/**
 * Deterministic CBOR, the subset that claims are made of (RFC 8949, section 4.2.1).
 *
 * Integers, text, byte strings, booleans, arrays and maps; minimal heads, definite lengths, map keys integers or text,
 * unique and in bytewise order of their encoding. Every value has one encoding, and nothing else is read.
 */

import { utf8, type Bytes } from "./bytes.js";
import { WireError } from "./errors.js";
import { CLAIMS_MAX_DEPTH } from "./limits.js";

/** Integers are bigint: claims hold 64 bits. */
export type Value = bigint | string | Bytes | boolean | Value[] | CborMap;
export type CborMap = Map<bigint | string, Value>;

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const FALSE = 0xf4;
const TRUE = 0xf5;
/** Arguments below this stand in the head's own byte; from here on in 1, 2, 4 or 8 bytes behind it. */
const DIRECT = 24;
const WIDEST = 27;
/** The least argument that needs each width. */
const FLOOR = [24n, 1n << 8n, 1n << 16n, 1n << 32n];

/**
 * Decode the one value that fills all of data.
 *
 * @throws WireError: anything outside the subset, not in its one form, cut short, or followed by more.
 */
export function decode(data: Bytes): Value {
  const reader = new Reader(data);
  const value = reader.item(CLAIMS_MAX_DEPTH);
  if (reader.at !== data.length) throw new WireError(`${data.length - reader.at} bytes follow the CBOR value`);
  return value;
}

class Reader {
  at = 0;
  constructor(private readonly data: Bytes) {}

  /** Read the next item; `depth` is how many arrays and maps may still open. */
  item(depth: number): Value {
    const initial = this.byte();
    if (initial === FALSE || initial === TRUE) return initial === TRUE;
    const major = initial >> 5;
    if (major > MAP || (initial & 0x1f) > WIDEST)
      throw new WireError(`CBOR initial byte ${initial} is not used in claims`);
    const argument = this.argument(initial & 0x1f);
    if (major === UNSIGNED) return argument;
    if (major === NEGATIVE) return -1n - argument;
    if (major === BYTES) return this.take(argument);
    if (major === TEXT) return this.text(argument);
    if (depth === 0) throw new WireError(`more than ${CLAIMS_MAX_DEPTH} arrays and maps inside each other`);
    return major === ARRAY ? this.array(argument, depth - 1) : this.map(argument, depth - 1);
  }

  private argument(info: number): bigint {
    if (info < DIRECT) return BigInt(info);
    let argument = 0n;
    for (let left = 1 << (info - DIRECT); left > 0; left--) argument = (argument << 8n) | BigInt(this.byte());
    if (argument < (FLOOR[info - DIRECT] ?? 0n)) throw new WireError("a CBOR argument is not in its shortest form");
    return argument;
  }

  private text(length: bigint): string {
    const text = utf8(this.take(length));
    if (text === null) throw new WireError("CBOR text is not UTF-8");
    return text;
  }

  private array(count: bigint, depth: number): Value[] {
    const items: Value[] = [];
    for (let i = 0n; i < count; i++) items.push(this.item(depth));
    return items;
  }

  private map(count: bigint, depth: number): CborMap {
    const items: CborMap = new Map();
    let before: Uint8Array = new Uint8Array();
    for (let i = 0n; i < count; i++) {
      const start = this.at;
      if ((this.data[start] ?? 0) >> 5 >= ARRAY) throw new WireError("a map's keys are integers or text");
      const key = this.item(0);
      if (typeof key !== "bigint" && typeof key !== "string") throw new WireError("a map's keys are integers or text");
      const encoded = this.data.subarray(start, this.at);
      if (i > 0n && compare(encoded, before) <= 0) throw new WireError("a map key is out of order or twice there");
      before = encoded;
      items.set(key, this.item(depth));
    }
    return items;
  }

  private byte(): number {
    const byte = this.data[this.at];
    if (byte === undefined) throw new WireError("CBOR is cut short");
    this.at += 1;
    return byte;
  }

  private take(length: bigint): Bytes {
    if (length > BigInt(this.data.length - this.at)) throw new WireError("CBOR is cut short");
    const end = this.at + Number(length);
    const taken = this.data.slice(this.at, end);
    this.at = end;
    return taken;
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference) return difference;
  }
  return a.length - b.length;
}
