/** Syncing in the background, never in the way of a check, and in words what came of it. */

import type { Device } from "./device.js";
import { StorageError } from "./store/database.js";
import type { Journal } from "./store/journal.js";
import { SyncTimer } from "./sync_timer.js";
import { Web } from "./trust/web.js";
import { message, type Message } from "./words/words.js";

const FIRST_MILLISECONDS = 10_000;

export class Syncing {
  /** What became of the last sync, and what went wrong in it. */
  words: Message | null = null;
  trouble: Message | null = null;
  private readonly timer = new SyncTimer(() => this.sync());

  constructor(
    /** The device, once it is set up. */
    private readonly device: () => Device | null,
    private readonly journal: Journal,
    private readonly done: () => void,
  ) {}

  /** Begin; a device that has lists syncs soon, one that could accept nothing at once. */
  start(): void {
    const device = this.device();
    if (device) this.timer.start(device.readiness() === null);
  }

  async now(): Promise<void> {
    this.words = message("phone.sync.running");
    await this.timer.now();
  }

  /** Sync a device that has nothing at all; that is waited for, but not for ever. */
  async first(): Promise<void> {
    await Promise.race([this.timer.now(), new Promise((resolve) => setTimeout(resolve, FIRST_MILLISECONDS))]);
  }

  /** Tells whether anything came of it. */
  private async sync(): Promise<boolean> {
    const device = this.device();
    if (!device) return false;
    try {
      const sources = device.sources.map((source) => new Web(addressOf(source)));
      const { state, changed, failures } = await device.sync(sources);
      const failed = state ? null : (failures[0]?.error.kind ?? null);
      this.trouble = failed === null ? null : message(`phone.sync.${failed}`);
      this.words = this.trouble ?? message(changed ? "phone.sync.changed" : "phone.sync.unchanged");
      const { days, published } = device.known().lists;
      await this.journal.keepDays(days, published);
      return state !== null;
    } catch (e) {
      if (!(e instanceof StorageError)) throw e;
      this.trouble = this.words = message("phone.sync.storage");
      return false;
    } finally {
      this.done();
    }
  }
}

/** Give a source's whole address; one that was built in may stand against the page's own. */
export function addressOf(source: string): string {
  return new URL(source, document.baseURI).href;
}
