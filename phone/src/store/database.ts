/** Where a device keeps things: tables of keys and values, written in one transaction or not at all. */

export const TABLES = ["facts", "logs", "partials", "scans", "day_keys"] as const;
export type Table = (typeof TABLES)[number];
export type Key = string | number;

/** A value to be put under a key; undefined deletes what is there. */
export type Change = readonly [table: Table, key: Key, value: unknown];

/** What must be under a key of the same database for a write to be made. */
export interface Condition {
  readonly table: Table;
  readonly key: Key;
  readonly holds: (value: unknown) => boolean;
}

export interface Database {
  get(table: Table, key: Key): Promise<unknown>;
  all(table: Table): Promise<Map<Key, unknown>>;
  /** Make all changes, durably, or none; tells whether the condition held. */
  write(changes: readonly Change[], condition?: Condition): Promise<boolean>;
  /** Empty whole tables, all or none. */
  clear(tables: readonly Table[]): Promise<void>;
}

/** The browser would not keep or give back anything: storage is full, denied, or broken. */
export class StorageError extends Error {}

/** A database that lasts as long as its page: for tests, and for a browser that keeps nothing. */
export class Memory implements Database {
  private readonly tables = new Map(TABLES.map((name) => [name, new Map<Key, unknown>()]));

  get(table: Table, key: Key): Promise<unknown> {
    return Promise.resolve(structuredClone(this.table(table).get(key)));
  }

  all(table: Table): Promise<Map<Key, unknown>> {
    return Promise.resolve(structuredClone(this.table(table)));
  }

  write(changes: readonly Change[], condition?: Condition): Promise<boolean> {
    if (condition && !condition.holds(this.table(condition.table).get(condition.key))) return Promise.resolve(false);
    for (const [table, key, value] of changes) {
      if (value === undefined) this.table(table).delete(key);
      else this.table(table).set(key, structuredClone(value));
    }
    return Promise.resolve(true);
  }

  clear(tables: readonly Table[]): Promise<void> {
    for (const table of tables) this.table(table).clear();
    return Promise.resolve();
  }

  private table(name: Table): Map<Key, unknown> {
    return this.tables.get(name) ?? new Map<Key, unknown>();
  }
}
