/** When the authority's signed documents and its last key end, for whoever can still act; as keys/expiry.py has it. */

import { DAY_SECONDS } from "../wire/times.js";
import { message, type Message } from "../words/words.js";
import type { Bytes } from "../wire/bytes.js";
import { SourceError } from "./errors.js";
import { withdrawn, type KeySet } from "./keys.js";
import { readDocument } from "./metadata.js";

/** Warnings begin this long before an end: time for custodians to meet, twice if need be. */
const WARNING_SECONDS = 60 * DAY_SECONDS;
/** The custodians' documents: a device refuses every sync once one of them has ended. */
const SIGNED_BY_CUSTODIANS = ["root", "targets"] as const;

/** Return when the first of the custodians' documents held ends, seconds since 1970 UTC; null where none says. */
export function documentsEnd(metadata: ReadonlyMap<string, Bytes>): number | null {
  const ends = SIGNED_BY_CUSTODIANS.flatMap((role) => {
    const data = metadata.get(role);
    return data ? expiryOf(data, role) : [];
  });
  return ends.length ? Math.min(...ends) : null;
}

function expiryOf(data: Bytes, role: (typeof SIGNED_BY_CUSTODIANS)[number]): number[] {
  try {
    return [readDocument(data, role).expires];
  } catch (e) {
    if (e instanceof SourceError) return []; // it is for a sync to refuse
    throw e;
  }
}

/** Say what ends soon or has ended, at a time in seconds since 1970 UTC. */
export function endNotices(documents: number | null, keys: KeySet, now: number): Message[] {
  const good = Array.from(keys.keys.values()).filter(({ kid }) => !withdrawn(keys, kid));
  const lastKey = good.length ? Math.max(...good.map(({ notAfter }) => notAfter)) : null;
  return [notice("documents", documents, now), notice("keys", lastKey, now)].flatMap((found) => found ?? []);
}

function notice(what: "documents" | "keys", at: number | null, now: number): Message | null {
  if (at === null || at - now > WARNING_SECONDS) return null;
  if (at <= now) return message(what === "documents" ? "ends.documents-ended" : "ends.keys-ended", { at });
  return message(what === "documents" ? "ends.documents-soon" : "ends.keys-soon", { at, left: at - now });
}
