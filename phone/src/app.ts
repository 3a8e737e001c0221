/** The app: which screen is shown, and what a code, a tap or the clock leads to. */

import { mayFetch, version, workerPath } from "./config.js";
import type { Device } from "./device.js";
import { Camera, CameraError, type CameraProblem } from "./scan/camera.js";
import { Reader } from "./scan/reader.js";
import { capital } from "./screen/dom.js";
import { deviceScreen } from "./screen/device.js";
import { numberScreen } from "./screen/number.js";
import { page } from "./screen/page.js";
import { scanningScreen } from "./screen/scanning.js";
import { allowSound, signal } from "./screen/signals.js";
import { verdictScreen } from "./screen/verdict.js";
import { SyncTimer } from "./sync_timer.js";
import { StorageError } from "./store/database.js";
import type { Journal, Seen } from "./store/journal.js";
import { digitsOf, fetchRoot, readEnrolment, type Enrolment } from "./trust/enrolment.js";
import { SourceError } from "./trust/errors.js";
import { Web } from "./trust/web.js";
import { ageOf } from "./verify/shown.js";
import type { Verification } from "./verify/verdicts.js";
import { freshnessOf } from "./verify/verify.js";
import { PREFIX } from "./wire/payload.js";
import { languageAfter, languageOf, LANGUAGES, type Language } from "./words/catalogues.js";
import { message, type Message, type Words } from "./words/words.js";
import { worksOffline, updateWaits } from "./offline.js";

const FRAME_MILLISECONDS = 80;
/** A code that was shown and has not left the picture is not shown again. */
const GONE_MILLISECONDS = 1000;
/** A verdict closes by itself. */
const VERDICT_SECONDS = 20;
const FIRST_SYNC_MILLISECONDS = 10_000;
const BADGE_MILLISECONDS = 20_000;
const LANGUAGE = "language";

/** What the app goes by: the device, once it is set up. */
export interface Parts {
  device: Device | null;
  readonly journal: Journal;
  /** Set the device up from a root and sources. */
  readonly enroll: (root: Uint8Array<ArrayBuffer>, sources: readonly string[]) => Promise<Device>;
  readonly forget: () => Promise<void>;
}

export class App {
  private language: Language = preferredLanguage();
  private overlay: (() => HTMLElement) | null = null;
  private closing: ReturnType<typeof setTimeout> | undefined;
  private camera: Camera | null = null;
  private problem: CameraProblem | null = null;
  private opening = false;
  private light = false;
  private hint: Message = message("phone.scan.starting");
  private shownText: string | null = null;
  private seenAt = 0;
  /** What became of the last sync, and what went wrong in it. */
  private syncWords: Message | null = null;
  private syncTrouble: Message | null = null;
  private isKept = false;
  private readonly reader = new Reader(workerPath);
  private readonly timer = new SyncTimer(() => this.sync());
  private readonly video: HTMLVideoElement;
  private readonly around: HTMLElement;
  private readonly over: HTMLElement;
  private readonly scan: HTMLElement;

  constructor(private readonly parts: Parts) {
    this.video = element("video", HTMLVideoElement);
    this.around = element("around", HTMLElement);
    this.over = element("over", HTMLElement);
    this.scan = element("scan", HTMLElement);
  }

  /** Show the first screen, and begin to scan and to sync. */
  async start(): Promise<void> {
    this.draw();
    this.listen();
    void askToKeep().then((kept) => (this.isKept = kept));
    await Promise.all([this.openCamera(), this.firstSync()]);
    await this.scanForEver();
  }

  /** Sync in the background; only a device that has nothing at all waits for it, for a while. */
  private async firstSync(): Promise<void> {
    const { device } = this.parts;
    if (!device) return;
    this.timer.start(device.readiness() === null);
    if (device.known().lists.published !== null) return;
    this.hint = message("phone.setup.fetching");
    await Promise.race([this.timer.now(), new Promise((resolve) => setTimeout(resolve, FIRST_SYNC_MILLISECONDS))]);
    this.say(message("phone.scan.hint"));
  }

  private get words(): Words {
    return LANGUAGES[this.language];
  }

  private listen(): void {
    window.addEventListener("popstate", () => {
      this.closed();
    });
    window.addEventListener("pointerdown", allowSound, { once: true });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.closeCamera();
      else void this.openCamera();
    });
    setInterval(() => {
      if (!this.overlay) this.draw();
    }, BADGE_MILLISECONDS);
    this.listenToScanner();
  }

  /** A hand scanner types what it reads, and Enter. */
  private listenToScanner(): void {
    let typed = "";
    window.addEventListener("keydown", (event) => {
      if (this.overlay || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Enter" && typed) {
        event.preventDefault();
        const text = typed;
        typed = "";
        this.shownText = null;
        void this.seen([text]);
      } else if (event.key.length === 1) {
        if (event.key === " ") event.preventDefault(); // it would press the button in focus
        typed += event.key;
      }
    });
  }

  private async openCamera(): Promise<void> {
    if (this.camera || this.opening) return;
    this.opening = true;
    try {
      const ended = (): void => {
        this.closeCamera();
        this.problem = "taken";
        this.draw();
      };
      this.camera = await Camera.open(this.video, ended);
      this.problem = null;
      if (this.hint.key === "phone.scan.starting") this.hint = message("phone.scan.hint");
      void stayAwake();
    } catch (e) {
      if (!(e instanceof CameraError)) throw e;
      this.problem = e.problem;
      if (this.hint.key === "phone.scan.starting") this.hint = message("phone.scan.hint");
    } finally {
      this.opening = false;
    }
    if (!this.overlay) this.draw();
  }

  private closeCamera(): void {
    this.camera?.close();
    this.camera = null;
    this.light = false;
  }

  private async scanForEver(): Promise<never> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, FRAME_MILLISECONDS));
      if (this.overlay || document.hidden) continue;
      const picture = await this.camera?.picture().catch(() => null);
      if (picture) await this.seen(await this.reader.read(picture, true));
    }
  }

  /** Go by the codes in view: a pass among others is checked, of two passes neither. */
  private async seen(texts: readonly string[]): Promise<void> {
    const now = performance.now();
    const passes = texts.filter((text) => text.startsWith(PREFIX));
    const [text] = passes.length === 1 ? passes : texts;
    const several = texts.length > 1 && passes.length !== 1;
    if (text === undefined) {
      if (now - this.seenAt > GONE_MILLISECONDS) this.shownText = null;
      return;
    }
    this.seenAt = now;
    this.say(message(several ? "phone.scan.two-codes" : "phone.scan.hint"));
    if (this.overlay || several || text === this.shownText) return;
    this.shownText = text;
    await (this.parts.device ? this.check(this.parts.device, text) : this.setUp(text));
  }

  private async check(device: Device, text: string): Promise<void> {
    const result = await device.verify(text);
    const { id, seen } = await this.parts.journal.note(result);
    signal(result.outcome);
    this.showVerdict(id, result, seen);
  }

  private showVerdict(id: number, result: Verification, seen: Seen | null): void {
    const close = (): void => {
      this.close();
    };
    this.open(() =>
      verdictScreen(result, seen, this.words, {
        next: close,
        decide: (decision) => {
          void this.parts.journal.decide(id, decision);
          close();
        },
        stay: () => {
          clearTimeout(this.closing);
        },
      }),
    );
    this.closing = setTimeout(close, VERDICT_SECONDS * 1000);
  }

  private async setUp(text: string): Promise<void> {
    const enrolment = readEnrolment(text);
    const foreign = enrolment?.sources.find((source) => !mayFetch(source));
    if (!enrolment) this.say(message("phone.setup.not-a-code"));
    else if (foreign === undefined) this.confirm(enrolment);
    else this.say(message("phone.setup.other-host", { own: location.host, host: new URL(foreign).host }));
    await Promise.resolve();
  }

  private confirm(enrolment: Enrolment): void {
    const host = hostOf(enrolment);
    const code = document.createElement("p");
    code.className = "code";
    code.textContent = digitsOf(enrolment);
    this.ask(
      "phone.setup.title",
      [this.words.text("phone.setup.confirm", { host }), code.cloneNode(true)],
      "phone.setup.yes",
      () => {
        void this.enroll(enrolment);
      },
    );
  }

  private async enroll(enrolment: Enrolment): Promise<void> {
    this.tell("phone.setup.title", "phone.setup.fetching");
    try {
      const sources = enrolment.sources.map((source) => new Web(source));
      const root = await fetchRoot(sources, enrolment, seconds());
      this.parts.device = await this.parts.enroll(root, enrolment.sources);
      await this.timer.now();
      this.timer.start(true);
      this.close();
    } catch (e) {
      if (!(e instanceof SourceError)) throw e;
      const wrong = e.kind === "wrong-file";
      const why = wrong
        ? message("phone.setup.wrong-root", { host: hostOf(enrolment) })
        : message(`phone.sync.${e.kind}`);
      this.tell("phone.setup.title", why);
    }
  }

  /** Sync, never in the way of a check; tells whether anything came of it. */
  private async sync(): Promise<boolean> {
    const { device, journal } = this.parts;
    if (!device) return false;
    try {
      const sources = device.sources.map((source) => new Web(addressOf(source)));
      const { state, changed, failures } = await device.sync(sources);
      const failed = state ? null : (failures[0]?.error.kind ?? null);
      this.syncTrouble = failed === null ? null : message(`phone.sync.${failed}`);
      this.syncWords = this.syncTrouble ?? message(changed ? "phone.sync.changed" : "phone.sync.unchanged");
      await journal.keepDays(device.known().lists.days.keys());
      return state !== null;
    } catch (e) {
      if (!(e instanceof StorageError)) throw e;
      this.syncTrouble = this.syncWords = message("phone.sync.storage");
      return false;
    } finally {
      if (!this.overlay) this.draw();
    }
  }

  private showDevice(device: Device): void {
    const back = (): void => {
      this.close();
    };
    const again = (): void => {
      this.ask("phone.setup.again", [this.words.text("phone.setup.again-warning")], "phone.setup.again-yes", () => {
        void this.parts.forget().then(() => {
          location.reload();
        });
      });
    };
    const sync = (): void => {
      this.syncWords = message("phone.sync.running");
      this.draw();
      void this.timer.now().then(() => {
        this.draw();
      });
    };
    this.open(() =>
      deviceScreen(
        {
          known: device.known(),
          sources: device.sources.map(addressOf),
          counts: this.parts.journal.counts(),
          version,
          updateWaits: updateWaits(),
          worksOffline: worksOffline(),
          isKept: this.isKept,
          sync: this.syncWords,
        },
        this.words,
        { back, sync, setUpAnew: again },
      ),
    );
  }

  private async readPicture(file: File): Promise<void> {
    const picture = await createImageBitmap(file).catch(() => null);
    const texts = picture ? await this.reader.read(picture, false) : [];
    this.shownText = null;
    if (texts.length) await this.seen(texts);
    else this.say(message("phone.scan.no-code"));
  }

  private say(hint: Message): void {
    if (hint.key === this.hint.key) return;
    this.hint = hint;
    if (!this.overlay) this.draw();
  }

  /** Ask a question whose answer may be no. */
  private ask(title: string, body: readonly (Node | string)[], yes: string, act: () => void): void {
    this.open(() =>
      page(this.words.text(title), body, [
        { text: this.words.text("phone.setup.no"), click: () => this.close() },
        { text: this.words.text(yes), click: act, main: true },
      ]),
    );
  }

  private tell(title: string, what: string | Message): void {
    this.open(() =>
      page(
        this.words.text(title),
        [typeof what === "string" ? this.words.text(what) : this.words.say(what)],
        [{ text: this.words.text("phone.back"), click: () => this.close(), main: true }],
      ),
    );
  }

  /** Show something over the camera's picture; the phone's own way back closes it. */
  private open(render: () => HTMLElement): void {
    if (!this.overlay) history.pushState(null, "");
    clearTimeout(this.closing);
    this.overlay = render;
    this.draw();
    this.over.querySelector("h1")?.focus();
  }

  private close(): void {
    if (this.overlay) history.back();
  }

  private closed(): void {
    clearTimeout(this.closing);
    this.overlay = null;
    this.seenAt = performance.now();
    this.draw();
    this.around.querySelector("h1")?.focus();
  }

  private draw(): void {
    document.documentElement.lang = this.language;
    document.title = this.words.text("phone.name");
    this.over.replaceChildren(...(this.overlay ? [this.overlay()] : []));
    this.scan.inert = this.overlay !== null;
    if (!this.overlay) this.drawScanning();
  }

  private drawScanning(): void {
    const { device } = this.parts;
    const known = device?.known();
    const screen = scanningScreen(
      {
        title: this.words.text(device ? "phone.name" : "phone.setup.title"),
        hint: this.hintToShow(),
        badge: known ? `${this.words.text("label.lists")}: ${ageOf(freshnessOf(known), this.words)}` : "",
        warning: this.warning(device),
        test: known?.keys.test ?? false,
        problem: this.problem,
        light: this.camera?.hasLight ? this.light : null,
        canType: device !== null,
        otherLanguage: LANGUAGES[languageAfter(this.language)].text("language.name"),
      },
      this.words,
      {
        language: () => {
          this.toggleLanguage();
        },
        device: () => {
          if (device) this.showDevice(device);
        },
        light: () => void this.toggleLight(),
        number: () => {
          if (device)
            this.open(() =>
              numberScreen(
                () => device.known(),
                this.words,
                () => this.close(),
              ),
            );
        },
        picture: (file) => void this.readPicture(file),
        retry: () => void this.openCamera(),
      },
    );
    this.around.replaceChildren(...screen);
  }

  /** What to do: where there is no camera, its own words say it. */
  private hintToShow(): Message | null {
    if (this.hint.key !== "phone.scan.hint") return this.hint;
    if (!this.parts.device) return message("phone.setup.hint");
    return this.problem ? null : this.hint;
  }

  /** What an officer must know before any scan: that nothing could be accepted, or that lists are getting old. */
  private warning(device: Device | null): string {
    if (!device) return "";
    const unready = device.readiness();
    const parts = unready || freshnessOf(device.known()).syncSoon ? [unready, this.syncTrouble] : [];
    return parts.flatMap((part) => (part ? capital(this.words.say(part)) : [])).join(". ");
  }

  private async toggleLight(): Promise<void> {
    this.light = (await this.camera?.setLight(!this.light)) ?? false;
    if (!this.overlay) this.draw();
  }

  private toggleLanguage(): void {
    this.language = languageAfter(this.language);
    try {
      localStorage.setItem(LANGUAGE, this.language);
    } catch {
      // kept until the page closes
    }
    this.draw();
  }
}

/** The language chosen before, or the phone's. */
export function preferredLanguage(): Language {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem(LANGUAGE);
  } catch {
    // the phone's, then
  }
  return languageOf(chosen ?? navigator.language);
}

/** Ask the browser to keep what is stored when space is short; tells whether it will. */
async function askToKeep(): Promise<boolean> {
  try {
    return await navigator.storage.persist();
  } catch {
    return false;
  }
}

/** Keep the screen from going dark at the post, where the browser can. */
async function stayAwake(): Promise<void> {
  try {
    if ("wakeLock" in navigator) await navigator.wakeLock.request("screen");
  } catch {
    // the battery is low
  }
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Give a source's whole address; one that was built in may stand against the page's own. */
function addressOf(source: string): string {
  return new URL(source, document.baseURI).href;
}

function hostOf({ sources: [source = ""] }: Enrolment): string {
  return new URL(source).host;
}

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}
