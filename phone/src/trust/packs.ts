/**
 * Asking for a pack: all that has come since the publication that this device holds, in one request.
 *
 * A pack adds no trust: its files go through the same checks as if they had been fetched one by one. Files that it
 * lacks, or that do not fit, are fetched. Whatever is wrong with a pack, it costs one request.
 */

import { concat, type Bytes } from "../wire/bytes.js";
import { WireError } from "../wire/errors.js";
import {
  PACK_AHEAD_SECONDS,
  PACK_FRESH_SECONDS,
  PACK_HOURS,
  PACK_MAX_BYTES,
  PACK_RECENT_SECONDS,
} from "../wire/limits.js";
import { readPack, type Part } from "../wire/packs.js";
import { SourceError } from "./errors.js";
import { publishedAt, readDocument } from "./metadata.js";
import { fetchFile, type Source } from "./source.js";

export const TIMESTAMP = "metadata/timestamp.json";
const ROOT = /^metadata\/[0-9]+\.root\.json$/;
const HOUR_SECONDS = 3600;

/** What is used of a pack; where its timestamp does not count as the newest, that and roots are asked for. */
export interface Pack {
  readonly parts: ReadonlyMap<string, Part>;
  readonly isCurrent: boolean;
}

export const NO_PACK: Pack = { parts: new Map(), isCurrent: false };

/** Ask a source for the pack of a device that holds this timestamp, at a time in seconds since 1970 UTC. */
export async function requestPack(source: Source, timestamp: Bytes | undefined, now: number): Promise<Pack> {
  const held = placeOf(timestamp);
  const name = held && packName(held, now);
  if (!held || !name) return NO_PACK;
  const parts = await readable(async () => readPack(await fetchFile(source, name, PACK_MAX_BYTES)));
  const part = parts?.get(TIMESTAMP);
  const offered = part?.start === 0 ? placeOf(part.content) : null;
  if (!parts || !offered || offered.version < held.version) return NO_PACK;
  const age = now - offered.published;
  const isCurrent = -PACK_AHEAD_SECONDS <= age && age <= PACK_FRESH_SECONDS;
  return isCurrent || offered.version > held.version ? { parts, isCurrent } : NO_PACK;
}

interface Place {
  readonly version: bigint;
  readonly published: number;
}

function packName({ version, published }: Place, now: number): string | null {
  if (now - published <= PACK_RECENT_SECONDS) return `packs/${version}`;
  const hour = Math.floor(published / HOUR_SECONDS);
  return Math.floor(now / HOUR_SECONDS) - hour <= PACK_HOURS ? `packs/hour-${hour}` : null;
}

/** Read a timestamp's version and the time of its publication, signatures unchecked; null where it has none. */
function placeOf(timestamp: Bytes | undefined): Place | null {
  if (!timestamp) return null;
  try {
    const document = readDocument(timestamp, "timestamp");
    const published = publishedAt(document);
    return published === null ? null : { version: document.version, published };
  } catch (e) {
    if (e instanceof SourceError) return null;
    throw e;
  }
}

async function readable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (e) {
    if (e instanceof SourceError || e instanceof WireError) return null;
    throw e;
  }
}

/** Gives documents of a pack where it has them, and those of the source where it has not, each asked for once. */
export class Packed {
  private readonly fetched = new Map<string, Promise<Bytes>>();

  constructor(
    readonly source: Source,
    private pack: Pack,
  ) {}

  /** Go on without the pack; what has been asked for is not asked for again. */
  drop(): void {
    this.pack = NO_PACK;
  }

  /** Give a whole file from the pack if it fits behind the bytes held, unchecked; null without such a part. */
  find(name: string, held: Bytes = new Uint8Array()): Bytes | null {
    const part = this.pack.isCurrent || name !== TIMESTAMP ? this.pack.parts.get(name) : undefined;
    return part && part.start <= held.length ? concat(held.subarray(0, part.start), part.content) : null;
  }

  /** Give a file of which the beginning is held from the pack alone; one that it lacks counts as missing. */
  rest(path: string, most: number, held: Bytes): Promise<Bytes> {
    const found = this.find(path, held);
    if (found && found.length <= most) return Promise.resolve(found);
    return Promise.reject(new SourceError("missing", path));
  }

  /** Give a document; a root that a current pack lacks counts as missing, so that no request is made for it. */
  async document(path: string, most: number): Promise<Bytes> {
    const found = this.find(path);
    if (found && found.length > most) throw new SourceError("too-long", `${path} is longer than ${most} bytes`);
    if (found) return found;
    if (this.pack.isCurrent && ROOT.test(path)) throw new SourceError("missing", path);
    const asked = this.fetched.get(path) ?? fetchFile(this.source, path, most);
    this.fetched.set(path, asked);
    return asked;
  }
}
