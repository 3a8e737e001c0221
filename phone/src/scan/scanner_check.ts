/**
 * Checks a hand scanner at the start of a shift, by what it types for a code whose text is known; as `movepass scan
 * --check-scanner` does. Its text has every character of a pass.
 */

import { ALPHABET } from "../wire/base45.js";
import { message, type Message } from "../words/words.js";

const END = "END";
/** Alphanumeric like a pass, but not a pass: there is no version 0. The code is docs/officer/scanner-check.png. */
export const TEXT = `MP0:SCANNER CHECK ${ALPHABET}${END}`;
const COLON_AT = TEXT.indexOf(":");
/** At most so many characters are named. */
const FEW = 8;
/** What the colon becomes where a scanner that presses the keys of a US keyboard meets another layout. */
const LAYOUTS: ReadonlyMap<string, string> = new Map([
  ["Ö", "layout.german-swedish"],
  ["Æ", "layout.danish"],
  ["Ø", "layout.norwegian"],
  ["Ñ", "layout.spanish"],
  ["Ç", "layout.italian-portuguese"],
  ["Ş", "layout.turkish"],
]);
const NAMES: ReadonlyMap<string, string> = new Map([
  [" ", "␣"],
  ["\t", "Tab"],
  ["\r", "Enter"],
  ["\n", "Ctrl+J"],
  ["\u001b", "Esc"],
  ["\u001d", "GS"],
  ["\u007f", "Del"],
]);
/** Keys without a character, and the characters that stand for them here: Unicode leaves those to whoever uses them. */
const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Insert"].concat(
  Array.from({ length: 24 }, (_, number) => `F${number + 1}`),
);
const FIRST_KEY = 0xe000;
const UNKNOWN_KEY = "\ufffd";
const CONTROLS: ReadonlyMap<string, string> = new Map([
  ["Enter", "\r"],
  ["Tab", "\t"],
  ["Escape", "\u001b"],
  ["Backspace", "\b"],
  ["Delete", "\u007f"],
]);

/** Return the character that stands for a key that has none. */
export function characterOf(key: string): string {
  const at = KEYS.indexOf(key);
  return CONTROLS.get(key) ?? (at < 0 ? UNKNOWN_KEY : String.fromCharCode(FIRST_KEY + at));
}

/** Return what is wrong with a scanner's settings, by what it typed until it paused; nothing where all is well. */
export function checkScanner(typed: string): Message[] {
  const line = typed.replace(/[\r\n]+$/, "");
  const found = line.includes(TEXT) ? around(line) : [changeOf(line)];
  return line === typed ? [...found, message("scanner.no-end")] : found;
}

function around(line: string): Message[] {
  const at = line.indexOf(TEXT);
  const [before, behind] = [line.slice(0, at), line.slice(at + TEXT.length)];
  const prefix = before ? [message("scanner.prefix", { what: named(before) })] : [];
  return behind ? [...prefix, message("scanner.suffix", { what: named(behind) })] : prefix;
}

/** Name the one change that the text went through. */
function changeOf(line: string): Message {
  if (line.toUpperCase().includes(TEXT)) return message("scanner.case");
  const layout = layoutOf(line);
  if (layout !== null) return message("scanner.layout", { layout: message(layout) });
  const [controls, rest] = [Array.from(line).filter(isControl), Array.from(line).filter((char) => !isControl(char))];
  if (rest.join("").includes(TEXT)) return message("scanner.controls", { what: named(controls.join("")) });
  return line.length < TEXT.length ? lossIn(line) : message("scanner.other");
}

function layoutOf(line: string): string | null {
  if (line.startsWith("?P")) return "layout.french";
  if (/[\u0980-\u09ff]/.test(line)) return "layout.bangla";
  return LAYOUTS.get(line.charAt(COLON_AT).toUpperCase()) ?? null;
}

/** Name the characters that never came; if each came somewhere, the text was cut short. */
function lossIn(line: string): Message {
  if (!line.startsWith(TEXT.slice(0, COLON_AT))) return message("scanner.other");
  const missing = Array.from(ALPHABET).filter((char) => !line.includes(char));
  if (missing.length && line.endsWith(END)) return message("scanner.lost", { what: named(missing.join("")) });
  return message("scanner.short", { count: Array.from(line).length, whole: TEXT.length });
}

function isControl(char: string): boolean {
  return char < " " || char === "\u007f" || char === UNKNOWN_KEY || keyOf(char) !== undefined;
}

function keyOf(char: string): string | undefined {
  return KEYS[char.charCodeAt(0) - FIRST_KEY];
}

/** Name characters so that each is seen: control characters by their keys. */
function named(text: string): string {
  const names = Array.from(text, (char) => {
    const ctrl = char < " " ? `Ctrl+${String.fromCharCode(char.charCodeAt(0) + 0x40)}` : char;
    return NAMES.get(char) ?? keyOf(char) ?? ctrl;
  });
  return [...names.slice(0, FEW), ...(names.length > FEW ? ["…"] : [])].join(" ");
}
