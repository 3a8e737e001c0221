/**
 * The pass number: day and index in nine symbols that a person can read over the radio.
 *
 * Two symbols for the day modulo 1024, six for the index, and a check symbol over GF(32) that catches every single slip
 * and every swap of neighbours. Crockford's base32 alphabet, shown 3-3-3.
 */

import { WireError } from "./errors.js";
import { INDEX_LIMIT } from "./limits.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const DAYS = 1024;
export const NUMBER_LENGTH = 9;
/** Symbols that are mistaken for each other on paper, or over the radio as spoken in Bangladesh. */
const ALIKE = [
  ...["0DQ", "17", "2Z", "5S", "6G", "8B", "CG", "EF", "KX", "MN", "PR", "VY", "VW"], // to the eye
  ...["BCDEGPTVZ3", "AHJK8", "FSX", "MN", "59", "QK", "GJZ", "1Y", "BV", "PF", "CS"], // to the ear
];
const BANGLA_ZERO = 0x09e6;
/** From a character of ASCII to its full-width form. */
const FULL_WIDTH = 0xfee0;
/** Hyphens, dashes, spaces and what is not seen: phones put them into numbers. docs/spec.md has the same table. */
const SKIPPED = /^[\u0020\u002d\u00a0\u00ad\u1680\u2000-\u2015\u202f\u205f\u2060\u2212\u3000\ufe58\ufe63\ufeff\uff0d]$/;
/** x^5 + x^2 + 1, primitive over GF(2). */
const POLYNOMIAL = 0b100101;

function timesX(value: number): number {
  return (value << 1) & 32 ? (value << 1) ^ POLYNOMIAL : value << 1;
}

/** Evaluate the symbols as a polynomial at x; 0 for a good number. */
function checksum(symbols: readonly number[]): number {
  return symbols.reduce((total, symbol) => timesX(total) ^ symbol, 0);
}

/**
 * Write the number of a pass.
 *
 * @throws WireError: a day below 0, or an index out of range.
 */
export function formatNumber(day: number, index: number): string {
  if (day < 0 || index < 0 || index >= INDEX_LIMIT) throw new WireError(`day ${day}, index ${index}: out of range`);
  const inDay = day % DAYS;
  const symbols = [inDay >> 5, inDay & 31, ...[25, 20, 15, 10, 5, 0].map((shift) => (index >> shift) & 31)];
  symbols.push(timesX(checksum(symbols)));
  return written(symbols);
}

function written(symbols: readonly number[]): string {
  const text = symbols.map((symbol) => ALPHABET.charAt(symbol)).join("");
  return `${text.slice(0, 3)}-${text.slice(3, 6)}-${text.slice(6)}`;
}

/**
 * Read a symbol as keyboards type it: in either case, full-width, or a Bangla digit; O is read as 0, I and L as 1. Null
 * where it is none.
 */
export function readSymbol(char: string): number | null {
  const point = char.codePointAt(0) ?? 0;
  if (point >= BANGLA_ZERO && point <= BANGLA_ZERO + 9) return point - BANGLA_ZERO;
  const ascii = /^[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]$/.test(char)
    ? String.fromCharCode(point - FULL_WIDTH)
    : char;
  if (!/^[0-9A-Za-z]$/.test(ascii)) return null;
  const plain = ascii.toUpperCase().replace("O", "0").replace(/[IL]/, "1");
  const value = ALPHABET.indexOf(plain);
  return value < 0 ? null : value;
}

/** Tell where in what was typed a character stands that is no symbol, hyphen, dash or space; -1 where there is none. */
export function wrongCharacter(typed: string): number {
  return Array.from(typed).findIndex((char) => !SKIPPED.test(char) && readSymbol(char) === null);
}

/**
 * Read a typed pass number: case, hyphens, dashes and spaces don't count. Gives the day modulo 1024, and the index.
 *
 * @throws WireError: not nine symbols of the alphabet, or the check symbol does not fit.
 */
export function parseNumber(typed: string): { day: number; index: number } {
  const symbols = readSymbols(typed);
  if (checksum(symbols)) throw new WireError("the check symbol does not fit: there is a slip");
  return dayAndIndex(symbols);
}

function readSymbols(typed: string): number[] {
  if (wrongCharacter(typed) >= 0) throw new WireError("a character is not used in pass numbers");
  const symbols = Array.from(typed).flatMap((char) => readSymbol(char) ?? []);
  if (symbols.length !== NUMBER_LENGTH) throw new WireError(`a pass number has ${NUMBER_LENGTH} symbols`);
  return symbols;
}

function dayAndIndex([high = 0, low = 0, ...rest]: readonly number[]): { day: number; index: number } {
  return { day: high * 32 + low, index: rest.slice(0, 6).reduce((value, symbol) => value * 32 + symbol, 0) };
}

/**
 * What may have been meant by a number whose check symbol does not fit; `alike` tells whether the slip is one that
 * people make: symbols that look or sound alike, or neighbours swapped.
 */
export interface Correction {
  readonly number: string;
  readonly day: number;
  readonly index: number;
  readonly alike: boolean;
}

/**
 * Give every number that is one wrong symbol or one swap of neighbours away, the likeliest slips first.
 *
 * @throws WireError: not nine symbols of the alphabet.
 */
export function corrections(typed: string): Correction[] {
  const symbols = readSymbols(typed);
  const slip = checksum(symbols);
  if (!slip) return [];
  const places = symbols.map((_, at) => at);
  const single = places.map((at) => replaced(symbols, at, rightSymbol(symbols, at, slip)));
  const isAlike = (found: readonly number[], at: number): boolean => areAlike(symbols[at] ?? 0, found[at] ?? 0);
  const swapped = places.slice(1).map((at) => replaced(replaced(symbols, at, symbols[at - 1]), at - 1, symbols[at]));
  const likely = [...single.filter(isAlike), ...swapped.filter((found) => !checksum(found))];
  const others = single.filter((found, at) => !isAlike(found, at));
  const correction = (found: readonly number[], alike: boolean): Correction => {
    return { number: written(found), ...dayAndIndex(found), alike };
  };
  return [...likely.map((found) => correction(found, true)), ...others.map((found) => correction(found, false))];
}

/** Find the symbol that takes the slip away at a place. */
function rightSymbol(symbols: readonly number[], at: number, slip: number): number {
  const weighed = (value: number): number => {
    let sum = value;
    for (let i = at + 1; i < NUMBER_LENGTH; i++) sum = timesX(sum);
    return sum;
  };
  for (let value = 1; value < 32; value++) if (weighed(value) === slip) return value ^ (symbols[at] ?? 0);
  throw new WireError("every slip has a symbol that takes it away");
}

function replaced(symbols: readonly number[], at: number, symbol = 0): number[] {
  return symbols.map((held, i) => (i === at ? symbol : held));
}

function areAlike(a: number, b: number): boolean {
  return ALIKE.some((group) => group.includes(ALPHABET.charAt(a)) && group.includes(ALPHABET.charAt(b)));
}

/** Find the day nearest to `near` whose number modulo 1024 is the given one, the earlier one if two are as near. */
export function resolveDay(dayInNumber: number, near: number): number {
  const ahead = (((dayInNumber - near + DAYS / 2) % DAYS) + DAYS) % DAYS;
  return near + ahead - DAYS / 2;
}
