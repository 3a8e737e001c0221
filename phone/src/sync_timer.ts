/** When to sync: at the start, when a network comes, and every quarter of an hour, each wait drawn. */

import { run } from "./faults.js";

const PERIOD_SECONDS = 900;
/** A fleet that is switched on at one time must not come at one time. */
const FIRST_WITHIN_SECONDS = 30;
const RETRY_FROM_SECONDS = 15;
const SPREAD = 0.1;

export class SyncTimer {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private retry = RETRY_FROM_SECONDS;
  private running: Promise<void> | null = null;

  /** `run` syncs, and tells whether anything came of it. */
  constructor(private readonly run: () => Promise<boolean>) {}

  /** Begin; at once where the device could accept nothing as it is. */
  start(ready: boolean): void {
    this.wait(ready ? Math.random() * FIRST_WITHIN_SECONDS : 0);
    addEventListener("online", () => {
      this.retry = RETRY_FROM_SECONDS;
      this.wait(Math.random() * FIRST_WITHIN_SECONDS);
    });
  }

  /** Sync now; where a sync is under way, wait for that. */
  async now(): Promise<void> {
    this.running ??= this.once().finally(() => {
      this.running = null;
    });
    await this.running;
  }

  private async once(): Promise<void> {
    clearTimeout(this.timer);
    let came = false;
    try {
      came = await this.run();
    } finally {
      this.retry = came ? RETRY_FROM_SECONDS : Math.min(this.retry * 2, PERIOD_SECONDS);
      const wait = came
        ? PERIOD_SECONDS * (1 + SPREAD * (2 * Math.random() - 1))
        : this.retry * (1 - Math.random() / 2);
      this.wait(wait);
    }
  }

  private wait(seconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      run(this.now());
    }, seconds * 1000);
  }
}
