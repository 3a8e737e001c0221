/** Reasons in English, as the terminal says them. */

import en from "../../words/movepass_words/en.json";
import { Words, type Message } from "../src/words/words.js";

const ENGLISH = new Words("en", en);

export function formatReason(message: Message): string {
  return ENGLISH.say(message);
}
