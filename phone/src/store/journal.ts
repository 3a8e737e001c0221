/**
 * The scan journal: what this device decided and when, without identities.
 *
 * A pass is known again by HMAC-SHA-256 of its day and index under a random key of that day, cut to 16 bytes; the key
 * goes with that day's list, and then nobody can tell any more which passes were shown. Entries go after 7 days.
 */

import type { Verification } from "../verify/verdicts.js";
import { hex, type Bytes } from "../wire/bytes.js";
import { StorageError, type Change, type Database } from "./database.js";

const KEPT_SECONDS = 7 * 86400;
const HOUR = 3600;
const KEY_BYTES = 32;
const MARK_BYTES = 16;
/** The same pass within so long after its last entry is a code that was read twice; the next car takes longer. */
const DOUBLE_READ_SECONDS = 5;
/** What is noted for later than this was noted by a wrong clock, and is forgotten as well. */
const AHEAD_SECONDS = 86400;

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

export class Journal {
  private constructor(
    private readonly database: Database,
    private readonly entries: Map<number, Entry>,
    private next: number,
  ) {}

  static async open(database: Database): Promise<Journal> {
    const entries = (await database.all("scans")) as Map<number, Entry>;
    return new Journal(database, entries, Math.max(0, ...entries.keys()) + 1);
  }

  /** Note a scan; gives what it is noted under, and whether its pass has been shown before. */
  async note(result: Verification): Promise<{ id: number; seen: Seen | null }> {
    const { verdict, outcome, pass, freshness } = result;
    const at = freshness.now;
    void this.forget(at); // the verdict does not wait for what is written
    const mark = pass && (await this.mark(pass.day, pass.index));
    const same = Array.from(this.entries).filter(([, entry]) => mark !== null && entry.mark === mark);
    const twice = same.findLast(
      ([, entry]) => entry.verdict === verdict && Math.abs(at - entry.at) <= DOUBLE_READ_SECONDS,
    );
    const id = twice?.[0] ?? this.next++;
    const before = same.filter(([other]) => other !== id).map(([, entry]) => entry.at);
    const day = mark === null ? null : (pass?.day ?? null);
    if (!twice) void this.put(id, { at, verdict, outcome, published: freshness.published, day, mark, decision: null });
    return { id, seen: before.length ? { count: before.length, lastAt: Math.max(...before) } : null };
  }

  /** Note what the officer decided. */
  async decide(id: number, decision: Decision): Promise<void> {
    const entry = this.entries.get(id);
    if (entry) await this.put(id, { ...entry, decision });
  }

  /** Let go the keys of days that have no list any more, and what was marked with them. */
  async keepDays(days: Iterable<number>): Promise<void> {
    const kept = new Set(days);
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
    const counts = new Map<string, HourlyCount>();
    for (const { at, verdict, decision } of this.entries.values()) {
      const hour = Math.floor(at / HOUR) * HOUR;
      const key = `${hour} ${verdict} ${decision ?? ""}`;
      counts.set(key, { hour, verdict, decision, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return Array.from(counts.values()).sort((a, b) => a.hour - b.hour || a.verdict.localeCompare(b.verdict));
  }

  /** What a pass is known again by; null where the day's key can't be read or kept. */
  private async mark(day: number, index: number): Promise<string | null> {
    const raw = await this.dayKey(day);
    if (!raw) return null;
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const marked = new DataView(new ArrayBuffer(8));
    marked.setUint32(0, day);
    marked.setUint32(4, index);
    const mac = await crypto.subtle.sign("HMAC", key, marked);
    return hex(new Uint8Array(mac).slice(0, MARK_BYTES));
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

  private async forget(now: number): Promise<void> {
    const old = Array.from(this.entries).filter(([, { at }]) => at < now - KEPT_SECONDS || at > now + AHEAD_SECONDS);
    for (const [id] of old) this.entries.delete(id);
    await this.write(old.map(([id]): Change => ["scans", id, undefined]));
  }

  private async put(id: number, entry: Entry): Promise<void> {
    this.entries.set(id, entry);
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
