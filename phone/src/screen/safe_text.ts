/**
 * Text from outside, made safe to look at: what can't be seen is named, and marks don't pile up over other rows.
 *
 * The page keeps directions apart (`bdi`) and cuts off what leaves its row.
 */

/** More marks than this on one character are in no language's writing. */
const MARKS_MOST = 4;
/** Characters that show as nothing, or as a blank, and are no space: fillers, joiners, selectors and controls. */
const INVISIBLE = new RegExp(
  "[\\p{C}\\p{Zl}\\p{Zp}\\p{Variation_Selector}" +
    "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u2800\\u3164\\uffa0\\u{1d159}]",
  "gu",
);
const JOINERS = "\u200c\u200d";
/** A joiner has its place behind a letter, a mark or an emoji (Bangla and emoji need it), and once. */
const JOINABLE = /[\p{L}\p{M}\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}]$/u;
const EMOJI_SELECTOR = "\ufe0f";
const PILE = new RegExp(`(\\p{M}{${MARKS_MOST}})\\p{M}+`, "gu");

/** Write a text so that all of it can be seen. */
export function visible(text: string): string {
  const named = text.replace(INVISIBLE, (char, at: number) => (isInPlace(char, text.slice(0, at)) ? char : name(char)));
  return named.replace(PILE, "$1…");
}

function isInPlace(char: string, before: string): boolean {
  if (char === "\n") return true;
  if (JOINERS.includes(char)) return JOINABLE.test(before);
  return char === EMOJI_SELECTOR && /\p{Emoji}$/u.test(before);
}

function name(char: string): string {
  return `‹U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}›`;
}
