/**
 * A pass number that was typed, or heard over the radio: what a phone can say of it without having seen the pass.
 *
 * A number proves nothing: it is revoked, or it can't be verified, with what is known; never accepted. A slip is never
 * put right in silence: the officer asks again.
 */

import { WireError } from "../wire/errors.js";
import { PASS_DAYS_AHEAD_MAX } from "../wire/limits.js";
import { corrections, DAYS, formatNumber, parseNumber, resolveDay } from "../wire/number.js";
import { DAY_SECONDS, dayOf } from "../wire/times.js";
import { plainDigits } from "../words/catalogues.js";
import { message, type Message } from "../words/words.js";
import type { StatusLists } from "./lists.js";
import type { Freshness, Outcome } from "./verdicts.js";
import { freshnessOf, type Known } from "./verify.js";

const SUGGESTIONS_MOST = 3;
const TYPED_MOST_CHARS = 40;
/** A pass that ended longer ago is shown to nobody: then it is likelier that the number was misheard. */
const LONG_AGO_DAYS = 7;
/** White space as Python takes it off: some controls, and no byte order mark. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");

export interface NumberAnswer {
  readonly outcome: Exclude<Outcome, "accept">;
  /** As numbers are written, or what was typed where that is none. */
  readonly number: string;
  readonly why: Message;
  /** What is known besides, from what matters most on. */
  readonly known: readonly Message[];
  /** The numbers likely to have been meant by one with a slip; to be asked for, not to be used. */
  readonly suggestions: readonly string[];
  /** Whether it was a number at all, without a slip. */
  readonly readable: boolean;
  readonly freshness: Freshness;
}

/** Say what is known of a pass number; case, hyphens and spaces don't count. */
export function answer(text: string, known: Known): NumberAnswer {
  const typed = plainDigits(text);
  const freshness = freshnessOf(known);
  const { lists, now } = known;
  let read: { day: number; index: number };
  try {
    read = parseNumber(typed);
  } catch (e) {
    if (e instanceof WireError) return slip(typed, lists, freshness);
    throw e;
  }
  const day = dayMeant(read.day, lists, now);
  const list = lists.days.get(day);
  const revoked = list?.holds(read.index) ?? false;
  return {
    outcome: revoked ? "reject" : "cannot-verify",
    number: formatNumber(day, read.index),
    why: message(revoked ? "reason.revoked" : "number.no-signature"),
    known: knownOf(day, lists, freshness, revoked),
    suggestions: [],
    readable: true,
    freshness,
  };
}

/** Say what is wrong with what was typed, and what may have been meant. */
function slip(typed: string, lists: StatusLists, freshness: Freshness): NumberAnswer {
  const suggestions = suggestionsFor(typed, lists);
  return {
    outcome: "cannot-verify",
    number: Array.from(typed.replace(AROUND, "")).slice(0, TYPED_MOST_CHARS).join(""),
    why: message(suggestions ? "number.slip" : "number.unreadable"),
    known: [],
    suggestions: suggestions ?? [],
    readable: false,
    freshness,
  };
}

/** Give what may have been meant, of what a phone can know of and people mistake; null where it was no number. */
function suggestionsFor(typed: string, lists: StatusLists): string[] | null {
  try {
    const days = new Set(Array.from(lists.days.keys(), (day) => day % DAYS));
    const near = corrections(typed).filter(({ day }) => days.has(day));
    const alike = near.filter((correction) => correction.alike);
    const likely = alike.length ? alike : near.length <= SUGGESTIONS_MOST ? near : [];
    return likely.slice(0, SUGGESTIONS_MOST).map(({ number }) => number);
  } catch (e) {
    if (e instanceof WireError) return null;
    throw e;
  }
}

/** Find the day that a number means: one with a list, whatever the clock says, or else the nearest. */
function dayMeant(dayInNumber: number, lists: StatusLists, now: number): number {
  const listed = Array.from(lists.days.keys()).find((day) => day % DAYS === dayInNumber);
  return listed ?? resolveDay(dayInNumber, Math.max(dayOf(now), DAYS));
}

function knownOf(
  day: number,
  lists: StatusLists,
  { now, age, tooOld, maxAge }: Freshness,
  revoked: boolean,
): Message[] {
  const known: Message[] = [];
  if (!lists.days.has(day)) known.push(message("number.no-list", { day }));
  else if (!revoked) known.push(message("number.not-revoked", { day }));
  const [begins, ends, today] = [day * DAY_SECONDS, (day + 1) * DAY_SECONDS, dayOf(now)];
  if (day < today - LONG_AGO_DAYS || day > today + PASS_DAYS_AHEAD_MAX) known.push(message("number.far", { day }));
  else if (day < today) known.push(message("number.ended", { until: ends, now }));
  else known.push(message("number.ends", { from: begins, until: ends }));
  if (age !== null && tooOld) known.push(message("number.stale", { age, max: maxAge }));
  return known;
}
