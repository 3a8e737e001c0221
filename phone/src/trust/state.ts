/** What is held, made ready for verifying: keys and lists, each believed only if it is the file that was signed. */

import type { Bytes } from "../wire/bytes.js";
import { WireError } from "../wire/errors.js";
import { readLog, StatusLog } from "../wire/statuslog.js";
import { NO_LISTS, type StatusLists } from "../verify/lists.js";
import { documentsEnd } from "./endings.js";
import { SourceError } from "./errors.js";
import { DENIED_TARGET, KEYS_TARGET, logTarget, type Held } from "./held.js";
import { KeyDocumentError, NO_KEYS, readKeys, type KeySet } from "./keys.js";
import { isFile, readDocument, targetFiles, type TargetFile } from "./metadata.js";
import { STATUS } from "./trusted.js";

export interface State {
  readonly keys: KeySet;
  readonly lists: StatusLists;
  /** When the first of the custodians' documents ends, seconds since 1970 UTC; null where none says. */
  readonly documentsEnd: number | null;
}

/**
 * Read keys and lists out of what a sync got; a log that was held `before` has been read whole, and is only opened.
 *
 * @throws SourceError: something is signed and yet breaks a rule.
 */
export async function stateOf(held: Held, before: Held | null = null): Promise<State> {
  const ends = { documentsEnd: documentsEnd(held.metadata) };
  const [jwks, denied] = [held.documents.get(KEYS_TARGET), held.documents.get(DENIED_TARGET)];
  if (!jwks || !denied) return { keys: NO_KEYS, lists: NO_LISTS, ...ends };
  try {
    const keys = await readKeys(jwks, denied);
    const isRead = (day: number, log: Bytes): boolean => before?.logs.get(day) === log;
    const read = (day: number, log: Bytes): StatusLog => (isRead(day, log) ? StatusLog.open(log) : readLog(log));
    const days = new Map(Array.from(held.logs, ([day, log]) => [day, read(day, log)]));
    return { keys, lists: { days, published: held.published, syncedAt: held.syncedAt }, ...ends };
  } catch (e) {
    if (e instanceof KeyDocumentError || e instanceof WireError) throw new SourceError("unreadable", e.message);
    throw e;
  }
}

/**
 * Leave out of what a store gives back whatever is not the file that was signed: a card fails, a browser evicts. A list
 * that is missing gives "no list for that day", keys that are missing "no keys": never another verdict.
 */
export async function sound(held: Held): Promise<Held> {
  const signed = new Map<string, TargetFile>();
  for (const role of ["targets", STATUS]) {
    for (const [path, file] of filesOf(held.metadata.get(role))) signed.set(path, file);
  }
  const holds = async (path: string, data: Bytes): Promise<boolean> => {
    const file = signed.get(path);
    return file !== undefined && isFile(file, data);
  };
  const filtered = async <K>(files: ReadonlyMap<K, Bytes>, path: (key: K) => string): Promise<Map<K, Bytes>> => {
    const all = Array.from(files);
    const hold = await Promise.all(all.map(([key, data]) => holds(path(key), data)));
    return new Map(all.filter((_, i) => hold[i]));
  };
  const documents = await filtered(held.documents, (name) => name);
  const logs = await filtered(held.logs, logTarget);
  return { ...held, documents, logs };
}

/** What a document held names; nothing where it is damaged, and the next sync fetches it anew. */
function filesOf(data: Bytes | undefined): ReadonlyMap<string, TargetFile> {
  try {
    return data ? targetFiles(readDocument(data, "targets")) : new Map();
  } catch (e) {
    if (e instanceof SourceError) return new Map();
    throw e;
  }
}
