/**
 * The pass number: day and index in nine symbols that a person can read over the radio.
 *
 * Two symbols for the day modulo 1024, six for the index, and a check symbol over GF(32) that catches every single slip
 * and every swap of neighbours. Crockford's base32 alphabet, shown 3-3-3.
 */

import { WireError } from "./errors.js";
import { INDEX_LIMIT } from "./limits.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DAYS = 1024;
export const NUMBER_LENGTH = 9;
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
  const text = symbols.map((symbol) => ALPHABET.charAt(symbol)).join("");
  return `${text.slice(0, 3)}-${text.slice(3, 6)}-${text.slice(6)}`;
}

/** Read a symbol as it is typed, in either case; O is read as 0, I and L as 1. Null where it is none. */
export function readSymbol(char: string): number | null {
  if (!/^[0-9A-Za-z]$/.test(char)) return null;
  const plain = char.toUpperCase().replace("O", "0").replace(/[IL]/, "1");
  const value = ALPHABET.indexOf(plain);
  return value < 0 ? null : value;
}

/** Tell where in what was typed a character stands that is no symbol, hyphen or space; -1 where there is none. */
export function wrongCharacter(typed: string): number {
  return Array.from(typed).findIndex((char) => char !== "-" && char !== " " && readSymbol(char) === null);
}

/**
 * Read a typed pass number: case, hyphens and spaces don't count. Gives the day modulo 1024, and the index.
 *
 * @throws WireError: not nine symbols of the alphabet, or the check symbol does not fit.
 */
export function parseNumber(typed: string): { day: number; index: number } {
  if (wrongCharacter(typed) >= 0) throw new WireError("a character is not used in pass numbers");
  const symbols = Array.from(typed).flatMap((char) => readSymbol(char) ?? []);
  if (symbols.length !== NUMBER_LENGTH) throw new WireError(`a pass number has ${NUMBER_LENGTH} symbols`);
  if (checksum(symbols)) throw new WireError("the check symbol does not fit: there is a slip");
  const [high = 0, low = 0, ...rest] = symbols;
  return { day: high * 32 + low, index: rest.slice(0, 6).reduce((value, symbol) => value * 32 + symbol, 0) };
}

/** Find the day nearest to `near` whose number modulo 1024 is the given one, the earlier one if two are as near. */
export function resolveDay(dayInNumber: number, near: number): number {
  const ahead = (((dayInNumber - near + DAYS / 2) % DAYS) + DAYS) % DAYS;
  return near + ahead - DAYS / 2;
}
