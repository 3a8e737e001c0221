/** Which language the phone speaks: the one chosen on it before, or its own. */

import { languageOf, type Language } from "./catalogues.js";

const KEY = "language";

export function preferredLanguage(): Language {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // the phone's, then
  }
  return languageOf(chosen ?? navigator.language);
}

export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // it is kept until the page closes
  }
}
