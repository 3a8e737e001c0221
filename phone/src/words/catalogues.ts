/** Both languages, as the terminal has them; and how each outcome looks and sounds. */

import bn from "../../../verifier/movepass_verifier/words/bn.json";
import en from "../../../verifier/movepass_verifier/words/en.json";
import outcomes from "../../../verifier/movepass_verifier/words/outcomes.json";
import type { Outcome } from "../verify/verdicts.js";
import { Words } from "./words.js";

export const LANGUAGES = { en: new Words("en", en), bn: new Words("bn", bn) } as const;
export type Language = keyof typeof LANGUAGES;

/** How an outcome is told apart, never by colour alone; sound: tones and pauses, each Hz (0: silence) and ms. */
export interface Look {
  readonly symbol: string;
  readonly rgb: string;
  readonly sound: readonly (readonly number[])[];
}
export const LOOKS: Readonly<Record<Outcome, Look>> = outcomes;
