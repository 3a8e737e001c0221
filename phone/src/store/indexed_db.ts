/** IndexedDB as a database: what it says is written is on the disk. */

import { StorageError, TABLES, type Change, type Condition, type Database, type Key, type Table } from "./database.js";

const VERSION = 1;

export class IndexedDb implements Database {
  private constructor(
    private readonly name: string,
    private db: IDBDatabase,
  ) {}

  /**
   * Open a database, or make it.
   *
   * @throws StorageError: the browser keeps nothing for this page.
   */
  static async open(name: string): Promise<IndexedDb> {
    try {
      return new IndexedDb(name, await connect(name));
    } catch (e) {
      throw storageError(e);
    }
  }

  async get(table: Table, key: Key): Promise<unknown> {
    return this.reading(table, (store) => done(store.get(key)));
  }

  async all(table: Table): Promise<Map<Key, unknown>> {
    return this.reading(table, async (store) => {
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done<unknown[]>(store.getAll())]);
      return new Map(keys.map((key, i) => [key as Key, values[i]]));
    });
  }

  async write(changes: readonly Change[], condition?: Condition): Promise<boolean> {
    try {
      const tables = new Set([...changes.map(([table]) => table), ...(condition ? [condition.table] : [])]);
      const transaction = await this.begin(Array.from(tables), "readwrite");
      const ended = end(transaction);
      ended.catch(() => undefined); // it is awaited below; a request may fail before
      if (condition) {
        const found: unknown = await done(transaction.objectStore(condition.table).get(condition.key));
        if (!condition.holds(found)) return false;
      }
      for (const [table, key, value] of changes) {
        const store = transaction.objectStore(table);
        if (value === undefined) store.delete(key);
        else store.put(value, key);
      }
      await ended;
      return true;
    } catch (e) {
      throw storageError(e);
    }
  }

  async clear(tables: readonly Table[]): Promise<void> {
    try {
      const transaction = await this.begin(tables, "readwrite");
      for (const table of tables) transaction.objectStore(table).clear();
      await end(transaction);
    } catch (e) {
      throw storageError(e);
    }
  }

  private async reading<T>(table: Table, read: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    try {
      return await read((await this.begin([table], "readonly")).objectStore(table));
    } catch (e) {
      throw storageError(e);
    }
  }

  /** Begin a transaction; where the browser has closed the connection, as it may at any time, over a new one. */
  private async begin(tables: readonly Table[], mode: IDBTransactionMode): Promise<IDBTransaction> {
    const transaction = (): IDBTransaction => this.db.transaction(tables, mode, { durability: "strict" });
    try {
      return transaction();
    } catch (e) {
      if (!(e instanceof DOMException && e.name === "InvalidStateError")) throw e;
      this.db = await connect(this.name);
      return transaction();
    }
  }
}

async function connect(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => {
    for (const table of TABLES) request.result.createObjectStore(table);
  };
  const db = await done(request);
  db.onversionchange = () => {
    db.close(); // a later version of this app waits for it
  };
  return db;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error ?? new StorageError("the request failed"));
    };
  });
}

function end(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = () => {
      reject(transaction.error ?? new StorageError("the transaction was given up"));
    };
  });
}

function storageError(e: unknown): StorageError {
  return e instanceof StorageError ? e : new StorageError(e instanceof Error ? `${e.name}: ${e.message}` : String(e));
}
