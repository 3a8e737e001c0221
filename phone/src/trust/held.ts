/** What a sync starts from, or ends with; all of it is replaced at once or nothing. */

import type { Bytes } from "../wire/bytes.js";

export interface Held {
  /** How many syncs the device has seen; whoever takes over must find the same number. */
  readonly syncs: number;
  /** Where the device syncs from, in the order in which they are tried. */
  readonly sources: readonly string[];
  /** Signed time of the publication held, and when a sync last succeeded, seconds since 1970 UTC. */
  readonly published: number | null;
  readonly syncedAt: number | null;
  /** The signed documents by role; "root" is always there. */
  readonly metadata: ReadonlyMap<string, Bytes>;
  /** keys.jwks.json and status/denied-keys.json by their names; none before the first sync. */
  readonly documents: ReadonlyMap<string, Bytes>;
  /** Each UTC day's log. */
  readonly logs: ReadonlyMap<number, Bytes>;
}

export const KEYS_TARGET = "keys.jwks.json";
export const DENIED_TARGET = "status/denied-keys.json";

export function logTarget(day: number): string {
  return `status/${day}.log`;
}

/** Give the day of a log from its name among the targets; null where it is not a log's. */
export function logDay(path: string): number | null {
  const day = /^status\/(0|[1-9][0-9]{0,4})\.log$/.exec(path)?.[1];
  return day === undefined ? null : Number(day);
}
