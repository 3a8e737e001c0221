/** The languages, as the terminal has them; and how each outcome looks and sounds. */

import bn from "../../../words/movepass_words/bn.json";
import en from "../../../words/movepass_words/en.json";
import outcomes from "../../../words/movepass_words/outcomes.json";
import type { Outcome } from "../verify/verdicts.js";
import { Words } from "./words.js";

export const LANGUAGES = { en: new Words("en", en), bn: new Words("bn", bn) } as const;
export type Language = keyof typeof LANGUAGES;
const CODES = Object.keys(LANGUAGES) as Language[];

/** Give the language that comes after one, round and round. */
export function languageAfter(language: Language): Language {
  return CODES[(CODES.indexOf(language) + 1) % CODES.length] ?? language;
}

/** Give the language that a tag (RFC 5646) asks for; English where there is no catalogue of it. */
export function languageOf(tag: string): Language {
  return CODES.find((code) => tag.split("-")[0] === code) ?? "en";
}

/** Write the digits of every language as 0 to 9. */
export function plainDigits(text: string): string {
  return Object.values(LANGUAGES).reduce((plain, words) => words.plainDigits(plain), text);
}

/** How an outcome is told apart, never by colour alone; sound: tones and pauses, each Hz (0: silence) and ms. */
export interface Look {
  readonly symbol: string;
  readonly rgb: string;
  readonly sound: readonly (readonly number[])[];
}
export const LOOKS: Readonly<Record<Outcome, Look>> = outcomes;
