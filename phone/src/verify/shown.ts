/** What an officer is shown of a verification, in one language: screens only lay it out. */

import type { Seen } from "../store/journal.js";
import { hex } from "../wire/bytes.js";
import type { Value } from "../wire/cbor.js";
import type { Pass, Place } from "../wire/claims.js";
import { DISTRICTS, ID_TYPES, nameOf, REASONS, type Code } from "../words/codes.js";
import type { Words } from "../words/words.js";
import type { NumberAnswer } from "./by_number.js";
import type { Freshness, Outcome, Verification } from "./verdicts.js";

/** A label and its value, in the order in which an officer compares them. */
export type Row = readonly [label: string, value: string];

/** A verdict in words: the outcome everybody at the post must understand, why, what to do, and the rows to compare. */
export interface Shown {
  readonly kind: Outcome;
  readonly outcome: string;
  readonly verdict: string;
  readonly reason: string;
  readonly advice: string;
  /** That a TEST authority signed it, or "". */
  readonly test: string;
  readonly rows: readonly Row[];
  /** What else is known, from what matters most on. */
  readonly notes: readonly string[];
}

export function shown(result: Verification, words: Words): Shown {
  const { pass, passNumber, authority, freshness } = result;
  const rows: Row[] = pass
    ? [[words.text("label.pass"), passNumber ?? ""], ...passRows(pass, words, freshness.now)]
    : [];
  rows.push(
    [words.text("label.authority"), authority?.name ?? ""],
    [words.text("label.lists"), ageOf(freshness, words)],
  );
  const test = authority?.test ? `${words.text("test.short")}: ${words.text("test.long")}` : "";
  return {
    kind: result.outcome,
    outcome: words.text(`outcome.${result.outcome}`),
    verdict: words.text(`verdict.${result.verdict}`),
    reason: words.say(result.why),
    advice: words.text(test && result.verdict === "valid" ? "advice.test" : `advice.${result.verdict}`),
    test,
    rows: rows.filter(([, value]) => value),
    notes: [],
  };
}

/** Put into words what is known of a pass number. */
export function numberShown(answer: NumberAnswer, words: Words): Shown {
  const { outcome, suggestions, readable } = answer;
  const likely = suggestions.length ? words.text("number.likely", { number: suggestions.join(" / ") }) : "";
  const advice = outcome === "reject" ? "advice.revoked" : readable ? "number.advice" : "number.ask";
  return {
    kind: outcome,
    outcome: words.text(`outcome.${outcome}`),
    verdict: answer.number,
    reason: words.say(answer.why),
    advice: likely || words.text(advice),
    test: "",
    rows: [[words.text("label.lists"), ageOf(answer.freshness, words)]],
    notes: answer.known.map((known) => words.say(known)),
  };
}

/** Warn that this phone was shown the same pass before: when last, and how often. */
export function seenBefore({ count, lastAt }: Seen, now: number, words: Words): string {
  const values = { ago: Math.max(0, now - lastAt), last: lastAt };
  return count === 1 ? words.text("seen.once", values) : words.text("seen.often", { count, ...values });
}

/** Say how old keys and lists are, and whether they are too old to accept anything by. */
export function ageOf({ age, syncSoon, tooOld }: Freshness, words: Words): string {
  if (age === null) return words.text("fresh.never");
  return words.text(`fresh.${tooOld ? "too-old" : syncSoon ? "sync-soon" : "old"}`, { age });
}

/** Name what a pass says; names and places in the script in which they were issued. */
function passRows(pass: Pass, words: Words, now: number): Row[] {
  const { driverName: name, driverLicenceLast: last, reason } = pass;
  const licence = last === null ? "" : words.text("value.licence", { last });
  const driver = name !== null && last !== null ? words.text("value.driver", { name, last }) : (name ?? licence);
  const paper = codeName(ID_TYPES, pass.idType, "id", words);
  const rows: Row[] = [
    ["holder", pass.holderName],
    ["id", words.text("value.id", { paper, last: pass.idLast })],
    ["vehicle", pass.vehicle ?? ""],
    ["driver", driver],
    ["from", placeName(pass.origin, words)],
    ["to", placeName(pass.destination, words)],
    ["valid", words.period(pass.notBefore, pass.notAfter, now)],
    ["reason", typeof reason === "string" ? reason : codeName(REASONS, reason, "reason", words)],
    ["unknown", Array.from(pass.unknown, ([key, value]) => `${key}: ${written(value)}`).join(", ")],
  ];
  return rows.map(([label, value]) => [words.text(`label.${label}`), value]);
}

/** Write a value that means nothing to this software. */
function written(value: Value): string {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (value instanceof Map) return `{${Array.from(value, ([key, item]) => `${key}: ${written(item)}`).join(", ")}}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function placeName({ district, text }: Place, words: Words): string {
  const name = codeName(DISTRICTS, district, "district", words);
  return text === null ? name : words.text("value.place", { place: text, district: name });
}

/** Name a code; one that is newer than this software by its number. */
function codeName(table: ReadonlyMap<number, Code>, code: number, name: string, words: Words): string {
  const row = table.get(code);
  return row ? nameOf(row, words.language) : words.text(`value.${name}-code`, { code });
}
