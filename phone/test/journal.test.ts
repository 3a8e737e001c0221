import assert from "node:assert/strict";
import { test } from "node:test";
import { Memory, StorageError, type Database } from "../src/store/database.js";
import { Journal } from "../src/store/journal.js";
import type { Verification } from "../src/verify/verdicts.js";

const NOW = 1_800_000_000;
const DAY = 20_833;
const WEEK = 7 * 86_400;
const LISTS = new Set([DAY]);
const clock = (): number => NOW;

void test("a pass is known again, also after a restart, and a code read twice is one entry", async () => {
  const database = new Memory();
  const journal = await Journal.open(database, clock);
  assert.equal((await journal.note(scan(NOW - 60), LISTS)).seen, null);
  assert.equal((await journal.note(scan(NOW - 58), LISTS)).seen, null);
  assert.deepEqual((await journal.note(scan(NOW), LISTS)).seen, { count: 1, lastAt: NOW - 60 });
  const again = await Journal.open(database, clock);
  assert.deepEqual((await again.note(scan(NOW + 60), LISTS)).seen, { count: 2, lastAt: NOW });
});

void test("the key of a day is made ready before its first pass, and goes with the day's list", async () => {
  const database = new Memory();
  const journal = await Journal.open(database, clock);
  await journal.prepare(DAY, LISTS);
  await journal.prepare(DAY + 1, LISTS);
  assert.deepEqual(Array.from((await database.all("day_keys")).keys()), [DAY]);
  database.get = () => assert.fail("the key is read again");
  await journal.note(scan(NOW), LISTS);
  await journal.keepDays(new Set(), NOW);
  assert.equal((await database.all("day_keys")).size, 0);
  await assert.rejects(journal.note(scan(NOW + 1), LISTS), /read again/); // it has gone from memory as well
});

void test("what was kept for a week is forgotten at the start, at each sync, and where it is counted", async () => {
  for (const when of ["start", "sync", "count"]) {
    let now = NOW;
    const database = new Memory();
    const journal = await Journal.open(database, () => now);
    await journal.note(scan(NOW), LISTS);
    now += WEEK + 1;
    await journal.note(scan(now - 1, "valid", now), LISTS);
    await journal.keepDays(LISTS, now);
    await journal.note(scan(NOW + 2), LISTS); // noted for the lists' time
    if (when === "start") await Journal.open(database, () => now);
    if (when === "sync") await journal.keepDays(LISTS, now);
    if (when === "count") assert.equal(journal.counts().length, 1);
    await settled();
    const kept = Array.from((await database.all("scans")).values()) as { at: number }[];
    assert.ok(kept.length && kept.every(({ at }) => at > NOW + 2), when);
  }
});

void test("a clock that jumps deletes nothing, and what was noted ahead is noted for now", async () => {
  for (const jump of [30, 1500, -30, -3650].map((days) => days * 86_400)) {
    let now = NOW;
    const database = new Memory();
    const journal = await Journal.open(database, () => now);
    await journal.note(scan(NOW), LISTS);
    now += jump;
    await journal.note(scan(now), LISTS);
    const again = await Journal.open(database, () => now);
    again.counts();
    now = NOW + 60;
    assert.equal((await again.note(scan(now), LISTS)).seen?.count, 2, String(jump));
    await settled();
    const kept = Array.from((await database.all("scans")).values()) as { at: number }[];
    assert.equal(kept.length, 3);
    assert.ok(kept.every(({ at }) => at <= NOW + 86_400));
  }
});

void test("readings of one pass do not chain, and another window's are another showing", async () => {
  const database = new Memory();
  const journal = await Journal.open(database, clock);
  const seen = [];
  for (let at = NOW; at < NOW + 14; at += 2) seen.push((await journal.note(scan(at), LISTS)).seen !== null);
  assert.deepEqual(seen, [false, false, false, true, true, true, true]);
  await settled();
  const other = await Journal.open(database, clock);
  assert.notEqual((await other.note(scan(NOW + 12), LISTS)).seen, null);
});

void test("a pass of a day without a list leaves no mark and no key", async () => {
  const database = new Memory();
  const journal = await Journal.open(database, clock);
  await journal.note(scan(NOW), new Set());
  await settled();
  assert.equal((await database.all("day_keys")).size, 0);
  const [entry] = (await database.all("scans")).values();
  assert.deepEqual({ ...(entry as object), at: 0 }, { ...PLAIN, at: 0 });
});

void test("there are 200,000 entries at most, and the oldest go", async () => {
  const database = new Memory();
  const many = Array.from(
    { length: 200_010 },
    (_, i) => ["scans", i + 1, { ...PLAIN, at: NOW - 86_400 + (i % 7) }] as const,
  );
  await database.write([["scans", 500_000, { ...PLAIN, at: NOW - 90_000 }], ...many]);
  const journal = await Journal.open(database, clock);
  await journal.note(scan(NOW), LISTS);
  await settled();
  const kept = await database.all("scans");
  assert.equal(kept.size, 200_000);
  assert.ok(!kept.has(500_000));
});

void test("two windows lose none of each other's entries, and agree on a day's key", async () => {
  const database = new Memory();
  const [one, two] = [await Journal.open(database, clock), await Journal.open(database, clock)];
  await Promise.all([one.note(scan(NOW), LISTS), two.note(scan(NOW), LISTS)]);
  await two.note(scan(NOW, "revoked"), LISTS);
  await settled();
  const entries = Array.from((await database.all("scans")).values()) as { verdict: string; mark: string }[];
  assert.deepEqual(entries.map(({ verdict }) => verdict).sort(), ["revoked", "valid", "valid"]);
  assert.equal(new Set(entries.map(({ mark }) => mark)).size, 1);
});

void test("two windows warn of what the other one was shown", async () => {
  const database = new Memory();
  const channels = [new BroadcastChannel("journal"), new BroadcastChannel("journal")] as const;
  const [one, two] = await Promise.all(channels.map((channel) => Journal.open(database, clock, channel)));
  await one?.note(scan(NOW - 60), LISTS);
  await settled();
  assert.deepEqual((await two?.note(scan(NOW), LISTS))?.seen, { count: 1, lastAt: NOW - 60 });
  for (const channel of channels) channel.close();
});

void test("a journal that can't be read or written notes what it can, without a mark", async () => {
  const broken = (): Promise<never> => Promise.reject(new StorageError("gone"));
  const database: Database = { get: broken, all: broken, write: broken, clear: broken };
  const journal = await Journal.open(database, clock);
  assert.equal((await journal.note(scan(NOW), LISTS)).seen, null);
  assert.equal(journal.counts()[0]?.verdict, "valid");
});

const PLAIN = {
  at: NOW,
  verdict: "valid",
  outcome: "accept",
  published: NOW - 3600,
  day: null,
  mark: null,
  decision: null,
};

function scan(at: number, verdict = "valid", published = NOW - 3600): Verification {
  const pass = { day: DAY, index: 7 };
  return { verdict, outcome: "accept", pass, freshness: { now: at, published } } as unknown as Verification;
}

/** Wait for what is written and not waited for. */
async function settled(): Promise<void> {
  await new Promise((done) => setTimeout(done, 10));
}
