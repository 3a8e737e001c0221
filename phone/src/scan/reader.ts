/** The code reader as the page sees it: pictures go to a worker, texts come back. */

import type { ReadAnswer, ReadRequest } from "./worker.js";

/** A picture made to be slow to read is given up after this time, and the worker that reads it with it. */
const READ_MILLISECONDS = 10_000;
/** After so many pictures in a row that broke the worker it is no picture's fault. */
const FAULTS_MOST = 3;

/** What a picture holds: its codes' texts, and a mark of its pixels (mark.ts). */
export interface Reading {
  readonly texts: readonly string[];
  readonly mark: number | null;
}
const NOTHING: Reading = { texts: [], mark: null };

/** The code reader does not start, or broke. */
export class ReaderError extends Error {}

export class Reader {
  private worker: Worker;
  private started: Promise<void>;
  private readonly waiting = new Map<number, (answer: ReadAnswer) => void>();
  private last = 0;
  private faults = 0;
  private broken: string | null = null;

  constructor(private readonly path: string) {
    [this.worker, this.started] = this.start();
  }

  /**
   * Read every code in a picture, which is used up; a fleeting one, as of a camera, is looked at quickly.
   *
   * @throws ReaderError
   */
  async read(picture: ImageBitmap, fleeting: boolean): Promise<Reading> {
    await this.ready();
    const id = ++this.last;
    const late = setTimeout(() => {
      this.giveUp();
    }, READ_MILLISECONDS);
    const answer = await new Promise<ReadAnswer>((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ id, picture, fleeting } satisfies ReadRequest, [picture]);
    });
    clearTimeout(late);
    this.faults = answer.fault === undefined ? 0 : this.faults + 1;
    if (answer.fault === undefined) return { texts: answer.texts, mark: answer.mark ?? null };
    if (this.broken !== null || this.faults >= FAULTS_MOST) throw new ReaderError(answer.fault);
    this.giveUp();
    return NOTHING;
  }

  /**
   * Wait until the reader has started.
   *
   * @throws ReaderError
   */
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
