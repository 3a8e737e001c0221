import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Device } from "../src/device.js";
import { Memory, StorageError, type Database } from "../src/store/database.js";
import { IndexedDb } from "../src/store/indexed_db.js";
import { Store } from "../src/store/store.js";
import { SourceError } from "../src/trust/errors.js";
import type { Answer, Source } from "../src/trust/source.js";
import type { Bytes } from "../src/wire/bytes.js";
import { Files } from "./files.js";

/** What tests/phone/two_publications.py writes. */
interface Publications {
  now: number;
  log: string;
  day: number;
  first: Record<string, string>;
  second: Record<string, string>;
  good: string;
  revoked: string;
  revoked_later: string;
}
const published = JSON.parse(readFileSync("../build/phone-test/publications.json", "utf-8")) as Publications;
const first = files(published.first);
const second = files(published.second);
const clock = (): number => published.now;

async function enrolled(database: Database): Promise<Store> {
  const store = new Store(database);
  await store.enroll(first.get("metadata/1.root.json") ?? new Uint8Array(), []);
  return store;
}

const DATABASES: readonly [string, () => Promise<Database>][] = [
  ["memory", () => Promise.resolve(new Memory())],
  ["IndexedDB", () => IndexedDb.open(`test ${Math.random()}`)],
];

for (const [name, open] of DATABASES) {
  void test(`a device syncs, verifies, and knows it all after a restart (${name})`, async () => {
    const database = await open();
    const device = await Device.open(await enrolled(database), clock);
    assert.equal((await device.verify(published.good)).verdict, "unknown-key");
    assert.equal(device.readiness()?.key, "ready.never-synced");
    assert.deepEqual((await device.sync([new Files(first)])).failures, []);
    assert.equal((await device.verify(published.good)).verdict, "valid");
    assert.equal((await device.verify(published.revoked)).verdict, "revoked");
    assert.equal((await device.verify(published.revoked_later)).verdict, "valid");
    await device.sync([new Files(second)]);
    assert.equal((await device.verify(published.revoked_later)).verdict, "revoked");
    const again = await Device.open(new Store(database), clock);
    assert.equal((await again.verify(published.good)).verdict, "valid");
    assert.equal((await again.verify(published.revoked)).verdict, "revoked");
    assert.equal(again.readiness(), null);
  });

  void test(`a sync that was overtaken writes nothing (${name})`, async () => {
    const store = await enrolled(await open());
    const [one, two] = [await Device.open(store, clock), await Device.open(store, clock)];
    await one.sync([new Files(second)]);
    const before = await store.held();
    await assert.rejects(store.takeOver({ ...before, syncs: 0 }, { ...before, syncs: 1, published: 5 }));
    assert.deepEqual(await store.held(), before);
    await two.sync([new Files(second)]);
    assert.equal((await two.verify(published.revoked_later)).verdict, "revoked");
  });
}

void test("a sync asks for the rest of a list, and nothing that it has", async () => {
  const device = await Device.open(await enrolled(new Memory()), clock);
  await device.sync([new Files(first)]);
  const source = new Files(second);
  await device.sync([source]);
  const held = first.get(published.log.replace(/[0-9a-f]{64}/, hashOf(published.first)))?.length ?? 0;
  assert.ok(source.asked.includes(`${published.log} from ${held}`));
  const again = new Files(second);
  await device.sync([again]);
  assert.deepEqual(again.asked, ["packs/3", "metadata/3.root.json", "metadata/timestamp.json"], "it has no packs");
});

void test("a download that was cut off goes on from what came, unless that was wrong", async () => {
  for (const wrong of [false, true]) {
    const database = new Memory();
    const device = await Device.open(await enrolled(database), clock);
    const cut = await device.sync([new Cut(second, published.log, 1000, wrong)]);
    assert.equal(cut.failures[0]?.error.kind, "no-connection");
    assert.equal((await device.verify(published.good)).verdict, "unknown-key");
    const source = new Files(second);
    assert.deepEqual((await device.sync([source])).failures, []);
    assert.ok(source.asked.includes(`${published.log} from 1000`));
    assert.equal(source.asked.includes(published.log), wrong);
    assert.equal((await device.verify(published.revoked_later)).verdict, "revoked");
    assert.equal((await database.all("partials")).size, 0);
  }
});

void test("sources are tried in order; what one offers in vain is told", async () => {
  const device = await Device.open(await enrolled(new Memory()), clock);
  await device.sync([new Files(second)]);
  const { failures } = await device.sync([new Files(first), new Files(new Map()), new Files(second)]);
  assert.deepEqual(
    failures.map(({ error }) => error.kind),
    ["behind", "missing"],
  );
});

void test("a list that is damaged in the store is no list, and a sync mends it", async () => {
  const database = new Memory();
  const device = await Device.open(await enrolled(database), clock);
  await device.sync([new Files(second)]);
  const log = (await database.get("logs", published.day)) as Bytes;
  await database.write([["logs", published.day, log.map((byte, i) => (i === 40 ? byte ^ 1 : byte))]]);
  const damaged = await Device.open(new Store(database), clock);
  assert.equal((await damaged.verify(published.revoked)).verdict, "status-unknown");
  await damaged.sync([new Files(second)]);
  assert.equal((await damaged.verify(published.revoked)).verdict, "revoked");
});

void test("keys that are damaged in the store are no keys", async () => {
  const database = new Memory();
  const store = await enrolled(database);
  await (await Device.open(store, clock)).sync([new Files(second)]);
  const facts = (await database.get("facts", "held")) as { documents: Map<string, Bytes> };
  facts.documents.set("keys.jwks.json", new TextEncoder().encode('{"authority":{"name":"X","test":false},"keys":[]}'));
  await database.write([["facts", "held", facts]]);
  const damaged = await Device.open(store, clock);
  assert.equal((await damaged.verify(published.good)).why.key, "reason.no-keys");
});

void test("a signed document that is damaged in the store gives no keys or no lists, and a sync mends it", async () => {
  for (const [role, verdict] of [
    ["targets", "unknown-key"],
    ["status", "unknown-key"],
  ] as const) {
    const database = new Memory();
    const store = await enrolled(database);
    await (await Device.open(store, clock)).sync([new Files(second)]);
    const facts = (await database.get("facts", "held")) as { metadata: Map<string, Bytes> };
    facts.metadata.set(
      role,
      facts.metadata.get(role)?.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) ?? new Uint8Array(),
    );
    await database.write([["facts", "held", facts]]);
    const damaged = await Device.open(store, clock);
    assert.equal((await damaged.verify(published.good)).verdict, verdict, role);
    await damaged.sync([new Files(second)]);
    assert.equal((await damaged.verify(published.good)).verdict, "valid", role);
  }
});

void test("a connection that the browser closes is opened again", async () => {
  const name = `closed ${Math.random()}`;
  const database = await IndexedDb.open(name);
  await database.write([["facts", "before", 1]]);
  for (const use of [
    async () => assert.ok(await database.write([["facts", "after", 2]])),
    async () => assert.equal(await database.get("facts", "after"), undefined),
    async () => assert.equal((await database.all("facts")).size, 0),
    async () => database.clear(["facts"]),
  ]) {
    await new Promise((deleted) => (indexedDB.deleteDatabase(name).onsuccess = deleted)); // closes it first
    await use();
  }
});

void test("the device's own scans raise a floor for the clock, which a sync clears", async () => {
  let now = published.now;
  const database = new Memory();
  const device = await Device.open(await enrolled(database), () => now);
  await device.sync([new Files(first)]);
  now += 3000;
  await device.verify(published.good);
  now -= 400;
  assert.equal((await device.verify(published.good)).verdict, "clock-wrong");
  assert.equal(
    (await (await Device.open(new Store(database), () => now)).verify(published.good)).verdict,
    "clock-wrong",
  );
  await device.sync([new Files(second)]);
  assert.equal((await device.verify(published.good)).verdict, "valid");
});

void test("no verdict waits for the note of when it was, and the next one knows of it", async () => {
  let now = published.now;
  const database = new Memory();
  const device = await Device.open(await enrolled(database), () => now);
  await device.sync([new Files(first)]);
  const write = database.write.bind(database);
  let goOn = (): void => undefined;
  database.write = async (...given) => {
    await new Promise<void>((done) => (goOn = done));
    return write(...given);
  };
  now += 3000;
  assert.equal((await device.verify(published.good)).verdict, "valid");
  now -= 400;
  const next = device.verify(published.good);
  goOn();
  assert.equal((await next).verdict, "clock-wrong");
});

void test("a store that can't be written goes on verifying, and says that it can't sync", async () => {
  const database = new Memory();
  const device = await Device.open(await enrolled(database), clock);
  await device.sync([new Files(first)]);
  database.write = () => Promise.reject(new StorageError("full"));
  assert.equal((await device.verify(published.good)).verdict, "valid");
  await assert.rejects(device.sync([new Files(second)]), StorageError);
  assert.equal((await device.verify(published.good)).verdict, "valid");
});

void test("the end of documents and of the last key is said from 60 days before on", async () => {
  let now = published.now;
  const database = new Memory();
  const device = await Device.open(await enrolled(database), () => now);
  await device.sync([new Files(second)]);
  const json = (name: string): string => {
    const path = Array.from(second.keys()).find((other) => other.includes(name)) ?? "";
    return Buffer.from(second.get(path) ?? []).toString();
  };
  const expiry = (name: string): number => Date.parse(/"expires":"([^"]+)"/.exec(json(name))?.[1] ?? "") / 1000;
  const documents = Math.min(expiry("root.json"), expiry(".targets.json"));
  const keys = Math.max(...Array.from(json("keys.jwks.json").matchAll(/"exp":([0-9]+)/g), ([, exp]) => Number(exp)));
  const days = 24 * 3600;
  for (const [name, at] of [
    ["documents", documents],
    ["keys", keys],
  ] as const) {
    for (const [left, key] of [
      [60 * days + 1, undefined],
      [60 * days, `ends.${name}-soon`],
      [1, `ends.${name}-soon`],
      [0, `ends.${name}-ended`],
    ] as const) {
      now = at - left;
      for (const one of [device, await Device.open(new Store(database), () => now)]) {
        const found = one.endNotices().find((notice) => notice.key.startsWith(`ends.${name}`));
        assert.equal(found?.key, key);
        if (key?.endsWith("soon")) assert.deepEqual(found?.values, { at, left });
      }
    }
  }
});

/** Cuts the connection in the middle of one file. */
class Cut extends Files {
  constructor(
    files: ReadonlyMap<string, Bytes>,
    private readonly path: string,
    private readonly after: number,
    private readonly wrong: boolean,
  ) {
    super(files);
  }
  override async open(path: string, start: number): ReturnType<Source["open"]> {
    const answer = await super.open(path, start);
    return path === this.path ? { ...answer, pieces: this.cut(answer) } : answer;
  }
  private async *cut({ pieces }: Answer): AsyncGenerator<Bytes> {
    for await (const piece of pieces) yield this.wrong ? new Uint8Array(this.after) : piece.slice(0, this.after);
    throw new SourceError("no-connection", "cut");
  }
}

function files(texts: Record<string, string>): Map<string, Bytes> {
  return new Map(Object.entries(texts).map(([path, text]) => [path, new Uint8Array(Buffer.from(text, "latin1"))]));
}

/** Give the hash of the day's log as the newest status document names it. */
function hashOf(texts: Record<string, string>): string {
  const status = texts["metadata/2.status.json"] ?? "";
  return (
    new RegExp(`${published.day}\\.log":\\{"custom":\\{"generation":0\\},"hashes":\\{"sha256":"([0-9a-f]+)`).exec(
      status,
    )?.[1] ?? ""
  );
}
