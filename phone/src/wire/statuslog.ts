/**
 * The status log: one day's revoked indexes, as a file that only grows.
 *
 * A header names the day and the generation; each block holds the indexes newly revoked, sorted, as gaps in Golomb-Rice
 * code (Golomb 1966, Rice 1979), with all quotients in unary first and then all remainders.
 */

import type { Bytes } from "./bytes.js";
import { WireError } from "./errors.js";
import { INDEX_LIMIT, RICE_MAX_K } from "./limits.js";

const MAGIC = [0x4d, 0x50, 0x4c, 0x31];
export const HEADER_BYTES = 8;
const VARINT_MAX_BYTES = 5;
/** What a phone reads of a day. Sixteen times a day of a hundred million passes. */
export const REVOKED_MAX = 1 << 24;
/** From one index of a block to the next that a search may begin at. */
const STRIDE = 1024;

/**
 * A log that is searched as it lies there: unpacked it would take four times the memory, and a second on a slow phone.
 */
export class StatusLog {
  /** Where a search may begin in each block; made when the first one is searched. */
  private marks: readonly Marks[] | null = null;

  private constructor(
    readonly day: number,
    readonly generation: number,
    private readonly data: Uint8Array,
    private readonly blocks: readonly Block[],
  ) {}

  /**
   * Open a log that has been read whole before, and has not changed since: only its heads are looked at.
   *
   * @throws WireError: no log, or more than a phone holds.
   */
  static open(data: Uint8Array): StatusLog {
    const { day, generation } = readHeader(data);
    return new StatusLog(day, generation, data, readHeads(data));
  }

  /** How many indexes it holds. */
  get count(): number {
    return countOf(this.blocks);
  }

  /**
   * Tell whether it holds an index.
   *
   * @throws WireError: the log is not what was read before.
   */
  holds(index: number): boolean {
    this.marks ??= this.blocks.map((block) => marksOf(this.data, block));
    return this.marks.some((marks, i) => {
      const block = this.blocks[i];
      return block !== undefined && finds(this.data, block, marks, index);
    });
  }

  /** List what it holds, rising. */
  indexes(): Uint32Array {
    return unpacked(this.data, this.blocks).sort();
  }

  /**
   * Read every index.
   *
   * @throws WireError: a block breaks a rule, or an index is listed twice.
   */
  check(): void {
    const [first, ...others] = this.blocks;
    if (!first) return;
    const rest = unpacked(this.data, others).sort(); // the first block of a rewritten log is by far the largest
    let at = 0;
    const cursor = new Cursor(this.data, first);
    for (let i = 0; i < first.count; i++) {
      const index = cursor.next();
      while ((rest[at] ?? Infinity) < index) at++;
      if (rest[at] === index) throw twice();
    }
    cursor.end();
    if (rest.some((index, i) => index === rest[i + 1])) throw twice();
  }
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
  const log = StatusLog.open(data);
  log.check();
  return log;
}

/**
 * Read the indexes of the blocks from an offset on, rising.
 *
 * @throws WireError: see readLog.
 */
export function readBlocks(data: Uint8Array, start: number): Uint32Array {
  return rising(unpacked(data, readHeads(data, start)));
}

/**
 * Put sets of indexes together, rising.
 *
 * @throws WireError: an index is in two of them.
 */
export function merge(sets: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(sets.reduce((sum, set) => sum + set.length, 0));
  let at = 0;
  for (const set of sets) {
    all.set(set, at);
    at += set.length;
  }
  return rising(all);
}

/** Write a log that holds nothing: its header. */
export function newLog(day: number, generation: number): Bytes {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  const view = new DataView(header.buffer);
  view.setUint16(4, day);
  view.setUint16(6, generation);
  return header;
}

/**
 * Write rising indexes as one block: the same bytes for the same set as every writer's.
 *
 * @throws WireError: there are none, or one is out of range.
 */
export function encodeSet(revoked: Uint32Array): Bytes {
  const highest = revoked[revoked.length - 1];
  if (highest === undefined || highest >= INDEX_LIMIT) throw new WireError("a block holds an index, each below 2^30");
  const [k, sum] = bestK(revoked, highest);
  const head = [...varint(revoked.length), k, ...varint(sum)];
  const remainders = head.length + Math.ceil((revoked.length + sum) / 8);
  const out = new Uint8Array(remainders + Math.ceil((revoked.length * k) / 8));
  out.set(head);
  let unary = head.length * 8;
  let rest = remainders * 8;
  let before = -1;
  for (const index of revoked) {
    const gap = index - before - 1;
    before = index;
    const zero = unary + (gap >>> k);
    for (; unary < zero; unary++) setBit(out, unary);
    unary++;
    for (let bit = k - 1; bit >= 0; bit--, rest++) if ((gap >>> bit) & 1) setBit(out, rest);
  }
  return out;
}

/** Choose the k that takes the fewest bits, the lower of two, and the sum of its quotients; see docs/spec.md. */
function bestK(revoked: Uint32Array, highest: number): [number, number] {
  const mean = Math.floor((highest + 1 - revoked.length) / revoked.length);
  const near = Math.min(32 - Math.clz32(mean), RICE_MAX_K);
  let best: [number, number] = [0, Infinity];
  for (let k = Math.max(near - 2, 0); k <= near; k++) {
    let sum = 0;
    let before = -1;
    for (const index of revoked) {
      sum += (index - before - 1) >>> k;
      before = index;
    }
    if (revoked.length * k + sum < revoked.length * best[0] + best[1]) best = [k, sum];
  }
  return best;
}

function setBit(data: Uint8Array, at: number): void {
  data[at >> 3] = (data[at >> 3] ?? 0) | (0x80 >> (at & 7));
}

/** Write a number in groups of 7 bits, the lowest first (LEB128). */
function varint(value: number): number[] {
  const groups = [];
  for (; value > 0x7f; value >>>= 7) groups.push((value & 0x7f) | 0x80);
  return [...groups, value];
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

function readHeads(data: Uint8Array, start = HEADER_BYTES): Block[] {
  const blocks: Block[] = [];
  let total = 0;
  for (let at = start; at < data.length;) {
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

/** Reads a block's indexes, from its beginning or from a mark on. */
class Cursor {
  private readonly size: number;
  private readonly limit: number;

  /** `taken` indexes come before, the last of them `last`; `bit` is where the next quotient begins. */
  constructor(
    private readonly data: Uint8Array,
    private readonly block: Block,
    private taken = 0,
    public last = -1,
    public bit = 0,
  ) {
    this.size = 2 ** block.k;
    this.limit = block.count + block.sum;
  }

  /** Read the next index; there must be one. */
  next(): number {
    const { data, block } = this;
    let { bit } = this;
    const from = bit;
    for (;;) {
      const left = 8 - (bit & 7);
      const ones = Math.clz32(~((data[block.quotients + (bit >> 3)] ?? 0) << (32 - left)));
      bit += ones;
      if (ones < left || bit >= this.limit) break; // a zero ends the quotient
    }
    if (bit >= this.limit) throw unequal();
    this.bit = bit + 1;
    this.last += (bit - from) * this.size + remainder(data, block, this.taken++) + 1;
    if (this.last >= INDEX_LIMIT) throw new WireError(`index ${this.last} is not below ${INDEX_LIMIT}`);
    return this.last;
  }

  /** Check what must hold behind the last index. */
  end(): void {
    const { data, block } = this;
    if (this.bit !== this.limit) throw unequal();
    checkPadding(data, block.quotients, this.limit);
    checkPadding(data, block.remainders, block.count * block.k);
  }
}

/** The index before each STRIDEth one of a block, and where its quotient begins. */
interface Marks {
  readonly lasts: Int32Array;
  readonly bits: Uint32Array;
}

function marksOf(data: Uint8Array, block: Block): Marks {
  const many = Math.ceil(block.count / STRIDE);
  const [lasts, bits] = [new Int32Array(many), new Uint32Array(many)];
  const cursor = new Cursor(data, block);
  for (let i = 0; i < block.count; i++) {
    if (i % STRIDE === 0) [lasts[i / STRIDE], bits[i / STRIDE]] = [cursor.last, cursor.bit];
    cursor.next();
  }
  cursor.end();
  return { lasts, bits };
}

/** Tell whether a block has an index, which lies behind the last mark below it. */
function finds(data: Uint8Array, block: Block, { lasts, bits }: Marks, index: number): boolean {
  let low = 0;
  let high = lasts.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((lasts[middle] ?? 0) < index) low = middle;
    else high = middle;
  }
  const cursor = new Cursor(data, block, low * STRIDE, lasts[low], bits[low]);
  const end = Math.min(block.count, (low + 1) * STRIDE);
  for (let i = low * STRIDE; i < end && cursor.last < index; i++) cursor.next();
  return cursor.last === index;
}

/** Read a remainder, of up to 26 bits, most significant first. */
function remainder(data: Uint8Array, { remainders, k }: Block, place: number): number {
  const bit = place * k;
  const at = remainders + (bit >>> 3);
  const high = ((data[at] ?? 0) << 24) | ((data[at + 1] ?? 0) << 16) | ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0);
  const within = bit & 7;
  if (k === 0) return 0;
  if (within + k <= 32) return (high << within) >>> (32 - k);
  const rest = within + k - 32;
  return ((high << within) >>> (32 - k)) | ((data[at + 4] ?? 0) >> (8 - rest));
}

function countOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { count }) => sum + count, 0);
}

function unpacked(data: Uint8Array, blocks: readonly Block[]): Uint32Array {
  const all = new Uint32Array(countOf(blocks));
  let at = 0;
  for (const block of blocks) {
    const cursor = new Cursor(data, block);
    for (let i = 0; i < block.count; i++) all[at++] = cursor.next();
    cursor.end();
  }
  return all;
}

/** Sort indexes, none of which may come twice. */
function rising(indexes: Uint32Array): Uint32Array {
  indexes.sort();
  if (indexes.some((index, i) => index === indexes[i + 1])) throw twice();
  return indexes;
}

function twice(): WireError {
  return new WireError("an index is listed twice");
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
