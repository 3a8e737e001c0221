/** A clock that moves each second on a verdict: a screen that hangs, or a picture of a verdict, is seen by it. */

import type { Words } from "../words/words.js";
import { h } from "./dom.js";

/** One after the other: it moves even where the phone's clock is stopped. By the page itself, so that it hangs too. */
const BEATS = "◴◷◶◵";

export function heartbeat(words: Words): HTMLElement {
  const place = h("span", { class: "beat", "aria-hidden": "true" });
  let times = 0;
  const beat = (): void => {
    place.textContent = `${BEATS.charAt(times++ % BEATS.length)} ${words.clock(Date.now() / 1000)}`;
  };
  beat();
  const timer = setInterval(() => {
    if (place.isConnected) beat();
    else clearInterval(timer);
  }, 1000);
  return place;
}
