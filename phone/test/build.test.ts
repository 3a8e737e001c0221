import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PolicyError, readPolicy } from "../src/verify/policy.js";

const scratch = mkdtempSync(join(tmpdir(), "phone-"));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** Build an app; gives the exit code and what was said. */
function build(out: string, settings: Record<string, string>): { status: number | null; said: string } {
  const env = { ...process.env, ...settings };
  const { status, stderr } = spawnSync("node", ["build.js", out], { env, encoding: "utf-8" });
  return { status, said: stderr };
}

void test("two builds of the same give the same files", () => {
  const [one, two] = [join(scratch, "one"), join(scratch, "two")];
  assert.equal(build(one, {}).status, 0);
  assert.equal(build(two, {}).status, 0);
  assert.deepEqual(readdirSync(one), readdirSync(two));
  for (const name of readdirSync(one)) assert.deepEqual(readFileSync(join(one, name)), readFileSync(join(two, name)));
});

void test("the licences of all code that is not ours are served", () => {
  const out = join(scratch, "notices");
  assert.equal(build(out, {}).status, 0);
  const notices = readFileSync(join(out, "NOTICES.txt"), "utf-8");
  const owners = ["Ze-Zheng Wu", "ZXing authors", "gitlost", "Sean Barrett", "Emscripten", "Rich Felker", "LLVM"];
  for (const owner of owners) {
    assert.ok(notices.includes(owner), owner);
  }
  assert.match(notices, /^zxing-wasm \d+\.\d+\.\d+ \(MIT\)$/m);
  assert.ok(notices.includes("END OF TERMS AND CONDITIONS"), "the Apache License is there as a whole");
  const kept = readFileSync(join(out, "service_worker.js"), "utf-8");
  assert.ok(kept.includes('"NOTICES.txt"'), "they can be read without a network");
});

void test("a build that can't be is refused in one line, and writes nothing", () => {
  for (const [settings, words] of [
    [{ PHONE_MAX_AGE: "49h" }, "expected a maximum age from 15m to 48h, got 49h"],
    [{ PHONE_MAX_AGE: "soon" }, "expected a maximum age like 90m, 24h or 2d, got soon"],
    [{ PHONE_MAX_AGE: "2h" }, "expected a warning age from 1m to less than the maximum age of 2h, got 6h"],
    [{ PHONE_ROOT: "1.root.json" }, "PHONE_ROOT needs PHONE_SOURCE"],
  ] as const) {
    const out = join(scratch, "refused");
    const { status, said } = build(out, settings);
    assert.equal(status, 2);
    assert.ok(said.includes(words), said);
    assert.equal(said.trim().split("\n").length, 1);
    assert.throws(() => readdirSync(out));
  }
});

void test("a policy is taken or refused as the Python verifier does", () => {
  const ages = ["", "14m", "15m", "1h", "06h", "48h", "2d", "2881m", "49h", "1", "1s", "-1h", "1 h", "1234567m"];
  const warnings = ["", "0m", "1m", "14m", "59m", "60m", "6h", "47h", "48h", "1w"];
  const pairs = ages.flatMap((age) => warnings.map((warning) => [age, warning] as const));
  const python = spawnSync("../.venv/bin/python", ["../tests/phone/policies.py"], {
    input: JSON.stringify(pairs),
    encoding: "utf-8",
  });
  const ours = pairs.map(([age, warning]) => {
    try {
      const { maxAge, warningAge, clockSlack } = readPolicy(age, warning);
      return [maxAge, warningAge, clockSlack];
    } catch (e) {
      assert.ok(e instanceof PolicyError);
      return null;
    }
  });
  assert.deepEqual(ours, JSON.parse(python.stdout));
  assert.ok(ours.some((policy) => policy !== null) && ours.includes(null));
});
