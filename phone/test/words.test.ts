import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import en from "../../words/movepass_words/en.json";
import { languageAfter, languageOf, LANGUAGES, plainDigits } from "../src/words/catalogues.js";

const code = readdirSync("src", { recursive: true, encoding: "utf-8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join("src", name), "utf-8"))
  .join("\n");
const groups = new Set(Object.keys(en).map((key) => key.split(".")[0]));

void test("every catalogue is one of the phone's languages", () => {
  const folder = readdirSync("../words/movepass_words");
  const catalogues = folder.filter((name) => /^[a-z]{2}\.json$/.test(name)).map((name) => name.slice(0, 2));
  assert.deepEqual(Object.keys(LANGUAGES).sort(), catalogues.sort());
});

void test("languages come one after the other, and the phone's own is the first", () => {
  const after = Object.keys(LANGUAGES).map((language) => languageAfter(languageOf(language)));
  assert.deepEqual(after.sort(), Object.keys(LANGUAGES).sort());
  assert.deepEqual(["bn-BD", "bn", "en-GB", "bnx", "tlh"].map(languageOf), ["bn", "bn", "en", "en", "en"]);
  assert.equal(plainDigits("০১২৩৪৫৬৭৮৯ 0-9 A"), "0123456789 0-9 A");
});

void test("the code asks for no text that is missing", () => {
  const named = Array.from(code.matchAll(/"([a-z]+)\.([a-z0-9.-]*[a-z0-9])"/g)).filter(([, group]) =>
    groups.has(group),
  );
  assert.ok(named.length > 50);
  assert.deepEqual(
    named.map(([, group, name]) => `${group}.${name}`).filter((key) => !(key in en)),
    [],
  );
});

void test("no text of the phone's is unused", () => {
  const built = Array.from(code.matchAll(/`(phone\.[a-z]+\.)\$\{/g), ([, prefix]) => prefix);
  const keys = Object.keys(en).filter((key) => key.startsWith("phone."));
  const device = (key: string): boolean => code.includes(`say("${key.replace("phone.device.", "")}")`);
  const spelt = (key: string): boolean => code.includes(`"${key}"`) || code.includes(`${key.split(".").at(-1) ?? ""}"`);
  const unused = keys.filter(
    (key) => !built.some((prefix) => key.startsWith(prefix ?? " ")) && !device(key) && !spelt(key),
  );
  assert.deepEqual(unused, []);
});

void test("values are shown as people write them", () => {
  const { en: english, bn: bangla } = LANGUAGES;
  assert.match(english.text("reason.valid", { until: 1795327200 }), /22 Nov 2026, 12:00 Asia\/Dhaka/);
  assert.match(bangla.text("reason.valid", { until: 1795327200 }), /২২ নভেম্বর ২০২৬, ১২:০০/);
  assert.match(english.text("fresh.old", { age: 7500 }), /^2 h 5 min /);
  assert.match(bangla.text("fresh.old", { age: 86400 }), /^১ দিন /);
  assert.equal(english.text("phone.device.list", { count: 1234567 }), "1,234,567 revoked");
});
