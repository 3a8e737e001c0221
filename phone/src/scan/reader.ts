/** The code reader as the page sees it: pictures go to a worker, texts come back. */

import type { ReadAnswer, ReadRequest } from "./worker.js";

/** The code reader does not start, or broke. */
export class ReaderError extends Error {}

export class Reader {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (answer: ReadAnswer) => void>();
  private last = 0;
  private broken: string | null = null;

  constructor(path: string) {
    this.worker = new Worker(path, { type: "module" });
    this.worker.addEventListener("message", (event: MessageEvent<ReadAnswer>) => {
      this.settle(event.data);
    });
    this.worker.addEventListener("error", (event) => {
      this.broken = event.message || "the worker did not load";
      for (const id of this.waiting.keys()) this.settle({ id, texts: [], fault: this.broken });
    });
  }

  /**
   * Read every code in a picture, which is used up; a fleeting one, as of a camera, is looked at quickly.
   *
   * @throws ReaderError
   */
  async read(picture: ImageBitmap, fleeting: boolean): Promise<readonly string[]> {
    if (this.broken !== null) throw new ReaderError(this.broken);
    const id = ++this.last;
    const answer = await new Promise<ReadAnswer>((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ id, picture, fleeting } satisfies ReadRequest, [picture]);
    });
    if (answer.fault !== undefined) throw new ReaderError(answer.fault);
    return answer.texts;
  }

  private settle(answer: ReadAnswer): void {
    this.waiting.get(answer.id)?.(answer);
    this.waiting.delete(answer.id);
  }
}
