/**
 * A web server as a source. Redirects are not followed, and what begins with "<" is a login page.
 *
 * A request has FILE_SECONDS from its first byte to its answer's last, and SILENCE_SECONDS between two pieces.
 */

import type { Bytes } from "../wire/bytes.js";
import { SourceError } from "./errors.js";
import { NoSuchRange, type Answer, type Source } from "./source.js";

const SILENCE_SECONDS = 20;
const FILE_SECONDS = 300;
const OK = 200;
const PARTIAL = 206;
const MISSING = [403, 404]; // the first one where a bucket must not be listed
const NO_SUCH_RANGE = 416;
const NETWORK_LOGIN = 511;
const CONTENT_RANGE = /^bytes ([0-9]+)-[0-9]+\/(?:[0-9]+|\*)$/;
const LESS_THAN = 0x3c;
const SPACES = [0x20, 0x09, 0x0a, 0x0d];

export class Web implements Source {
  readonly name: string;

  /** Take a repository's address. */
  constructor(
    base: string,
    private readonly seconds = { silence: SILENCE_SECONDS, file: FILE_SECONDS },
  ) {
    this.name = base.replace(/\/+$/, "");
  }

  async open(path: string, start: number): Promise<Answer> {
    const clock = new Deadline(this.seconds.silence, this.seconds.file);
    const url = `${this.name}/${path.split("/").map(encodeURIComponent).join("/")}`;
    const headers: Record<string, string> = start ? { Range: `bytes=${start}-` } : {};
    const response = await clock.within(path, () =>
      fetch(url, { headers, signal: clock.signal, redirect: "manual", cache: "no-store", credentials: "omit" }),
    );
    const problem = refusal(response, path, start);
    if (problem) {
      clock.end();
      throw problem;
    }
    return { start: response.status === PARTIAL ? start : 0, pieces: pieces(response, path, clock) };
  }
}

/** Say what an answer means that is not the file; null where it is. */
function refusal(response: Response, path: string, start: number): Error | null {
  const { status } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400) || status === NETWORK_LOGIN) {
    return new SourceError("login-page", `${path} leads elsewhere`);
  }
  if (status === NO_SUCH_RANGE && start) return new NoSuchRange(path);
  if (MISSING.includes(status)) return new SourceError("missing", path);
  if (status !== OK && !(status === PARTIAL && start)) return new SourceError("status", `${path}: HTTP ${status}`);
  return status === PARTIAL ? otherPart(response, path, start) : null;
}

function otherPart({ headers }: Response, path: string, start: number): SourceError | null {
  const range = headers.get("Content-Range"); // null: a server elsewhere may keep it from the page
  if (range === null || CONTENT_RANGE.exec(range)?.[1] === String(start)) return null;
  return new SourceError("status", `${path} answered with another part than was asked for`);
}

async function* pieces(response: Response, path: string, clock: Deadline): AsyncGenerator<Bytes> {
  const reader = response.body?.getReader();
  let first = response.status === OK;
  try {
    while (reader) {
      const { value } = await clock.within(path, () => reader.read());
      if (!value) return;
      const begins = value.find((byte) => !SPACES.includes(byte));
      if (first && begins === LESS_THAN) throw new SourceError("login-page", `${path} answered with a web page`);
      first &&= begins === undefined;
      yield value;
    }
  } finally {
    clock.end();
  }
}

/** Ends a request that takes too long. */
class Deadline {
  private readonly controller = new AbortController();
  private readonly whole: ReturnType<typeof setTimeout>;
  private over = false;

  constructor(
    private readonly silence: number,
    file: number,
  ) {
    this.whole = setTimeout(() => {
      this.cut();
    }, file * 1000);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Wait for something, but not in silence. */
  async within<T>(path: string, wait: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.cut();
    }, this.silence * 1000);
    try {
      return await wait();
    } catch (e) {
      clearTimeout(this.whole);
      if (e instanceof SourceError) throw e;
      throw new SourceError(
        this.over ? "slow" : "no-connection",
        `${path}: ${e instanceof Error ? e.message : "failed"}`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Be done with the request, read to its end or not. */
  end(): void {
    clearTimeout(this.whole);
    this.controller.abort();
  }

  private cut(): void {
    this.over = true;
    this.controller.abort();
  }
}
