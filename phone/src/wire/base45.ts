/** Base45, RFC 9285: two bytes in three characters of the QR code's alphanumeric set. */

import type { Bytes } from "./bytes.js";
import { WireError } from "./errors.js";

export const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/**
 * Read base45 text, strictly: upper case only, nothing skipped, one text for each sequence of bytes.
 *
 * @throws WireError: a character outside the alphabet, a length that no bytes have, or a group over its maximum.
 */
export function decode(text: string): Bytes {
  if (text.length % 3 === 1) throw new WireError(`base45 never has ${text.length} characters`);
  const values = Array.from(text, (char) => ALPHABET.indexOf(char));
  if (values.length !== text.length || values.includes(-1)) throw new WireError("a character is not one of base45's");
  const pairs = Math.floor(values.length / 3);
  const data = new Uint8Array(pairs * 2 + (values.length % 3 ? 1 : 0));
  for (let i = 0; i < pairs; i++) {
    const value = at(values, 3 * i) + 45 * at(values, 3 * i + 1) + 2025 * at(values, 3 * i + 2);
    if (value > 0xffff) throw new WireError("three base45 characters stand for more than two bytes hold");
    data[2 * i] = value >> 8;
    data[2 * i + 1] = value & 0xff;
  }
  if (values.length % 3) {
    const value = at(values, 3 * pairs) + 45 * at(values, 3 * pairs + 1);
    if (value > 0xff) throw new WireError("two base45 characters stand for more than a byte holds");
    data[2 * pairs] = value;
  }
  return data;
}

function at(values: readonly number[], i: number): number {
  return values[i] ?? NaN;
}
