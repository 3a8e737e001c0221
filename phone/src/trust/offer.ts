/** What a source offers, fetched file by file and checked against what the device trusts. */

import { WireError } from "../wire/errors.js";
import { readHeader } from "../wire/statuslog.js";
import type { Bytes } from "../wire/bytes.js";
import { SourceError } from "./errors.js";
import { DENIED_TARGET, KEYS_TARGET, logDay, logTarget, type Held } from "./held.js";
import { isFile, LOG_MAX_BYTES, publishedAt, targetPath, type MetaFile, type TargetFile } from "./metadata.js";
import { NO_PACK, Packed, requestPack, TIMESTAMP } from "./packs.js";
import { begin, generationOf } from "./rewriting.js";
import { fetchFile, type Keep, type Source } from "./source.js";
import { STATUS, TrustedSet } from "./trusted.js";

const ROOT_MAX_BYTES = 512_000;
const TIMESTAMP_MAX_BYTES = 16_384;
const SNAPSHOT_MAX_BYTES = 2_000_000;
const TARGETS_MAX_BYTES = 5_000_000;
const ROOTS_MAX = 256;
/** In one sync. */
const DOCUMENT_MAX_BYTES = 1 << 20;
/** Files that the status role may name; an authority publishes six or seven. */
const STATUS_TARGETS_MAX = 64;

/** Beginnings of logs whose download was cut off, by day and generation; believed only when the whole log fits. */
export interface Partials {
  get(day: number, generation: number): Promise<Bytes | undefined>;
  put(day: number, generation: number, data: Bytes): Promise<void>;
}

/**
 * Get a whole new state from a source, every part of it verified against the signed metadata. Where a file is gone, a
 * publication came between two requests: it begins again, once. Where anything is refused while a pack is used, it
 * begins again without the pack.
 *
 * @throws SourceError: the source can't be reached, or offers what the device must not take.
 */
export async function offer(held: Held, source: Source, partials: Partials, now: number): Promise<Held> {
  const pack = await requestPack(source, held.metadata.get("timestamp"), now);
  const packed = new Packed(source, pack);
  try {
    if (pack !== NO_PACK) return await fetchAll(held, packed, partials, now);
  } catch (e) {
    if (!(e instanceof SourceError) || e.kind === "no-connection" || e.kind === "slow") throw e;
    packed.drop();
  }
  try {
    return await fetchAll(held, packed, partials, now);
  } catch (e) {
    if (!(e instanceof SourceError) || e.kind !== "missing") throw e;
    return fetchAll(held, new Packed(source, NO_PACK), partials, now);
  }
}

async function fetchAll(held: Held, packed: Packed, partials: Partials, now: number): Promise<Held> {
  const trusted = await refresh(held, packed, now);
  const documents = new Map<string, Bytes>();
  for (const name of [KEYS_TARGET, DENIED_TARGET]) {
    documents.set(name, await document(packed, trusted.target(name), held.documents.get(name)));
  }
  if (trusted.statusTargets.size > STATUS_TARGETS_MAX) throw new SourceError("not-ours", "too many lists");
  const days = Array.from(trusted.statusTargets.keys(), logDay).filter((day) => day !== null);
  const targets = days.map((day) => [day, bounded(trusted.target(logTarget(day)), LOG_MAX_BYTES)] as const);
  const logs = new Map<number, Bytes>();
  for (const [day, target] of targets) logs.set(day, await log(packed, day, target, held.logs.get(day), partials));
  const published = publishedAt(trusted.timestamp);
  if (published === null) throw new SourceError("not-ours", "the timestamp lacks its time of publication");
  return { ...held, published, metadata: trusted.metadata, documents, logs };
}

/** Bring the signed documents up to date, in the order that their specification has. */
async function refresh(held: Held, packed: Packed, now: number): Promise<TrustedSet> {
  const trusted = await TrustedSet.from(held.metadata.get("root") ?? new Uint8Array(), now);
  await followRoots(trusted, packed);
  await trusted.holdTimestamp(held.metadata.get("timestamp"));
  await trusted.takeTimestamp(await packed.document(TIMESTAMP, TIMESTAMP_MAX_BYTES));
  if (!(await trusted.holdSnapshot(held.metadata.get("snapshot")))) {
    await trusted.takeSnapshot(await versioned(packed, "snapshot", trusted.snapshotFile, SNAPSHOT_MAX_BYTES));
  }
  for (const role of ["targets", STATUS] as const) {
    if (!(await trusted.hold(role, held.metadata.get(role)))) {
      await trusted.take(role, await versioned(packed, role, trusted.file(role), TARGETS_MAX_BYTES));
    }
  }
  return trusted;
}

async function followRoots(trusted: TrustedSet, packed: Packed): Promise<void> {
  for (let i = 0; i < ROOTS_MAX; i++) {
    let next: Bytes;
    try {
      next = await packed.document(rootPath(trusted.rootVersion + 1n), ROOT_MAX_BYTES);
    } catch (e) {
      if (e instanceof SourceError && e.kind === "missing") return;
      throw e;
    }
    await trusted.takeRoot(next);
  }
}

function rootPath(version: bigint): string {
  return `metadata/${version}.root.json`;
}

/** Fetch the first root that an authority published; whether it is the right one, its hash tells. */
export async function fetchFirstRoot(source: Source): Promise<Bytes> {
  return fetchFile(source, rootPath(1n), ROOT_MAX_BYTES);
}

async function versioned(packed: Packed, role: string, file: MetaFile, most: number): Promise<Bytes> {
  const { length } = file;
  if (length !== null && length > most) throw new SourceError("too-large", `${role} of ${length} bytes`);
  return packed.document(`metadata/${file.version}.${role}.json`, length === null ? most : Number(length));
}

async function document(packed: Packed, target: TargetFile, held: Bytes | undefined): Promise<Bytes> {
  bounded(target, DOCUMENT_MAX_BYTES);
  for (const there of [held, packed.find(target.path)]) if (there && (await isFile(target, there))) return there;
  const data = await fetchFile(packed.source, targetPath(target), Number(target.length));
  if (!(await isFile(target, data))) throw new SourceError("wrong-file", target.path);
  return data;
}

function bounded(target: TargetFile, most: number): TargetFile {
  if (target.length > most) throw new SourceError("too-large", `${target.path} of ${target.length} bytes`);
  return target;
}

/** Get a day's log, whose header must say the day and generation that are signed. */
async function log(
  packed: Packed,
  day: number,
  target: TargetFile,
  held: Bytes | undefined,
  partials: Partials,
): Promise<Bytes> {
  const generation = generationOf(target);
  const data =
    (await fitting(target, held)) ??
    (await ofPack(packed, day, target, held)) ??
    (await download(packed.source, day, generation, target, held, partials));
  const header = headerOf(data);
  if (header?.day !== day || header.generation !== generation) {
    throw new SourceError("unreadable", `the list of day ${day} is not what its signature says`);
  }
  return data;
}

async function fitting(target: TargetFile, data: Bytes | null | undefined): Promise<Bytes | null> {
  return data && (await isFile(target, data)) ? data : null;
}

/** Give a day's log as a pack makes it of what is held; null where it does not. */
async function ofPack(packed: Packed, day: number, target: TargetFile, held?: Bytes): Promise<Bytes | null> {
  const found = await fitting(target, packed.find(target.path, held));
  if (found || !held || headerOf(held)?.generation === generationOf(target)) return found;
  const begun = await begin((path, most, of) => packed.rest(path, most, of), day, target, held);
  return fitting(target, begun && packed.find(target.path, begun));
}

/** Download a log: what is there of it, or can be made of what is there, is kept where the rest fits on to it. */
async function download(
  source: Source,
  day: number,
  generation: number,
  target: TargetFile,
  held: Bytes | undefined,
  partials: Partials,
): Promise<Bytes> {
  const keep: Keep = (data) => partials.put(day, generation, data);
  const isSame = held && headerOf(held)?.generation === generation;
  const found = [
    await partials.get(day, generation),
    held && (isSame ? held : await begin((path, most, of) => fetchFile(source, path, most, of), day, target, held)),
  ];
  const beginnings = found.filter((data) => data !== undefined).filter((data) => data.length <= target.length);
  for (const beginning of beginnings.sort((a, b) => b.length - a.length)) {
    if (await isFile(target, beginning)) return beginning;
    const data = await orNull(fetchFile(source, targetPath(target), Number(target.length), beginning, keep));
    if (data && (await isFile(target, data))) return data;
  }
  const data = await fetchFile(source, targetPath(target), Number(target.length), new Uint8Array(), keep);
  if (!(await isFile(target, data))) throw new SourceError("wrong-file", target.path);
  return data;
}

/** Where the rest makes a file too long, the beginning was another file's. */
async function orNull(fetched: Promise<Bytes>): Promise<Bytes | null> {
  try {
    return await fetched;
  } catch (e) {
    if (e instanceof SourceError && e.kind === "too-long") return null;
    throw e;
  }
}

function headerOf(data: Bytes): { day: number; generation: number } | null {
  try {
    return readHeader(data);
  } catch (e) {
    if (e instanceof WireError) return null;
    throw e;
  }
}
