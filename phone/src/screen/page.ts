/** A page of words with buttons: faults, questions, and what this phone has. */

import { button, h } from "./dom.js";

export interface Choice {
  readonly text: string;
  readonly click: () => void;
  readonly main?: boolean;
}

export function page(title: string, body: readonly (Node | string)[], choices: readonly Choice[]): HTMLElement {
  return h(
    "section",
    { class: "page" },
    h("h1", { tabindex: "-1" }, title),
    ...body.map((part) => (typeof part === "string" ? h("p", {}, part) : part)),
    h("footer", {}, ...choices.map(({ text, click, main }) => button(text, click, main ? { class: "main" } : {}))),
  );
}
