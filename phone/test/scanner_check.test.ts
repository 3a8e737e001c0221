import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { characterOf, checkScanner, TEXT } from "../src/scan/scanner_check.js";
import type { Message } from "../src/words/words.js";

/** The cases that `movepass scan --check-scanner` is held to as well. */
const cases = JSON.parse(readFileSync("../tests/cli/scanning/scanner_check.json", "utf-8")) as Case[];

interface Case {
  readonly typed: string;
  readonly faults: readonly { readonly key: string; readonly values: Record<string, string | number> }[];
}

void test("the faults of a scanner are those that the terminal names", () => {
  assert.ok(cases.length > 15);
  for (const { typed, faults } of cases) {
    assert.deepEqual(checkScanner(typed).map(plain), faults, JSON.stringify(typed));
  }
});

void test("keys that type no character are named", () => {
  for (const [keys, what] of [
    [["F5"], "F5"],
    [["ArrowDown", "Escape"], "ArrowDown Esc"],
    [["LaunchMail"], "\ufffd"],
  ] as const) {
    const typed = TEXT.slice(0, 9) + keys.map(characterOf).join("") + TEXT.slice(9);
    assert.deepEqual(checkScanner(`${typed}\r`).map(plain), [{ key: "scanner.controls", values: { what } }]);
  }
});

function plain({ key, values }: Message): Case["faults"][number] {
  const named = Object.entries(values).map(([name, value]) => [name, typeof value === "object" ? value.key : value]);
  return { key, values: Object.fromEntries(named) as Record<string, string | number> };
}
