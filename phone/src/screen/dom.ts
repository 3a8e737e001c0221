/** Elements, made in one call. Text goes in as text: nothing that came from outside is ever read as HTML. */

type Attributes = Readonly<Record<string, string | boolean | (() => void)>>;
type Child = Node | string | null;

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
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function button(text: string, click: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return h("button", { type: "button", click, ...attributes }, text);
}

/** A list of labels and values. */
export function rows(pairs: readonly (readonly [label: string, value: string])[]): HTMLElement {
  return h("dl", {}, ...pairs.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))));
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
