import assert from "node:assert/strict";
import { test } from "node:test";
import { visible } from "../src/screen/safe_text.js";

void test("what is written in Bangladesh, and what people write besides, stays as it is", () => {
  for (const text of [
    "Rahima Khatun",
    "রহিমা খাতুন",
    "র‌্যাব ক্যাম্প", // a joiner within a word
    "ক্ষ্ম্যাঁ",
    "𑄇𑄮𑄛𑄴𑄛𑄬",
    "محمد",
    "Nguyễn Văn Ệ",
    "Ḿ̃uller\u00a0Ｗｉｄｅ\u3000",
    "👩🏽‍⚕️ ❤️",
    "two\nlines",
  ])
    assert.equal(visible(text), text);
});

void test("what shows as nothing is named", () => {
  for (const [text, shown] of [
    ["\u200c".repeat(2), "‹U+200C›‹U+200C›"],
    ["\u200d", "‹U+200D›"],
    ["a\u200d\u200d", "a\u200d‹U+200D›"],
    ["\u3164\u2800\uffa0\u115f", "‹U+3164›‹U+2800›‹U+FFA0›‹U+115F›"],
    ["a\u202eb\u2066c", "a‹U+202E›b‹U+2066›c"],
    ["a\ufe0eb\u034f\u{e0041}", "a‹U+FE0E›b‹U+034F›‹U+E0041›"],
    ["\u001b[32m\u0007", "‹U+001B›[32m‹U+0007›"],
    ["soft\u00adhyphen\ufeff", "soft‹U+00AD›hyphen‹U+FEFF›"],
  ] as const)
    assert.equal(visible(text), shown);
});

void test("marks don't pile up", () => {
  assert.equal(visible(`A${"\u0301".repeat(62)}B`), `A${"\u0301".repeat(4)}…B`);
  assert.equal(visible(`ক${"\u0981\u0301".repeat(30)}`), `ক${"\u0981\u0301".repeat(2)}…`);
});
