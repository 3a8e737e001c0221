/**
 * The text fields of a pass: which characters they may hold, and their compact form, "block text".
 *
 * Block text is one byte a character for text of one Unicode block besides ASCII; its first byte is the block's number
 * (code point divided by 128; Bengali is 0x13).
 */

import type { Bytes } from "./bytes.js";
import { WireError } from "./errors.js";
import { FIELD_MAX_CHARS } from "./limits.js";

const BLOCK = 0x80;
const BLOCKS = 0x100;
/** Characters outside the block that its scripts need: ZWNJ, ZWJ, and the danda that all Indic scripts share. */
const SHARED = new Map([
  [0x200c, 0x01],
  [0x200d, 0x02],
  [0x0964, 0x03],
]);
const SHARED_BACK = new Map(Array.from(SHARED, ([point, byte]) => [byte, point]));

/** Control, format, separator, surrogate, private-use and tag characters: docs/spec.md's frozen table. */
const REFUSED: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad],
  [0x0600, 0x0605],
  [0x061c, 0x061c],
  [0x06dd, 0x06dd],
  [0x070f, 0x070f],
  [0x0890, 0x0891],
  [0x08e2, 0x08e2],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xd800, 0xf8ff],
  [0xfdd0, 0xfdef],
  [0xfeff, 0xfeff],
  [0xfff0, 0xfffb],
  [0xfffe, 0xffff],
  [0x110bd, 0x110bd],
  [0x110cd, 0x110cd],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0x10ffff],
];
/** docs/spec.md's white space, a frozen table as well; controls are refused anyway. */
const WHITE_SPACE = /^[\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]*$/;

/**
 * Check a text field's length and characters.
 *
 * @throws WireError: empty, too long, or a character that has no place in it.
 */
export function checkText(field: string, text: string): void {
  const points = codePoints(text);
  if (WHITE_SPACE.test(text)) throw new WireError(`${field}: expected text, got none`);
  if (points.length > FIELD_MAX_CHARS) throw new WireError(`${field}: more than ${FIELD_MAX_CHARS} characters`);
  const refused = points.find((point) => REFUSED.some(([first, last]) => first <= point && point <= last));
  if (refused !== undefined)
    throw new WireError(`${field}: U+${refused.toString(16)} is a control or format character`);
}

/**
 * Read a text in its one legal form, the shorter of UTF-8 and block text.
 *
 * @throws WireError: block text with bytes of no character, or the longer of the two forms.
 */
export function unpackText(packed: string | Bytes): string {
  const text = typeof packed === "string" ? packed : String.fromCodePoint(...blockPoints(packed));
  if (blockOf(text) !== (typeof packed === "string" ? null : packed[0])) {
    throw new WireError("a text is not in its one legal form (the shorter of UTF-8 and block text)");
  }
  return text;
}

function blockPoints(packed: Bytes): number[] {
  const base = (packed[0] ?? 0) * BLOCK;
  return Array.from(packed.subarray(1), (byte) => {
    const point = byte >= BLOCK ? base + byte - BLOCK : byte >= 0x20 ? byte : SHARED_BACK.get(byte);
    if (point === undefined) throw new WireError(`block text holds the byte ${byte}, which stands for nothing`);
    if (byte >= BLOCK && (SHARED.has(point) || point < BLOCK)) {
      throw new WireError("block text holds a character in another than its own form");
    }
    return point;
  });
}

/** Give the number of the block that a text's block text is of; null where its form is UTF-8. */
function blockOf(text: string): number | null {
  const points = codePoints(text);
  const blocks = new Set(points.filter((p) => p >= BLOCK && !SHARED.has(p)).map((p) => Math.floor(p / BLOCK)));
  const [block] = blocks;
  if (block === undefined || blocks.size > 1 || block >= BLOCKS) return null;
  return points.length + 1 < new TextEncoder().encode(text).length ? block : null;
}

export function codePoints(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}
