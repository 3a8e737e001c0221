/** What a device knows of revocations, and how old that may be. */

/** The lists of one consistent publication: for each UTC day its revoked indexes, rising. */
export interface StatusLists {
  readonly days: ReadonlyMap<number, Uint32Array>;
  /** Signed time of that publication, seconds since 1970 UTC; null before the first sync. */
  readonly published: number | null;
  readonly syncedAt: number | null;
}

export const NO_LISTS: StatusLists = { days: new Map(), published: null, syncedAt: null };
