import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromHex } from "../src/wire/bytes.js";
import { readLog, StatusLog } from "../src/wire/statuslog.js";

/** What tests/phone/two_publications.py writes: a log of two blocks, of some thousand indexes each. */
interface Publications {
  readonly log: string;
  readonly day: number;
  readonly second: Readonly<Record<string, string>>;
}
const { log, second } = JSON.parse(readFileSync("../build/phone-test/publications.json", "utf-8")) as Publications;
const data = new Uint8Array(Buffer.from(second[log] ?? "", "latin1"));
const revoked = [7, 8, ...range(1000, 9000, 2), ...range(20_000, 40_000, 3)];

void test("a log lists what was revoked, and a search finds that and nothing else", () => {
  const read = readLog(data);
  assert.deepEqual(Array.from(read.indexes()), revoked);
  assert.equal(read.count, revoked.length);
  const opened = StatusLog.open(data);
  const expected = new Set(revoked);
  for (let index = 0; index < 41_000; index++) assert.equal(opened.holds(index), expected.has(index), `${index}`);
  assert.equal(opened.holds(2 ** 30 - 1), false);
});

void test("an index that is listed twice is found in whichever blocks it is", () => {
  const empty = "4d504c3100030000";
  const [five, zeroFour, twoThree, threeFour, fourFive] = [
    "010102c080",
    "02000370",
    "020002c0",
    "020003e0",
    "020004f0",
  ];
  for (const [blocks, indexes] of [
    [
      [five, zeroFour, twoThree],
      [0, 2, 3, 4, 5],
    ],
    [
      [twoThree, five, zeroFour],
      [0, 2, 3, 4, 5],
    ],
    [[five, five], null],
    [[five, zeroFour, threeFour], null],
    [[fourFive, five], null],
    [[five, twoThree, fourFive], null],
  ] as const) {
    const bytes = fromHex(empty + blocks.join("")) ?? new Uint8Array();
    if (indexes) assert.deepEqual(Array.from(readLog(bytes).indexes()), indexes);
    else assert.throws(() => readLog(bytes), /listed twice/);
  }
});

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
}
