/**
 * The scan journal: what this device decided and when, without identities.
 *
 * A pass is known again by HMAC-SHA-256 of its day and index under a random key of that day, cut to 16 bytes; the key
 * goes with that day's list, and then nobody can tell any more which passes were shown. Entries go after 7 days, as far
 * as the signed time of the lists bears the clock out: one reading of a wrong clock deletes nothing.
 */

import type { Verification } from "../verify/verdicts.js";
import { hex, type Bytes } from "../wire/bytes.js";
import { StorageError, type Change, type Database, type Key } from "./database.js";

const KEPT_SECONDS = 7 * 86400;
/** The oldest entries beyond this go as well. */
const ENTRIES_MOST = 200_000;
const HOUR = 3600;
const KEY_BYTES = 32;
const MARK_BYTES = 16;
/** The same pass within so long after its first entry, in the same window, is a code that was read twice. */
const DOUBLE_READ_SECONDS = 5;
/** What is noted for later than this was noted by a wrong clock, and is noted for now instead. */
const AHEAD_SECONDS = 86400;
/** A clock that is further ahead of the lists than lists are ever of use is not believed. */
const BELIEVED_SECONDS = 48 * HOUR;

/** What the officer did where nothing could be verified. */
export const DECISIONS = ["let-through", "sent-back", "called-in"] as const;
export type Decision = (typeof DECISIONS)[number];

/** One scan; times in seconds since 1970 UTC. */
interface Entry {
  readonly at: number;
  readonly verdict: string;
  readonly outcome: string;
  readonly published: number | null;
  /** The pass's day, and what it is known again by; null where no signature held, or the day's key has gone. */
  readonly day: number | null;
  readonly mark: string | null;
  /** What the officer decided after "cannot verify". */
  readonly decision: Decision | null;
}

/** That this device was shown the same pass before: how often, and when last, seconds since 1970 UTC. */
export interface Seen {
  readonly count: number;
  readonly lastAt: number;
}

/** How many scans of an hour had a verdict. */
export interface HourlyCount {
  readonly hour: number;
  readonly verdict: string;
  readonly decision: Decision | null;
  readonly count: number;
}

/** The days that have a list. */
type Days = Pick<ReadonlySet<number>, "has">;

export class Journal {
  /** The entries of this window. */
  private readonly own = new Set<Key>();
  /** The keys of days whose passes were shown here. */
  private readonly markKeys = new Map<number, CryptoKey>();
  /** The newest signed time of the lists that is known here. */
  private published: number | null = null;

  private constructor(
    private readonly database: Database,
    private readonly clock: () => number,
    /** The oldest first. */
    private readonly entries: Map<Key, Entry>,
    /** Between the windows of this app: each tells the others what it notes. */
    private readonly windows: BroadcastChannel | null,
  ) {
    windows?.addEventListener("message", ({ data }: MessageEvent<readonly [Key, Entry]>) => {
      this.entries.set(...data);
    });
  }

  /** Open what there is; `clock` gives seconds since 1970 UTC. One that can't be read begins with nothing. */
  static async open(
    database: Database,
    clock: () => number,
    windows: BroadcastChannel | null = null,
  ): Promise<Journal> {
    const found = await database.all("scans").catch((e: unknown) => {
      if (e instanceof StorageError) return new Map();
      throw e;
    });
    const entries = Array.from(found as Map<Key, Entry>).sort(([, a], [, b]) => a.at - b.at);
    const journal = new Journal(database, clock, new Map(entries), windows);
    for (const [, { published }] of entries) journal.learn(published);
    journal.forget();
    return journal;
  }

  /**
   * Note a scan; gives what it is noted under, and whether its pass has been shown before. `lists` has the days that
   * have a list: a pass of another day is not marked, since nothing would make the mark and its key go.
   */
  async note(result: Verification, lists: Days): Promise<{ id: Key; seen: Seen | null }> {
    const { verdict, outcome, pass, freshness } = result;
    this.learn(freshness.published);
    const at = Math.max(freshness.now, this.published ?? 0); // a clock that is behind what was signed is wrong
    this.forget();
    const mark = pass && lists.has(pass.day) ? await this.mark(pass.day, pass.index) : null;
    const same: [Key, Entry][] = [];
    for (const [id, entry] of this.entries) if (mark !== null && entry.mark === mark) same.push([id, entry]);
    const twice = same.findLast(
      ([other, entry]) =>
        this.own.has(other) && entry.verdict === verdict && Math.abs(at - entry.at) <= DOUBLE_READ_SECONDS,
    );
    const id = twice?.[0] ?? crypto.randomUUID(); // another window notes its scans in the same table
    this.own.add(id);
    const before = same.filter(([other]) => other !== id).map(([, entry]) => entry.at);
    const day = mark === null ? null : (pass?.day ?? null);
    if (!twice) void this.put(id, { at, verdict, outcome, published: freshness.published, day, mark, decision: null });
    const lastAt = before.reduce((last, time) => Math.max(last, time), 0);
    return { id, seen: before.length ? { count: before.length, lastAt } : null };
  }

  /** Note what the officer decided. */
  async decide(id: Key, decision: Decision): Promise<void> {
    const entry = this.entries.get(id);
    if (entry) await this.put(id, { ...entry, decision });
  }

  /** Let go the keys of days that have no list any more, and what was marked with them; `published` is the lists'. */
  async keepDays(kept: Days, published: number | null): Promise<void> {
    this.learn(published);
    this.forget();
    for (const day of this.markKeys.keys()) if (!kept.has(day)) this.markKeys.delete(day);
    const keys = await this.database.all("day_keys");
    const gone = Array.from(keys.keys()).filter((day) => !kept.has(Number(day)));
    const changes = gone.map((day): Change => ["day_keys", day, undefined]);
    for (const [id, entry] of this.entries) {
      if (entry.day === null || kept.has(entry.day)) continue;
      const unmarked = { ...entry, day: null, mark: null };
      this.entries.set(id, unmarked);
      changes.push(["scans", id, unmarked]);
    }
    await this.write(changes);
  }

  /** Count what there is by hour. */
  counts(): HourlyCount[] {
    this.forget();
    const counts = new Map<string, HourlyCount>();
    for (const { at, verdict, decision } of this.entries.values()) {
      const hour = Math.floor(at / HOUR) * HOUR;
      const key = `${hour} ${verdict} ${decision ?? ""}`;
      counts.set(key, { hour, verdict, decision, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return Array.from(counts.values()).sort((a, b) => a.hour - b.hour || a.verdict.localeCompare(b.verdict));
  }

  /** Have a day's key at hand before its first pass comes. */
  async prepare(day: number, lists: Days): Promise<void> {
    if (lists.has(day)) await this.markKey(day);
  }

  /** What a pass is known again by; null where the day's key can't be read or kept. */
  private async mark(day: number, index: number): Promise<string | null> {
    const key = await this.markKey(day);
    if (!key) return null;
    const marked = new DataView(new ArrayBuffer(8));
    marked.setUint32(0, day);
    marked.setUint32(4, index);
    const mac = await crypto.subtle.sign("HMAC", key, marked);
    return hex(new Uint8Array(mac).slice(0, MARK_BYTES));
  }

  private async markKey(day: number): Promise<CryptoKey | null> {
    const held = this.markKeys.get(day);
    if (held) return held;
    const raw = await this.dayKey(day);
    if (!raw) return null;
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    this.markKeys.set(day, key);
    return key;
  }

  private async dayKey(day: number): Promise<Bytes | null> {
    const made = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    try {
      const held = (await this.database.get("day_keys", day)) as Bytes | undefined;
      if (held) return held;
      const holds = (value: unknown): boolean => value === undefined;
      if (await this.database.write([["day_keys", day, made]], { table: "day_keys", key: day, holds })) return made;
      return (await this.database.get("day_keys", day)) as Bytes; // another window was faster
    } catch (e) {
      if (e instanceof StorageError) return null;
      throw e;
    }
  }

  /** Let go what was kept for long enough, and the oldest where there are too many; nobody waits for the writing. */
  private forget(): void {
    const now = this.clock();
    const surely = this.published === null ? now : Math.min(now, this.published + BELIEVED_SECONDS);
    const latest = Math.max(now, this.published ?? 0);
    const gone: Key[] = [];
    for (const [id, entry] of this.entries) {
      if (entry.at < surely - KEPT_SECONDS) gone.push(id);
      else if (entry.at > latest + AHEAD_SECONDS) void this.put(id, { ...entry, at: latest });
    }
    for (const id of gone) this.entries.delete(id);
    const most = ENTRIES_MOST - 1; // one more may come now
    for (const id of this.entries.keys()) {
      if (this.entries.size <= most) break;
      this.entries.delete(id);
      gone.push(id);
    }
    void this.write(gone.map((id): Change => ["scans", id, undefined]));
  }

  private learn(published: number | null): void {
    if (published !== null) this.published = Math.max(this.published ?? 0, published);
  }

  private async put(id: Key, entry: Entry): Promise<void> {
    this.entries.set(id, entry);
    this.windows?.postMessage([id, entry]);
    await this.write([["scans", id, entry]]);
  }

  /** A journal that can't be written must not keep a verdict from being shown. */
  private async write(changes: readonly Change[]): Promise<void> {
    try {
      if (changes.length) await this.database.write(changes);
    } catch (e) {
      if (!(e instanceof StorageError)) throw e;
    }
  }
}
