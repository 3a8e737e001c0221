/** A place that a repository is fetched from, file by file or from an offset on. */

import { concat, type Bytes } from "../wire/bytes.js";
import { SourceError } from "./errors.js";

/** What a source answers: where the bytes begin, and the bytes in pieces as they come. */
export interface Answer {
  readonly start: number;
  readonly pieces: AsyncIterable<Bytes>;
}

export interface Source {
  readonly name: string;
  /**
   * Open a file, or the rest of it from an offset on; the whole is an answer to that too.
   *
   * @throws SourceError: it could not be had; NoSuchRange where the offset lies behind its end.
   */
  open(path: string, start: number): Promise<Answer>;
}

/** The file ends before the offset that was asked for. */
export class NoSuchRange extends Error {}

/** Is told all that is there of a file, as it grows. */
export type Keep = (data: Bytes) => Promise<void>;

/**
 * Fetch a file of which the beginning may be held already.
 *
 * @throws SourceError: it could not be had, or is longer than `most` bytes.
 */
export async function fetchFile(
  source: Source,
  path: string,
  most: number,
  held: Bytes = new Uint8Array(),
  keep?: Keep,
): Promise<Bytes> {
  const { start, pieces } = await openFrom(source, path, held.length);
  const parts: Bytes[] = [held.slice(0, start)];
  let length = start;
  try {
    for await (const piece of pieces) {
      parts.push(piece);
      length += piece.length;
      if (length > most) throw new SourceError("too-long", `${path} is longer than ${most} bytes`);
    }
  } catch (e) {
    if (e instanceof SourceError && e.kind !== "too-long") await keep?.(concat(...parts));
    throw e;
  }
  return concat(...parts);
}

async function openFrom(source: Source, path: string, start: number): Promise<Answer> {
  try {
    return await source.open(path, start);
  } catch (e) {
    if (!(e instanceof NoSuchRange)) throw e;
    return source.open(path, 0);
  }
}
