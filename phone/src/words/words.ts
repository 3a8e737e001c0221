/**
 * Words: the catalogues that the Python verifier shows too, with the same placeholders.
 *
 *     {name}          as it is          {name:minute}   a time without its zone
 *     {name:number}   a whole number    {name:day}      a UTC day, as a date
 *     {name:time}     a time in Dhaka   {name:span}     seconds, in their two largest units
 *     {name:message}  another message
 */

import { dayName, DAY_SECONDS, iso, local } from "../wire/times.js";

export type Catalogue = Readonly<Record<string, string>>;
export type Values = Readonly<Record<string, string | number | Message>>;

/** Something to be said: a key of the catalogues and its values, in no language yet. */
export interface Message {
  readonly key: string;
  readonly values: Values;
}

export function message(key: string, values: Values = {}): Message {
  return { key, values };
}

const PLACEHOLDER = /\{(\w+)(?::(\w+))?\}/g;
const SEPARATED_FROM = 10_000;
const UNITS = [
  ["d", DAY_SECONDS],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** One language. */
export class Words {
  constructor(
    readonly language: string,
    private readonly texts: Catalogue,
  ) {}

  /** Put a message into words. */
  say(message: Message): string {
    return this.text(message.key, message.values);
  }

  /** Give the text of a key, its placeholders filled. */
  text(key: string, values: Values = {}): string {
    const text = this.texts[key];
    if (text === undefined) throw new Error(`the catalogue has no ${key}`);
    return text.replace(PLACEHOLDER, (_, name: string, kind?: string) => this.shown(values[name], kind));
  }

  /** Write a length of time on one line as a person does: "28 Nov, 10:04 to 13:04"; see words/__init__.py. */
  period(start: number, end: number, now: number): string {
    const [first, last] = [start, end].map(dateAndClock) as [DateAndClock, DateAndClock];
    const years = new Set([first.date, last.date, local(now)].map((day) => day.slice(0, "2026".length)));
    const [day, lastDay] = [first, last].map(({ date }) => this.date(date, years.size > 1)) as [string, string];
    const key = first.date === last.date ? "value.valid" : "value.valid-days";
    return this.digits(this.text(key, { day, last: lastDay, from: first.clock, until: last.clock }));
  }

  private date(date: string, withYear: boolean): string {
    const [year = "", month, day] = date.split("-");
    const name = this.text("format.months").split(" ")[Number(month) - 1] ?? "";
    return this.text(withYear ? "format.date-of-year" : "format.date", { day: String(Number(day)), month: name, year });
  }

  private shown(value: string | number | Message | undefined, kind?: string): string {
    if (typeof value === "object") return this.say(value);
    if (typeof value !== "number" || kind === undefined) return String(value);
    if (kind === "time" || kind === "minute") return this.time(value, kind);
    if (kind === "day") return this.digits(dayName(value));
    return kind === "span" ? this.span(value) : this.number(value);
  }

  private time(seconds: number, kind: "time" | "minute"): string {
    const { date, clock } = dateAndClock(seconds);
    const day = this.date(date, true);
    return this.digits(kind === "time" ? this.text("format.time", { date: day, clock }) : `${day}, ${clock}`);
  }

  private number(value: number): string {
    return this.digits(value < SEPARATED_FROM ? String(value) : value.toLocaleString("en-US"));
  }

  private span(seconds: number): string {
    return spanParts(seconds)
      .map(([unit, count]) => this.text(`unit.${unit}`, { count }))
      .join(" ");
  }

  /** Write this language's digits as 0 to 9. */
  plainDigits(text: string): string {
    const digits = this.ownDigits();
    return Array.from(text, (char) => (digits.includes(char) ? String(digits.indexOf(char)) : char)).join("");
  }

  /** Write a time of day to the second, in Dhaka. */
  clock(seconds: number): string {
    return this.digits(iso(seconds).slice(11, 19));
  }

  private digits(text: string): string {
    const digits = this.ownDigits();
    return text.replace(/[0-9]/g, (digit) => digits[Number(digit)] ?? digit);
  }

  private ownDigits(): readonly string[] {
    return Array.from(this.texts["format.digits"] ?? "");
  }
}

/** Take a length of time apart into its two largest units. */
function spanParts(seconds: number): (readonly [string, number])[] {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = UNITS.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest %= size;
    return [unit, count] as const;
  });
  const first = parts.findIndex(([, count]) => count > 0);
  if (first < 0) return [["s", 0]];
  return parts.slice(first, first + 2).filter(([, count]) => count > 0);
}

interface DateAndClock {
  readonly date: string;
  readonly clock: string;
}

function dateAndClock(seconds: number): DateAndClock {
  const [date = "", clock = ""] = local(seconds).split(" ");
  return { date, clock };
}
