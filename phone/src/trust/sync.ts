/**
 * Syncing: fetch what a source offers, and take over all of it or nothing.
 *
 * Sources are tried in order; one that can't be reached, is behind, or offers what must not be taken is left for the
 * next.
 */

import { SourceError } from "./errors.js";
import type { Held } from "./held.js";
import { offer, type Partials } from "./offer.js";
import type { Source } from "./source.js";
import { stateOf, type State } from "./state.js";

/** Where a sync is taken over: one transaction, and only if no other came in between. */
export interface Place {
  readonly partials: Partials;
  held(): Promise<Held>;
  takeOver(before: Held, after: Held): Promise<void>;
}

export interface Failure {
  readonly source: string;
  readonly error: SourceError;
}

/** What a sync did: the state now held, whether anything in it is newer, and which sources were tried in vain. */
export interface SyncResult {
  readonly state: State | null;
  readonly changed: boolean;
  readonly failures: readonly Failure[];
}

/**
 * Bring a device up to date, at a time in seconds since 1970 UTC. Where what a source gives was published longer than
 * `old` seconds ago, the next one is asked as well: a copy that stands still must not keep a device from what others
 * have.
 */
export async function sync(place: Place, sources: readonly Source[], now: number, old: number): Promise<SyncResult> {
  const failures: Failure[] = [];
  let state: State | null = null;
  let changed = false;
  for (const source of sources) {
    try {
      const before = await place.held();
      const after = { ...(await offer(before, source, place.partials, now)), syncs: before.syncs + 1, syncedAt: now };
      const ready = await stateOf(after, before);
      await place.takeOver(before, after);
      state = ready;
      changed ||= isNewer(before, after);
      if (now - (after.published ?? 0) <= old) break;
    } catch (e) {
      if (!(e instanceof SourceError)) throw e;
      failures.push({ source: source.name, error: e });
    }
  }
  return { state, changed, failures };
}

function isNewer(before: Held, after: Held): boolean {
  return Array.from(after.metadata).some(([role, data]) => before.metadata.get(role) !== data);
}
