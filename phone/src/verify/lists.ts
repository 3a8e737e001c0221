/** What a device knows of revocations, and how old that may be. */

/** The revoked indexes of a day. */
export interface DayList {
  readonly count: number;
  readonly holds: (index: number) => boolean;
}

/** The lists of one consistent publication, by UTC day. */
export interface StatusLists {
  readonly days: ReadonlyMap<number, DayList>;
  /** Signed time of that publication, seconds since 1970 UTC; null before the first sync. */
  readonly published: number | null;
  readonly syncedAt: number | null;
}

export const NO_LISTS: StatusLists = { days: new Map(), published: null, syncedAt: null };
