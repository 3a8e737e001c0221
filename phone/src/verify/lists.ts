/** What a device knows of revocations, and how old that may be. */

/** The lists of one consistent publication: for each UTC day its revoked indexes, rising. */
export interface StatusLists {
  readonly days: ReadonlyMap<number, Uint32Array>;
  /** Signed time of that publication, seconds since 1970 UTC; null before the first sync. */
  readonly published: number | null;
  readonly syncedAt: number | null;
}

/** What one device or agency decides for itself, in seconds; docs/spec.md, "Limits". */
export interface Policy {
  readonly maxAge: number;
  readonly warningAge: number;
  readonly clockSlack: number;
}

export const DEFAULT_POLICY: Policy = { maxAge: 24 * 3600, warningAge: 6 * 3600, clockSlack: 300 };
export const NO_LISTS: StatusLists = { days: new Map(), published: null, syncedAt: null };
