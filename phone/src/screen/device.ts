/** What this phone has: keys, lists, how old they are; what it counted; and what an officer may change. */

import type { HourlyCount } from "../store/journal.js";
import { withdrawn } from "../trust/keys.js";
import type { Known } from "../verify/verify.js";
import { iso } from "../wire/times.js";
import type { Message, Words } from "../words/words.js";
import { button, h, rows } from "./dom.js";

export interface About {
  readonly known: Known;
  /** What of the authority's ends soon, or has ended. */
  readonly endNotices: readonly Message[];
  readonly sources: readonly string[];
  readonly counts: readonly HourlyCount[];
  readonly version: string;
  readonly updateWaits: boolean;
  /** Whether all that a start without a network takes is kept, null where that is not known; the last such start. */
  readonly worksOffline: boolean | null;
  readonly offlineStart: number | null;
  readonly isKept: boolean;
  /** What became of the last sync. */
  readonly sync: Message | null;
}

export interface DeviceActions {
  readonly back: () => void;
  readonly sync: () => void;
  readonly checkScanner: () => void;
  readonly setUpAnew: () => void;
}

export function deviceScreen(about: About, words: Words, actions: DeviceActions): HTMLElement {
  const { keys, lists, now, policy } = about.known;
  const say = (key: string): string => words.text(`phone.device.${key}`);
  const time = (seconds: number | null): string =>
    seconds === null ? say("never") : words.text("phone.device.ago", { age: Math.max(0, now - seconds), at: seconds });
  return h(
    "section",
    { class: "page" },
    h("h1", { tabindex: "-1" }, say("title")),
    keys.test ? h("p", { class: "test" }, words.text("test.short")) : null,
    ...about.endNotices.map((notice) => h("p", { class: "warning", role: "status" }, words.say(notice))),
    rows([
      [words.text("label.authority"), keys.authority || say("never")],
      [say("published"), time(lists.published)],
      [say("synced"), time(lists.syncedAt)],
      [words.text("label.lists"), words.text("status.ages", { max: policy.maxAge, warning: policy.warningAge })],
      [say("source"), about.sources.join(", ")],
      [say("offline"), offlineWords(about, words)],
      [say("kept"), say(about.isKept ? "kept-yes" : "kept-no")],
      [say("version"), about.version],
    ]),
    about.updateWaits ? h("p", {}, say("update")) : null,
    h("p", { role: "status", id: "sync" }, about.sync ? words.say(about.sync) : ""),
    button(words.text("phone.sync.now"), actions.sync, { class: "main" }),
    h("h2", {}, say("keys")),
    rows(keyRows(about.known, words)),
    h("h2", {}, say("lists")),
    rows(
      Array.from(lists.days, ([day, { count }]) => [
        words.text("phone.device.day", { day }),
        words.text("phone.device.list", { count }),
      ]),
    ),
    ...journal(about.counts, words),
    h("p", {}, h("a", { href: "NOTICES.txt", target: "_blank", rel: "noopener" }, say("notices"))),
    h(
      "footer",
      {},
      button(words.text("phone.scanner.check"), actions.checkScanner),
      button(words.text("phone.setup.again"), actions.setUpAnew),
      button(words.text("phone.back"), actions.back, { class: "main" }),
    ),
  );
}

function offlineWords({ worksOffline, offlineStart: at }: About, words: Words): string {
  if (worksOffline === null) return words.text("phone.device.offline-not-yet");
  if (!worksOffline) return words.text("phone.device.offline-missing");
  return at === null ? words.text("phone.device.offline-untried") : words.text("phone.device.offline-ready", { at });
}

function keyRows({ keys }: Known, words: Words): (readonly [string, string])[] {
  return Array.from(keys.keys.values(), ({ kid, key, notBefore, notAfter }) => {
    const gone = withdrawn(keys, kid);
    const span = words.text("phone.device.key", { from: notBefore, until: notAfter });
    if (!gone && !key) return [kid, words.text("phone.reason.no-ed25519")];
    return [kid, gone ? words.text("phone.device.key-withdrawn", { why: gone.reason }) : span];
  });
}

function journal(counts: readonly HourlyCount[], words: Words): HTMLElement[] {
  const totals = new Map<string, number>();
  for (const { verdict, count } of counts) totals.set(verdict, (totals.get(verdict) ?? 0) + count);
  const named = Array.from(totals, ([verdict, count]) => {
    return [words.text(`verdict.${verdict}`), words.text("phone.device.journal-count", { count })] as const;
  });
  return [
    h("h2", {}, words.text("phone.device.journal")),
    named.length ? rows(named) : h("p", {}, words.text("phone.device.journal-none")),
    h("p", {}, words.text("phone.device.journal-privacy")),
    ...(named.length
      ? [h("a", { href: csv(counts), download: "movepass-counts.csv" }, words.text("phone.device.journal-export"))]
      : []),
  ];
}

/** Write the hourly counts as a file that a spreadsheet reads. */
function csv(counts: readonly HourlyCount[]): string {
  const lines = counts.map(({ hour, verdict, decision, count }) =>
    [iso(hour), verdict, decision ?? "", count].join(","),
  );
  const text = ["hour,verdict,decision,count", ...lines, ""].join("\r\n");
  return `data:text/csv;charset=utf-8,${encodeURIComponent(text)}`;
}
