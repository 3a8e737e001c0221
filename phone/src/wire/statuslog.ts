/**
 * The status log: one day's revoked indexes, as a file that only grows.
 *
 * A header names the day and the generation; each block holds the indexes newly revoked, sorted, as gaps in Golomb-Rice
 * code (Golomb 1966, Rice 1979), with all quotients in unary first and then all remainders.
 */

import { WireError } from "./errors.js";
import { INDEX_LIMIT, RICE_MAX_K } from "./limits.js";

const MAGIC = [0x4d, 0x50, 0x4c, 0x31];
export const HEADER_BYTES = 8;
const VARINT_MAX_BYTES = 5;
/** A phone holds 4 bytes for each revoked index of a day: 64 MiB. Sixteen times a day of a hundred million passes. */
export const REVOKED_MAX = 1 << 24;

/** A log read whole; `revoked` are its indexes, rising. */
export interface StatusLog {
  readonly day: number;
  readonly generation: number;
  readonly revoked: Uint32Array;
}

/** Tell whether rising indexes hold one. */
export function holds(revoked: Uint32Array, index: number): boolean {
  let low = 0;
  let high = revoked.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((revoked[middle] ?? 0) < index) low = middle + 1;
    else high = middle;
  }
  return revoked[low] === index;
}

/**
 * Read which day and generation a log is of.
 *
 * @throws WireError: too short, or not a status log of this version.
 */
export function readHeader(data: Uint8Array): { day: number; generation: number } {
  if (data.length < HEADER_BYTES || MAGIC.some((byte, i) => data[i] !== byte)) {
    throw new WireError("expected a status log that starts with MPL1");
  }
  const view = new DataView(data.buffer, data.byteOffset);
  return { day: view.getUint16(4), generation: view.getUint16(6) };
}

/**
 * Read a whole log.
 *
 * @throws WireError: the log breaks a rule of docs/spec.md, and which; or holds more than a phone does.
 */
export function readLog(data: Uint8Array): StatusLog {
  const header = readHeader(data);
  const blocks = readHeads(data);
  const revoked = new Uint32Array(blocks.reduce((sum, block) => sum + block.count, 0));
  let at = 0;
  for (const block of blocks) {
    readIndexes(data, block, revoked.subarray(at, at + block.count));
    at += block.count;
  }
  if (blocks.length > 1) revoked.sort();
  for (let i = 1; i < revoked.length; i++) {
    if (revoked[i - 1] === revoked[i]) throw new WireError("an index is listed twice");
  }
  return { ...header, revoked };
}

/** What a block's head says, and where its two streams are. */
interface Block {
  readonly count: number;
  readonly k: number;
  readonly sum: number;
  readonly quotients: number;
  readonly remainders: number;
  readonly end: number;
}

function readHeads(data: Uint8Array): Block[] {
  const blocks: Block[] = [];
  let total = 0;
  for (let at = HEADER_BYTES; at < data.length;) {
    const block = readHead(data, at);
    total += block.count;
    if (total > REVOKED_MAX) throw new WireError(`more than the ${REVOKED_MAX} indexes that a phone holds`);
    blocks.push(block);
    at = block.end;
  }
  return blocks;
}

/** Read the head of the block at `at`; every length is checked against what is there. */
function readHead(data: Uint8Array, at: number): Block {
  const [count, kAt] = readVarint(data, at);
  const k = data[kAt];
  if (k === undefined) throw new WireError("a block is cut short");
  const [sum, quotients] = readVarint(data, kAt + 1);
  if (count < 1 || k > RICE_MAX_K || sum > Math.floor((INDEX_LIMIT - 1) / 2 ** k)) {
    throw new WireError(`a block of ${count} gaps with k = ${k} and quotients of ${sum} in all can't be`);
  }
  const remainders = quotients + Math.ceil((count + sum) / 8);
  const end = remainders + Math.ceil((count * k) / 8);
  if (end > data.length) throw new WireError(`a block is cut short: ${end - data.length} bytes are missing`);
  return { count, k, sum, quotients, remainders, end };
}

/** Read a block's indexes into `out`, which has room for exactly so many. */
function readIndexes(data: Uint8Array, block: Block, out: Uint32Array): void {
  const { count, k, sum } = block;
  const bits = new Bits(data, block.remainders);
  let quotient = 0;
  let last = -1;
  let done = 0;
  for (let bit = 0; bit < count + sum; bit++) {
    if (((data[block.quotients + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) {
      quotient += 1;
      continue;
    }
    if (done === count) throw unequal();
    last += quotient * 2 ** k + bits.take(k) + 1;
    if (last >= INDEX_LIMIT) throw new WireError(`index ${last} is not below ${INDEX_LIMIT}`);
    out[done] = last;
    done += 1;
    quotient = 0;
  }
  if (done !== count || quotient) throw unequal();
  checkPadding(data, block.quotients, count + sum);
  checkPadding(data, block.remainders, count * k);
}

function unequal(): WireError {
  return new WireError("a block's quotients do not add up to what it says");
}

function checkPadding(data: Uint8Array, start: number, bits: number): void {
  const used = bits % 8;
  if (used && (data[start + Math.floor(bits / 8)] ?? 0) & (0xff >> used)) {
    throw new WireError("a block's padding is not 0");
  }
}

/** Reads numbers of up to 26 bits, most significant first. */
class Bits {
  private held = 0;
  private count = 0;
  constructor(
    private readonly data: Uint8Array,
    private at: number,
  ) {}

  take(k: number): number {
    while (this.count < k) {
      this.held = this.held * 256 + (this.data[this.at++] ?? 0); // up to 33 bits: beyond JavaScript's shifts
      this.count += 8;
    }
    this.count -= k;
    const value = Math.floor(this.held / 2 ** this.count);
    this.held -= value * 2 ** this.count;
    return value;
  }
}

/** Read a number in groups of 7 bits, the lowest first (LEB128), in its shortest form; gives it and where it ends. */
function readVarint(data: Uint8Array, start: number): [number, number] {
  let value = 0;
  for (let i = 0; i < VARINT_MAX_BYTES; i++) {
    const byte = data[start + i];
    if (byte === undefined) throw new WireError("a block is cut short");
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) {
      if (byte === 0 && i) throw new WireError("a number is not in its shortest form");
      return [value, start + i + 1];
    }
  }
  throw new WireError(`a number is longer than ${VARINT_MAX_BYTES} bytes`);
}
