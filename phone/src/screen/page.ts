/** A page of words with buttons: faults, questions, and what this phone has. */

import { button, h } from "./dom.js";

export interface Choice {
  readonly text: string;
  readonly click: () => void;
  readonly main?: boolean;
  /** Whether no key presses it, for its effect lasts: a code that a hand scanner types could be that key. */
  readonly byHand?: boolean;
}

export function page(title: string, body: readonly (Node | string)[], choices: readonly Choice[]): HTMLElement {
  return h(
    "section",
    { class: "page" },
    h("h1", { tabindex: "-1" }, title),
    ...body.map((part) => (typeof part === "string" ? h("p", {}, part) : part)),
    h("footer", {}, ...choices.map(choiceButton)),
  );
}

function choiceButton({ text, click, main = false, byHand = false }: Choice): HTMLElement {
  return button(text, click, { ...(main ? { class: "main" } : {}), "data-by-hand": byHand });
}
