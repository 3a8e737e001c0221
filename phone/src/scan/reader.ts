/** The code reader as the page sees it: pictures go to workers, texts come back. */

import type { How, ReadAnswer, ReadRequest } from "./worker.js";

/** A picture made to be slow to read is given up after this time, and the worker that reads it with it. */
const READ_MILLISECONDS = 10_000;
/** After so many pictures in a row that broke a worker it is no picture's fault. */
const FAULTS_MOST = 3;
/** Other looks rest between each other as long as one takes, and this long at least: a phone gets hot. */
const REST_MILLISECONDS = 80;

/** What a picture holds: its codes' texts, a mark of its pixels (mark.ts), and itself, where it has no code. */
export interface Reading {
  readonly texts: readonly string[];
  readonly mark: number | null;
  readonly picture: ImageBitmap | null;
}
const NOTHING: Reading = { texts: [], mark: null, picture: null };

/** The code reader does not start, or broke. */
export class ReaderError extends Error {}

export class Reader {
  private readonly main: Line;
  /** For other looks: they take long, and the next picture must not wait for them. It starts with the first of them. */
  private beside: Line | null = null;
  private restsUntil = 0;

  constructor(private readonly path: string) {
    this.main = new Line(path);
  }

  /**
   * Read every code in a picture, which is used up, as it is.
   *
   * @throws ReaderError
   */
  async read(picture: ImageBitmap): Promise<Reading> {
    return this.main.read(picture, "as it is");
  }

  /**
   * Read every code in a picture, if need be in every other way.
   *
   * @throws ReaderError
   */
  async readInAllWays(picture: ImageBitmap): Promise<readonly string[]> {
    return (await this.main.read(picture, "in all ways")).texts;
  }

  /**
   * Look at a picture in which nothing was read in one other way, beside the pictures that follow; null where it is too
   * early for another look, or where it did not come to one.
   *
   * @throws ReaderError
   */
  async lookAgain(picture: ImageBitmap): Promise<readonly string[] | null> {
    const began = performance.now();
    if (began < this.restsUntil) {
      picture.close();
      return null;
    }
    this.restsUntil = Infinity;
    this.beside ??= new Line(this.path);
    try {
      return (await this.beside.read(picture, "in another way")).texts;
    } catch (e) {
      if (!(e instanceof ReaderError) || this.beside === this.main) throw e;
      this.beside.end();
      this.beside = this.main; // memory for two may be missing: the first takes other looks as well
      return null;
    } finally {
      const now = performance.now();
      this.restsUntil = now + Math.max(REST_MILLISECONDS, now - began);
    }
  }

  /**
   * Wait until the reader has started.
   *
   * @throws ReaderError
   */
  async ready(): Promise<void> {
    await this.main.ready();
  }
}

/** A worker, and what waits for it. */
class Line {
  private worker: Worker;
  private started: Promise<void>;
  private readonly waiting = new Map<number, (answer: ReadAnswer) => void>();
  private last = 0;
  private faults = 0;
  private broken: string | null = null;

  constructor(private readonly path: string) {
    [this.worker, this.started] = this.start();
  }

  async read(picture: ImageBitmap, how: How): Promise<Reading> {
    await this.ready();
    const id = ++this.last;
    const late = setTimeout(() => {
      this.giveUp();
    }, READ_MILLISECONDS);
    const answer = await new Promise<ReadAnswer>((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ id, picture, how } satisfies ReadRequest, [picture]);
    });
    clearTimeout(late);
    this.faults = answer.fault === undefined ? 0 : this.faults + 1;
    if (answer.fault === undefined) {
      return { texts: answer.texts, mark: answer.mark ?? null, picture: answer.picture ?? null };
    }
    if (this.broken !== null || this.faults >= FAULTS_MOST) throw new ReaderError(answer.fault);
    this.giveUp();
    return NOTHING;
  }

  end(): void {
    this.worker.terminate();
  }

  async ready(): Promise<void> {
    await this.started;
    if (this.broken !== null) throw new ReaderError(this.broken);
  }

  private start(): [Worker, Promise<void>] {
    const worker = new Worker(this.path, { type: "module" });
    const started = new Promise<void>((resolve) => {
      const fail = (why: string): void => {
        this.broken = why;
        resolve();
        for (const id of this.waiting.keys()) this.settle({ id, texts: [], fault: why });
      };
      worker.addEventListener("message", ({ data }: MessageEvent<ReadAnswer>) => {
        if (data.id !== null) this.settle({ ...data, id: data.id });
        else if (data.fault === undefined) resolve();
        else fail(data.fault);
      });
      worker.addEventListener("error", (event) => {
        fail(event.message || "the worker did not load");
      });
    });
    return [worker, started];
  }

  /** Go on with another worker; what this one was reading counts as a picture without a code. */
  private giveUp(): void {
    this.worker.terminate();
    [this.worker, this.started] = this.start();
    for (const id of this.waiting.keys()) this.settle({ id, texts: [] });
  }

  private settle(answer: ReadAnswer & { readonly id: number }): void {
    this.waiting.get(answer.id)?.(answer);
    this.waiting.delete(answer.id);
  }
}
