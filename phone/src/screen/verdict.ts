/** The verdict, full-screen: by word, symbol and colour; why; what to compare by eye; what to do. */

import { DECISIONS, type Decision, type Seen } from "../store/journal.js";
import { seenBefore, shown, type Shown } from "../verify/shown.js";
import { CHECKS, type Verification } from "../verify/verdicts.js";
import { LOOKS } from "../words/catalogues.js";
import type { Words } from "../words/words.js";
import { button, capital, h, rows } from "./dom.js";
import { heartbeat } from "./heartbeat.js";

export interface VerdictActions {
  readonly next: () => void;
  readonly decide: (decision: Decision) => void;
  /** Somebody begins to read the checks, or ends. */
  readonly reading: (begins: boolean) => void;
}

export function verdictScreen(
  result: Verification,
  seen: Seen | null,
  words: Words,
  actions: VerdictActions,
): HTMLElement {
  const said = shown(result, words);
  const deciding = result.outcome === "cannot-verify";
  return verdictSection(
    said,
    result.verdict,
    words,
    said.test ? h("p", { class: "test", role: "alert" }, said.test) : null,
    seen ? h("p", { class: "before", role: "alert" }, seenBefore(seen, result.freshness.now, words)) : null,
    paper(said),
    checks(result, words, actions.reading),
    h(
      "footer",
      {},
      ...(deciding ? decisions(words, actions) : []),
      button(words.text("phone.next"), actions.next, { class: "main" }),
    ),
  );
}

/** A section in the outcome's colour, headed by what it is. */
export function verdictSection(said: Shown, verdict: string, words: Words, ...children: (Node | null)[]): HTMLElement {
  const attributes = { class: "verdict", "data-outcome": said.kind, "data-verdict": verdict };
  const section = h("section", attributes, heading(said, words), ...children);
  section.style.setProperty("--outcome", LOOKS[said.kind].rgb);
  return section;
}

/** The outcome by symbol and word, and why in a word or two. */
function heading({ kind, outcome, verdict }: Shown, words: Words): HTMLElement {
  return h(
    "h1",
    { tabindex: "-1" },
    h("span", { class: "symbol", "aria-hidden": "true" }, LOOKS[kind].symbol),
    h("span", { class: "outcome" }, outcome),
    heartbeat(words),
    h("span", { class: "why" }, capital(verdict)),
  );
}

/** Why, what to do, and what to compare by eye. */
export function paper({ reason, advice, notes, rows: pairs }: Shown): HTMLElement {
  const known = notes.map((note) => h("p", {}, capital(note)));
  return h(
    "div",
    { class: "paper" },
    h("p", { class: "reason" }, capital(reason)),
    ...known,
    h("p", {}, advice),
    rows(pairs),
  );
}

function decisions(words: Words, { decide }: VerdictActions): HTMLElement[] {
  const question = h("p", { id: "decide" }, words.text("phone.decide.question"));
  const choices = DECISIONS.map((decision) =>
    button(capital(words.text(`decision.${decision}`)), () => decide(decision)),
  );
  return [question, h("div", { class: "choices", role: "group", "aria-labelledby": "decide" }, ...choices)];
}

/** Every check with what came of it, and the failed one's technical reason. */
function checks(result: Verification, words: Words, reading: (begins: boolean) => void): HTMLElement {
  const reached = result.failed === null ? CHECKS.length : CHECKS.indexOf(result.failed);
  const states = CHECKS.map((check, at) => {
    const state = at < reached ? "passed" : at === reached ? "failed" : "not-reached";
    return [words.text(`check.${check}`), words.text(`state.${state}`)] as const;
  });
  const details = h(
    "details",
    {
      toggle: () => {
        reading(details.open);
      },
    },
    h("summary", {}, words.text("phone.checks")),
    rows(states),
    result.technical ? h("p", { lang: "en" }, result.technical) : null,
  );
  return details;
}
