/**
 * Rewrites a log of an earlier generation as the publisher did, so that a phone downloads only what is new.
 *
 * A log's target says how many of its first bytes hold the set of the generation before, and describes the last files
 * of the generations before (docs/spec.md, section 9). The signed hash of the whole log decides; whatever does not fit,
 * the log is downloaded whole.
 */

import { concat, type Bytes } from "../wire/bytes.js";
import { WireError } from "../wire/errors.js";
import { encodeSet, merge, newLog, readBlocks, readHeader, readLog } from "../wire/statuslog.js";
import { SourceError } from "./errors.js";
import { member, type Json } from "./json.js";
import { isFile, LOG_MAX_BYTES, targetPath, type TargetFile } from "./metadata.js";

const GENERATION = "generation";
const REWRITTEN = "rewritten";
const BEFORE = "before";
/** Generations that a device reads; what describes more is as if it described none. */
const READ_BEFORE = 32;

/** The last file of an earlier generation; `rewritten` of its bytes hold the set of the one before that, or 0. */
interface LastFile {
  readonly file: TargetFile;
  readonly length: number;
  readonly rewritten: number;
}

/** Fetches a file, of at most so many bytes, whose beginning is held. */
export type FetchRest = (path: string, most: number, held: Bytes) => Promise<Bytes>;

/** Give the generation that a log's target names; -1 where it names none. */
export function generationOf(target: TargetFile): number {
  const signed = member(target.custom, GENERATION);
  return typeof signed === "bigint" ? Number(signed) : -1;
}

/**
 * Make the first bytes of a log from what is held of an earlier generation; undefined where that is no use.
 *
 * @throws SourceError: the source can't be reached.
 */
export async function begin(
  fetch: FetchRest,
  day: number,
  target: TargetFile,
  held: Bytes,
): Promise<Bytes | undefined> {
  const rewritten = size(member(target.custom, REWRITTEN), Number(target.length));
  const before = lastFiles(target, member(target.custom, BEFORE));
  if (!rewritten || !before) return undefined;
  try {
    const header = readHeader(held);
    const steps = generationOf(target) - header.generation;
    if (header.day !== day || steps < 1 || steps > before.length) return undefined;
    const chain = before.slice(0, steps).reverse();
    if (!isCheaper(chain, held.length, rewritten)) return undefined;
    const made = concat(newLog(day, generationOf(target)), encodeSet(await setOf(fetch, chain, held)));
    return made.length === rewritten ? made : undefined;
  } catch (e) {
    const isOfNoUse = e instanceof SourceError && (e.kind === "missing" || e.kind === "too-long");
    if (isOfNoUse || e instanceof WireError) return undefined;
    throw e;
  }
}

/** Tell whether what must be fetched is less than the first bytes. No part may be less than nothing. */
function isCheaper(chain: readonly LastFile[], held: number, rewritten: number): boolean {
  const [first, ...later] = chain;
  if (!first || later.some((last) => !last.rewritten)) return false;
  const parts = [first.length - held, ...later.map((last) => last.length - last.rewritten)];
  return Math.min(...parts) >= 0 && parts.reduce((sum, part) => sum + part, 0) < rewritten;
}

/** Get the set that the last of these files holds: what lacks of the first one, and what was new in each later one. */
async function setOf(fetch: FetchRest, chain: readonly LastFile[], held: Bytes): Promise<Uint32Array> {
  const sets: Uint32Array[] = [];
  for (const { file, length, rewritten } of chain) {
    if (!sets.length) {
      const data = held.length < length ? await fetch(targetPath(file), length, held) : held;
      if (!(await isFile(file, data))) throw new WireError("the last file of an earlier generation is another one");
      sets.push(readLog(data).indexes());
    } else {
      const first = new Uint8Array(rewritten); // nobody reads these bytes: the set that they hold is known
      sets.push(readBlocks(await fetch(targetPath(file), length, first), rewritten));
    }
  }
  return merge(sets);
}

/** Read what a target says of the generations before; null where it says anything else. */
function lastFiles(target: TargetFile, before: Json | undefined): LastFile[] | null {
  if (!Array.isArray(before) || before.length > READ_BEFORE) return null;
  const files = before.map((value) => lastFile(target, value));
  return files.every((file) => file !== null) ? files : null;
}

function lastFile({ path }: TargetFile, value: Json): LastFile | null {
  const length = size(member(value, "length"));
  const digest = member(value, "sha256");
  const rewritten = size(member(value, REWRITTEN) ?? 0n, length ?? 0);
  const isHash = typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest);
  if (length === null || rewritten === null || !isHash) return null;
  const hashes = new Map([["sha256", digest]]);
  return { file: { path, length: BigInt(length), hashes, custom: undefined }, length, rewritten };
}

function size(value: Json | undefined, most = LOG_MAX_BYTES): number | null {
  return typeof value === "bigint" && value >= 0n && value <= most ? Number(value) : null;
}
