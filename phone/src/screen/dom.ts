/** Elements, made in one call. Text goes in as text, all of it visible: nothing from outside is ever read as HTML. */

import { visible } from "./safe_text.js";

type Attributes = Readonly<Record<string, string | boolean | (() => void)>>;
type Child = Node | string | null;

/** A date, in the digits of either language; browsers break lines at its hyphens. */
const DATE = /([0-9০-৯]{4}-[0-9০-৯]{2}-[0-9০-৯]{2})/;

/** Make an element: functions become click handlers, true an empty attribute, false none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flatMap((child) => (typeof child === "string" ? unbroken(child) : (child ?? []))));
  return element;
}

/** Keep dates on one line, and everything where it can be seen. */
function unbroken(text: string): (Node | string)[] {
  return visible(text)
    .split(DATE)
    .map((part, i) => (i % 2 ? h("span", { class: "unbroken" }, document.createTextNode(part)) : part));
}

export function button(text: string, click: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return h("button", { type: "button", click, ...attributes }, text);
}

/** A list of labels and values. */
export function rows(pairs: readonly (readonly [label: string, value: string])[]): HTMLElement {
  const rowOf = (label: string, value: string): HTMLElement =>
    h("div", {}, h("dt", {}, label), h("dd", {}, h("bdi", {}, value)));
  return h("dl", {}, ...pairs.map(([label, value]) => rowOf(label, value)));
}

/** Begin with a capital letter, in scripts that have them: the catalogue's texts also stand within sentences. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Find an element of the page. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}
