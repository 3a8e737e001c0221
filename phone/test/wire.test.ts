import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { canonical, Inexact, JsonError, parse } from "../src/trust/json.js";
import { rawFromDer } from "../src/trust/points.js";
import { DEFAULT_POLICY } from "../src/verify/policy.js";
import { concat, equal, fromHex, hex, type Bytes } from "../src/wire/bytes.js";
import { WireError } from "../src/wire/errors.js";
import * as limits from "../src/wire/limits.js";
import { encodeSet, merge, newLog, readLog } from "../src/wire/statuslog.js";

void test("each bound is what limits.py says", () => {
  const python = readFileSync("../wire/movepass_wire/limits.py", "utf-8");
  for (const [name, value] of Object.entries(limits)) {
    const written = new RegExp(`^${name} = (.+)$`, "m").exec(python)?.[1] ?? "missing";
    const factors = written.split(" * ").map(Number);
    const [base = 0, shift = 0] = written.split(" << ").map(Number);
    const expected = written.includes("<<") ? base * 2 ** shift : factors.reduce((a, b) => a * b);
    assert.equal(value, expected, name);
  }
});

void test("a phone judges freshness and its clock by the defaults of lists.py", () => {
  const python = readFileSync("../verifier/movepass_verifier/deciding/lists.py", "utf-8");
  for (const [name, value] of Object.entries(DEFAULT_POLICY)) {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const written = new RegExp(`^    ${field}: int = (.+)$`, "m").exec(python)?.[1] ?? "missing";
    assert.equal(
      value,
      written.split(" * ").reduce((product, factor) => product * Number(factor), 1),
      name,
    );
  }
});

void test("a set is written as the bytes that everybody writes", () => {
  const { vectors } = JSON.parse(readFileSync("../tests/vectors/statuslog.json", "utf-8")) as {
    vectors: { id: string; kind: string; input: { log: string }; expect: { indexes?: number[] } }[];
  };
  const written = vectors.filter(({ kind, expect }) => kind === "statuslog-read" && expect.indexes?.length);
  const fits = written.filter(({ id, input }) => {
    const log = fromHex(input.log) ?? new Uint8Array();
    const read = readLog(log);
    const made = concat(newLog(read.day, read.generation), encodeSet(read.indexes()));
    assert.deepEqual(readLog(made).indexes(), read.indexes(), id);
    return equal(made, log);
  });
  assert.ok(fits.length > written.length / 2, "most logs of the vectors have one block, with the best k");
  assert.throws(() => encodeSet(new Uint32Array()), WireError);
  assert.throws(() => encodeSet(Uint32Array.of(2 ** 30)), WireError);
  assert.throws(() => merge([Uint32Array.of(1, 5), Uint32Array.of(5)]), WireError);
});

void test("JSON is read exactly", () => {
  const value = parse(
    bytes('{"b": [1, 9007199254740993, -0], "a": "\\u09b0\\\\\\"", "b": [2.5e1], "__proto__": null}'),
  );
  assert.ok(value instanceof Map);
  assert.deepEqual(Array.from(value.keys()), ["b", "a", "__proto__"]);
  assert.deepEqual(value.get("b"), [new Inexact("2.5e1")]);
  assert.equal(
    text(canonical(parse(bytes('{"b":9007199254740993,"a":"\\u09b0\\\\\\""}')))),
    '{"a":"র\\\\\\"","b":9007199254740993}',
  );
});

void test("canonical JSON sorts by code point, where UTF-16 does otherwise", () => {
  assert.equal(text(canonical(parse(bytes('{"\u{1f600}":1,"\uff5e":2}')))), '{"\uff5e":2,"\u{1f600}":1}');
});

for (const broken of [
  "",
  "[",
  "[1,]",
  "{'a':1}",
  "01",
  "1.",
  "nan",
  "Infinity",
  '"\t"',
  '"\\x"',
  "1 2",
  "\ufeff1",
  '{"a" 1}',
  "[".repeat(9999),
]) {
  void test(`no JSON: ${JSON.stringify(broken.slice(0, 9))}`, () => {
    assert.throws(() => parse(bytes(broken)), JsonError);
  });
}

void test("what has no canonical form is not signed", () => {
  assert.throws(() => canonical(parse(bytes("1.0"))), JsonError);
  assert.throws(() => canonical(parse(bytes('"\\ud800"'))), JsonError);
});

void test("DER signatures are read strictly", () => {
  assert.equal(hex(der("3006020101020102") ?? new Uint8Array()), `${"0".repeat(63)}1${"0".repeat(63)}2`);
  assert.equal(hex(der("300702020081020102") ?? new Uint8Array()), `${"0".repeat(62)}81${"0".repeat(63)}2`);
  for (const wrong of [
    "",
    "30",
    "3006020101020102ff",
    "3007020101020102",
    "30060201010201",
    "3006020181020102",
    "300702020001020102",
    "3006030101020102",
    "310602010102010 2",
    "30048000",
    "3081060201010201 02",
    "30050200020102",
  ]) {
    assert.equal(der(wrong.replaceAll(" ", "")), null, wrong);
  }
});

function der(text: string): Bytes | null {
  return rawFromDer(fromHex(text) ?? new Uint8Array());
}

function bytes(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function text(data: Bytes): string {
  return new TextDecoder().decode(data);
}
