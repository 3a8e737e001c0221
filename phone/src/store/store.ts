/** The device's store: what it trusts and holds, replaced at once or not at all by a sync. */

import type { Held } from "../trust/held.js";
import type { Partials } from "../trust/offer.js";
import type { Place } from "../trust/sync.js";
import type { Bytes } from "../wire/bytes.js";
import { TIME_LIMIT } from "../wire/limits.js";
import { StorageError, type Change, type Database } from "./database.js";

const HELD = "held";
const LAST_SEEN = "last_seen";
const OFFLINE_START = "offline_start";
/** Seconds between two notes of the time; scans come in seconds. */
const LAST_SEEN_STEP = 60;

/** As it is stored: the logs stand in a table of their own, so that one that has not changed is not written again. */
type Facts = Omit<Held, "logs">;

/** Another sync finished in between; nothing is lost. */
export class OvertakenError extends Error {}

export class Store implements Place {
  readonly partials: Partials;

  constructor(private readonly database: Database) {
    this.partials = {
      get: async (day, generation) => (await database.get("partials", `${day}-${generation}`)) as Bytes | undefined,
      put: async (day, generation, data) => {
        await database.write([["partials", `${day}-${generation}`, data]]).catch(ignoreStorage);
      },
    };
  }

  /** Tell whether the device has been set up. */
  async isEnrolled(): Promise<boolean> {
    return (await this.database.get("facts", HELD)) !== undefined;
  }

  /** Set the device up: it trusts a root and syncs from these sources; whatever it held before goes. */
  async enroll(root: Bytes, sources: readonly string[]): Promise<void> {
    const facts: Facts = {
      syncs: 0,
      sources,
      published: null,
      syncedAt: null,
      metadata: new Map([["root", root]]),
      documents: new Map(),
    };
    await this.database.clear(["facts", "logs", "partials"]);
    await this.database.write([["facts", HELD, facts]]);
  }

  async held(): Promise<Held> {
    const facts = (await this.database.get("facts", HELD)) as Facts | undefined;
    if (!facts) throw new StorageError("the device has not been set up");
    return { ...facts, logs: (await this.database.all("logs")) as Map<number, Bytes> };
  }

  async takeOver(before: Held, after: Held): Promise<void> {
    const { logs, ...facts } = after;
    const changed = Array.from(logs).filter(([day, log]) => before.logs.get(day) !== log);
    const gone = Array.from(before.logs.keys()).filter((day) => !logs.has(day));
    const partials = await this.database.all("partials");
    const changes: Change[] = [
      ["facts", HELD, facts],
      ["facts", LAST_SEEN, undefined],
      ...changed.map(([day, log]): Change => ["logs", day, log]),
      ...gone.map((day): Change => ["logs", day, undefined]),
      ...Array.from(partials.keys(), (key): Change => ["partials", key, undefined]),
    ];
    const holds = (value: unknown): boolean => (value as Facts | undefined)?.syncs === before.syncs;
    if (!(await this.database.write(changes, { table: "facts", key: HELD, holds }))) {
      throw new OvertakenError("another sync finished in between");
    }
  }

  /** The latest time at which the device has verified anything since its last sync. */
  async lastSeen(): Promise<number | null> {
    return ((await this.database.get("facts", LAST_SEEN)) as number | undefined) ?? null;
  }

  /** Raise the soft floor of the clock; left undone where nothing can be written. */
  async noteSeen(now: number, lastSeen: number | null): Promise<boolean> {
    if (now < 0 || now >= TIME_LIMIT || (lastSeen !== null && now < lastSeen + LAST_SEEN_STEP)) return false;
    return this.database.write([["facts", LAST_SEEN, now]]).catch(ignoreStorage);
  }

  /** When this version of the app last started without a network; null where it has not been seen to. */
  async offlineStart(version: string): Promise<number | null> {
    const noted = (await this.database.get("facts", OFFLINE_START)) as { version: string; at: number } | undefined;
    return noted?.version === version ? noted.at : null;
  }

  async noteOfflineStart(version: string, at: number): Promise<void> {
    await this.database.write([["facts", OFFLINE_START, { version, at }]]).catch(ignoreStorage);
  }
}

function ignoreStorage(e: unknown): false {
  if (e instanceof StorageError) return false;
  throw e;
}
