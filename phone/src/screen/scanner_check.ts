/** The check of a hand scanner: its test code, to be read from the screen or from paper, and what is wrong. */

import type { Message, Words } from "../words/words.js";
import { h } from "./dom.js";
import { page } from "./page.js";

/** Draw the page; `faults` is null until something was scanned. */
export function scannerCheckScreen(
  picture: string,
  faults: readonly Message[] | null,
  words: Words,
  back: () => void,
): HTMLElement {
  const said = faults?.map((fault) => h("p", { class: "warning" }, words.say(fault))) ?? [];
  const good = faults?.length === 0 ? [h("p", {}, `✔ ${words.text("scanner.good")}`)] : [];
  return page(
    words.text("phone.scanner.check"),
    [
      words.text("phone.scanner.ask"),
      h("img", { class: "code-picture", src: picture, alt: words.text("phone.scanner.code") }),
      h("div", { role: "status", id: "scanner" }, ...said, ...good),
    ],
    [{ text: words.text("phone.back"), click: back, main: true }],
  );
}
