/** Setting the phone up by its station's code: what it says is shown, compared, fetched, and only then believed. */

import { mayFetch } from "./config.js";
import { run } from "./faults.js";
import { h } from "./screen/dom.js";
import type { Overlay } from "./screen/overlay.js";
import { digitsOf, readEnrolment, type Enrolment } from "./trust/enrolment.js";
import { SourceError } from "./trust/errors.js";
import { message, type Message, type Words } from "./words/words.js";

export interface SettingUp {
  readonly overlay: Overlay;
  readonly words: () => Words;
  readonly say: (hint: Message) => void;
  /** Fetch the root, trust it, and sync. */
  readonly enroll: (enrolment: Enrolment) => Promise<void>;
}

/** Go by a code that was scanned on a phone that is not set up yet. */
export function setUp(text: string, by: SettingUp): void {
  const enrolment = readEnrolment(text);
  const foreign = enrolment?.sources.find((source) => !mayFetch(source));
  if (!enrolment) by.say(message("phone.setup.not-a-code"));
  else if (foreign === undefined) confirm(enrolment, by);
  else by.say(message("phone.setup.other-host", { own: location.host, host: new URL(foreign).host }));
}

function confirm(enrolment: Enrolment, by: SettingUp): void {
  const question = (): readonly (Node | string)[] => [
    by.words().text("phone.setup.confirm", { host: hostOf(enrolment) }),
    h("p", { class: "code" }, digitsOf(enrolment)),
  ];
  by.overlay.ask("phone.setup.title", question, "phone.setup.yes", () => run(enroll(enrolment, by)));
}

async function enroll(enrolment: Enrolment, by: SettingUp): Promise<void> {
  by.overlay.tell("phone.setup.title", message("phone.setup.fetching"));
  try {
    await by.enroll(enrolment);
    by.overlay.close();
  } catch (e) {
    if (!(e instanceof SourceError)) throw e;
    const wrong = e.kind === "wrong-file";
    const why = wrong
      ? message("phone.setup.wrong-root", { host: hostOf(enrolment) })
      : message(`phone.sync.${e.kind}`);
    by.overlay.tell("phone.setup.title", why);
  }
}

function hostOf({ sources: [source = ""] }: Enrolment): string {
  return new URL(source).host;
}
