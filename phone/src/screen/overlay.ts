/** What lies over the camera's picture: one page at a time, closed by itself, a button, or the phone's own way back. */

import type { Message, Words } from "../words/words.js";
import { page } from "./page.js";

export class Overlay {
  private render: (() => HTMLElement) | null = null;
  private closing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly place: HTMLElement,
    private readonly words: () => Words,
    /** It opens, or has closed: everything is to be drawn anew. */
    private readonly changed: () => void,
  ) {
    window.addEventListener("popstate", () => {
      clearTimeout(this.closing);
      this.render = null;
      this.changed();
    });
  }

  get isOpen(): boolean {
    return this.render !== null;
  }

  draw(): void {
    this.place.replaceChildren(...(this.render ? [this.render()] : []));
  }

  /** Show a page in place of any other. */
  open(render: () => HTMLElement): void {
    if (!this.render) history.pushState(null, "");
    clearTimeout(this.closing);
    this.render = render;
    this.changed();
    this.place.querySelector("h1")?.focus();
  }

  close(): void {
    if (this.render) history.back();
  }

  closeAfter(seconds: number): void {
    this.closing = setTimeout(() => {
      this.close();
    }, seconds * 1000);
  }

  stayOpen(): void {
    clearTimeout(this.closing);
  }

  /** Ask a question whose answer may be no; title and answer are keys of the catalogue. */
  ask(title: string, body: () => readonly (Node | string)[], yes: string, act: () => void): void {
    this.open(() => {
      const words = this.words();
      return page(words.text(title), body(), [
        { text: words.text("phone.setup.no"), click: () => this.close() },
        { text: words.text(yes), click: act, main: true },
      ]);
    });
  }

  tell(title: string, what: Message): void {
    this.open(() => {
      const words = this.words();
      const back = { text: words.text("phone.back"), click: () => this.close(), main: true };
      return page(words.text(title), [words.say(what)], [back]);
    });
  }
}
