/** Typing a pass number, and what it tells. */

import type { Shown } from "../verify/shown.js";
import { NUMBER_LENGTH, readSymbol, wrongCharacter } from "../wire/number.js";
import { plainDigits } from "../words/catalogues.js";
import type { Words } from "../words/words.js";
import { button, h } from "./dom.js";
import { paper, verdictSection } from "./verdict.js";

/** The form; `check` gets what was typed, once it is whole. */
export function numberScreen(words: Words, check: (typed: string) => void, back: () => void): HTMLElement {
  const title = h("h1", { tabindex: "-1" }, words.text("phone.number.title"));
  return h("section", { class: "page" }, title, numberForm(words, check, back));
}

function numberForm(words: Words, submit: (typed: string) => void, back: () => void): HTMLElement {
  const hint = h("p", { id: "hint", role: "status" });
  const check = h("button", { type: "submit", class: "main" }, words.text("phone.number.check"));
  const describe = (): void => {
    const count = symbolsIn(input.value);
    const typed = { count: count ?? 0, whole: NUMBER_LENGTH };
    hint.textContent = count === null ? words.text("number.unreadable") : words.text("phone.number.typed", typed);
    check.disabled = count !== NUMBER_LENGTH;
  };
  const input = h("input", {
    id: "number",
    type: "text",
    autocomplete: "off",
    autocapitalize: "characters",
    autocorrect: "off",
    spellcheck: "false",
    enterkeyhint: "go",
    maxlength: "16",
    "aria-describedby": "hint",
    input: describe,
  });
  const label = h("label", { for: "number" }, words.text("phone.number.label"));
  const form = h("form", {}, label, input, hint, h("footer", {}, button(words.text("phone.back"), back), check));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!check.disabled) submit(input.value);
  });
  describe();
  return form;
}

/** Count the symbols typed; null where a character is none. */
function symbolsIn(text: string): number | null {
  const typed = plainDigits(text);
  return wrongCharacter(typed) < 0 ? Array.from(typed).filter((char) => readSymbol(char) !== null).length : null;
}

/** What the number tells, as a verdict. */
export function answerScreen(said: Shown, words: Words, back: () => void): HTMLElement {
  const footer = h("footer", {}, button(words.text("phone.next"), back, { class: "main" }));
  return verdictSection(said, "number", words, paper(said), footer);
}
