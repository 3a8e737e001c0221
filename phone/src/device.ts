/** A device in use: its store, what it knows, and the verifications and syncs made with it. */

import { OvertakenError, type Store } from "./store/store.js";
import { endNotices } from "./trust/endings.js";
import type { Held } from "./trust/held.js";
import type { Source } from "./trust/source.js";
import { sound, stateOf, type State } from "./trust/state.js";
import { sync, type SyncResult } from "./trust/sync.js";
import { DEFAULT_POLICY, type Policy } from "./verify/policy.js";
import type { Verification } from "./verify/verdicts.js";
import { readiness, verify, type Known } from "./verify/verify.js";
import type { Message } from "./words/words.js";

export class Device {
  private noted: Promise<void> = Promise.resolve();

  private constructor(
    private readonly store: Store,
    private readonly clock: () => number,
    private state: State,
    private lastSeen: number | null,
    readonly sources: readonly string[],
    private readonly policy: Policy,
  ) {}

  /** Open a device that has been set up; `clock` gives seconds since 1970 UTC. */
  static async open(store: Store, clock: () => number, policy = DEFAULT_POLICY): Promise<Device> {
    const [held, lastSeen] = await Promise.all([store.held(), store.lastSeen()]);
    return new Device(store, clock, await stateKept(held), lastSeen, held.sources, policy);
  }

  /** Verify a text, offline; `at` is another time than now, "what would be", which leaves no trace. */
  async verify(text: string, at?: number): Promise<Verification> {
    await this.noted;
    const now = at ?? this.clock();
    const result = await verify(text, this.known(now));
    if (at === undefined) this.noted = this.noteSeen(now);
    return result;
  }

  /** Raise the soft floor of the clock: not this verdict waits for that, but the next. */
  private async noteSeen(now: number): Promise<void> {
    const { state } = this;
    const isNoted = await this.store.noteSeen(now, this.lastSeen);
    if (isNoted && state === this.state) this.lastSeen = now;
  }

  /** Say why a good pass could not be accepted now, or null where it could. */
  readiness(): Message | null {
    return readiness(this.known(this.clock()));
  }

  /** Say which of the authority's documents and keys end soon, or have ended. */
  endNotices(): Message[] {
    return endNotices(this.state.documentsEnd, this.state.keys, this.clock());
  }

  /** Fetch what is new and take it over; where another page of this app was faster, what that took over is used. */
  async sync(sources: readonly Source[]): Promise<SyncResult> {
    try {
      const result = await sync(this.store, sources, this.clock(), this.policy.warningAge);
      if (result.state) this.use(result.state);
      return result;
    } catch (e) {
      if (!(e instanceof OvertakenError)) throw e;
      const state = await stateKept(await this.store.held());
      this.use(state);
      return { state, changed: true, failures: [] };
    }
  }

  /** What the device goes by, at a time. */
  known(now = this.clock()): Known {
    return { ...this.state, now, policy: this.policy, lastSeen: this.lastSeen };
  }

  private use(state: State): void {
    this.state = state;
    this.lastSeen = null;
  }
}

/** Make ready what a store gives back; a log that is the file that was signed was read whole before it was stored. */
async function stateKept(held: Held): Promise<State> {
  const whole = await sound(held);
  return stateOf(whole, whole);
}
