/** Typing a pass number, and what it tells. */

import { answer } from "../verify/by_number.js";
import { numberShown, type Shown } from "../verify/shown.js";
import type { Known } from "../verify/verify.js";
import { NUMBER_LENGTH, readSymbol, wrongCharacter } from "../wire/number.js";
import { plainDigits } from "../words/catalogues.js";
import type { Words } from "../words/words.js";
import { button, h } from "./dom.js";
import { signal } from "./signals.js";
import { paper, verdictSection } from "./verdict.js";

export function numberScreen(known: () => Known, words: Words, back: () => void): HTMLElement {
  const screen = h("section", { class: "page" }, h("h1", { tabindex: "-1" }, words.text("phone.number.title")));
  const submit = (typed: string): void => {
    const said = numberShown(answer(typed, known()), words);
    signal(said.kind);
    const next = answerScreen(said, words, back);
    screen.replaceWith(next);
    next.querySelector("h1")?.focus();
  };
  screen.append(numberForm(words, submit, back));
  return screen;
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

function answerScreen(said: Shown, words: Words, back: () => void): HTMLElement {
  const footer = h("footer", {}, button(words.text("phone.next"), back, { class: "main" }));
  return verdictSection(said, "number", paper(said), footer);
}
