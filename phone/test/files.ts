/** A repository in memory, as a source. */

import { SourceError } from "../src/trust/errors.js";
import type { Partials } from "../src/trust/offer.js";
import { NoSuchRange, type Answer, type Source } from "../src/trust/source.js";
import type { Bytes } from "../src/wire/bytes.js";

export class Files implements Source {
  readonly name = "memory";
  readonly asked: string[] = [];
  constructor(readonly files: ReadonlyMap<string, Bytes>) {}

  open(path: string, start: number): Promise<Answer> {
    this.asked.push(start ? `${path} from ${start}` : path);
    const data = this.files.get(path);
    if (!data) return Promise.reject(new SourceError("missing", path));
    if (start > data.length) return Promise.reject(new NoSuchRange(path));
    return Promise.resolve({ start, pieces: once(data.slice(start)) });
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- a source answers in its own time
async function* once(data: Bytes): AsyncGenerator<Bytes> {
  yield data;
}

export const NO_PARTIALS: Partials = { get: () => Promise.resolve(undefined), put: () => Promise.resolve() };
