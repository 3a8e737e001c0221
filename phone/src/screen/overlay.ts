/** What lies over the camera's picture: one page at a time, closed by itself, a button, or the phone's own way back. */

import type { Message, Words } from "../words/words.js";
import { page } from "./page.js";

/** Less than a line: it hides nothing. */
const EDGE_PIXELS = 12;

export class Overlay {
  private render: (() => HTMLElement) | null = null;
  /** After how long the page closes by itself; null where somebody must close it. */
  private seconds: number | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private hiddenAt = 0;
  /** The browser has been asked to go back, and has not done so yet. */
  private goesBack = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly words: () => Words,
    /** It opens, or has closed: everything is to be drawn anew. */
    private readonly changed: () => void,
  ) {
    window.addEventListener("popstate", () => {
      if (!this.goesBack) this.remove();
      else if (this.render) history.pushState(null, ""); // opened in between
      this.goesBack = false;
    });
    place.addEventListener("scroll", this.markMore);
    place.addEventListener("toggle", this.markMore, { capture: true });
    window.addEventListener("resize", this.markMore);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.hiddenAt = Date.now();
      else this.uncovered();
    });
  }

  get isOpen(): boolean {
    return this.render !== null;
  }

  /** Whether the page closes by itself, as a verdict does: then the next code may take its place. */
  get isPassing(): boolean {
    return this.seconds !== null;
  }

  /** Whether it is this page that is open. */
  shows(render: (() => HTMLElement) | null): boolean {
    return render !== null && this.render === render;
  }

  draw(): void {
    this.place.replaceChildren(...(this.render ? [this.render()] : []));
    this.markMore();
  }

  /** Let the style show that there is more below the edge. */
  private readonly markMore = (): void => {
    const { scrollTop, clientHeight, scrollHeight } = this.place;
    this.place.toggleAttribute("data-more", scrollTop + clientHeight < scrollHeight - EDGE_PIXELS);
  };

  /** Show a page in place of any other; it closes by itself after a time, if one is given. */
  open(render: () => HTMLElement, seconds: number | null = null): void {
    if (!this.render && !this.goesBack) history.pushState(null, "");
    this.render = render;
    this.seconds = seconds;
    this.read(false);
    this.changed();
    this.place.scrollTop = 0;
    this.place.querySelector("h1")?.focus();
  }

  /** Close the page at once; the browser's history follows. */
  close(): void {
    if (!this.render) return;
    this.remove();
    if (!this.goesBack) history.back();
    this.goesBack = true;
  }

  /** In a pocket no timer runs: close what has had its time there. */
  private uncovered(): void {
    if (this.seconds !== null && Date.now() - this.hiddenAt >= this.seconds * 1000) this.close();
  }

  private remove(): void {
    clearTimeout(this.timer);
    this.render = null;
    this.seconds = null;
    this.changed();
  }

  /** Somebody begins to read the page, or ends: while it is read it does not close by itself. */
  read(reading: boolean): void {
    clearTimeout(this.timer);
    if (reading || this.seconds === null) return;
    this.timer = setTimeout(() => {
      this.close();
    }, this.seconds * 1000);
  }

  /** Ask a question whose answer may be no; title and answer are keys of the catalogue. */
  ask(title: string, body: () => readonly (Node | string)[], yes: string, act: () => void): void {
    this.open(() => {
      const words = this.words();
      return page(words.text(title), body(), [
        { text: words.text("phone.setup.no"), click: () => this.close() },
        { text: words.text(yes), click: act, main: true, byHand: true },
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
