/** The app: which screen is shown, and what a code, a tap or the clock leads to. */

import { scannerCheckPath, version } from "./config.js";
import type { Device } from "./device.js";
import { run } from "./faults.js";
import { askToKeep, isCutOff, keepForOffline, updateWaits, worksOffline } from "./offline.js";
import type { Count, Scanner } from "./scan/scanner.js";
import { checkScanner } from "./scan/scanner_check.js";
import { deviceScreen } from "./screen/device.js";
import { capital, element } from "./screen/dom.js";
import { answerScreen, numberScreen } from "./screen/number.js";
import { Overlay } from "./screen/overlay.js";
import { scannerCheckScreen } from "./screen/scanner_check.js";
import { scanningScreen, type ScanningActions } from "./screen/scanning.js";
import { allowSound, signal } from "./screen/signals.js";
import { verdictScreen } from "./screen/verdict.js";
import { setUp } from "./setting_up.js";
import type { Key } from "./store/database.js";
import type { Journal, Seen } from "./store/journal.js";
import { addressOf, Syncing } from "./syncing.js";
import type { Enrolment } from "./trust/enrolment.js";
import { answer } from "./verify/by_number.js";
import { ageOf, numberShown } from "./verify/shown.js";
import type { Verification } from "./verify/verdicts.js";
import { freshnessOf } from "./verify/verify.js";
import { dayOf } from "./wire/times.js";
import { languageAfter, LANGUAGES, type Language } from "./words/catalogues.js";
import { keepLanguage, preferredLanguage } from "./words/language.js";
import { message, type Message, type Words } from "./words/words.js";

/** A verdict closes by itself. */
const VERDICT_SECONDS = 20;
const BADGE_MILLISECONDS = 20_000;
/** What the hint becomes, by what is read. */
const HINTS = {
  one: "phone.scan.hint",
  several: "phone.scan.two-codes",
  "none in the picture": "phone.scan.no-code",
  typing: "phone.scan.typing",
  unfinished: "phone.scan.unfinished",
  still: "phone.scan.still",
} as const satisfies Record<Count, string>;

/** What the app goes by: the device, once it is set up. */
export interface Parts {
  device: Device | null;
  readonly scanner: Scanner;
  readonly journal: Journal;
  /** Set the device up; throws SourceError where the root can't be had. */
  readonly enroll: (enrolment: Enrolment) => Promise<Device>;
  readonly forget: () => Promise<void>;
  /** When this version of the app was last seen to start without a network, seconds since 1970 UTC. */
  readonly offlineStart: {
    readonly read: () => Promise<number | null>;
    readonly note: (at: number) => Promise<void>;
  };
  /** Whether a fault page stands: then nothing is verified, and nothing drawn over it. */
  readonly isStopped: () => boolean;
}

export class App {
  private language: Language = preferredLanguage();
  private hint: Message = message("phone.scan.starting");
  private isKept = false;
  private offlineStart: number | null = null;
  private devicePage: (() => HTMLElement) | null = null;
  private checkPage: (() => HTMLElement) | null = null;
  private readonly scan = element("scan", HTMLElement);
  private readonly around = element("around", HTMLElement);
  private readonly overlay: Overlay;
  private readonly scanner: Scanner;
  private readonly syncing: Syncing;

  constructor(private readonly parts: Parts) {
    this.overlay = new Overlay(
      element("over", HTMLElement),
      () => this.words,
      () => {
        this.turned();
      },
    );
    this.scanner = parts.scanner;
    this.scanner.listen({
      isFree: () => !this.parts.isStopped() && !this.overlay.isOpen,
      hears: () => !this.parts.isStopped() && (this.parts.device !== null || !this.overlay.isOpen),
      showsVerdict: () => this.overlay.isPassing,
      begins: (isCertain) => {
        if (isCertain || this.overlay.isPassing) this.overlay.close();
      },
      code: (text) => this.scanned(text),
      counted: (count) => {
        this.say(message(HINTS[count]));
      },
      changed: () => {
        this.cameraChanged();
      },
    });
    this.syncing = new Syncing(
      () => this.parts.device,
      this.parts.journal,
      () => {
        this.refresh();
        run(this.prepare());
      },
    );
  }

  /** Show the first screen, and begin to scan and to sync. */
  async start(): Promise<void> {
    this.draw();
    window.addEventListener("pointerdown", allowSound);
    setInterval(() => {
      this.drawScanning();
    }, BADGE_MILLISECONDS);
    run(askToKeep().then((kept) => (this.isKept = kept)));
    run(keepForOffline(() => this.refresh()));
    run(this.noteStart());
    this.syncing.start();
    run(this.prepare());
    const camera = this.scanner.openCamera().then(() => {
      this.cameraChanged();
    });
    await Promise.all([camera, this.fetchFirst()]);
    await this.scanner.scanForEver();
  }

  /** While the camera opens, and after each sync, make ready what the next pass of today will need. */
  private async prepare(): Promise<void> {
    const { device, journal } = this.parts;
    if (!device) return;
    const { lists, now } = device.known();
    await journal.prepare(dayOf(now), lists.days);
    await new Promise((resolve) => setTimeout(resolve));
    lists.days.get(dayOf(now))?.holds(0);
  }

  /** Note a start without a network, once all that reading a code takes has come from what is kept. */
  private async noteStart(): Promise<void> {
    this.offlineStart = await this.parts.offlineStart.read().catch(() => null);
    const isReady = await this.scanner.ready().then(
      () => true,
      () => false,
    );
    if (!isReady || !(await isCutOff())) return;
    this.offlineStart = Math.floor(Date.now() / 1000);
    await this.parts.offlineStart.note(this.offlineStart);
    this.refresh();
  }

  /** A device that has nothing at all waits for its first sync, for a while. */
  private async fetchFirst(): Promise<void> {
    if (this.parts.device?.known().lists.published !== null) return;
    this.hint = message("phone.setup.fetching");
    await this.syncing.first();
    this.say(message("phone.scan.hint"));
  }

  private get words(): Words {
    return LANGUAGES[this.language];
  }

  private async scanned(text: string): Promise<void> {
    const { device } = this.parts;
    if (device) await this.check(device, text);
    else this.setUp(text);
  }

  private async check(device: Device, text: string): Promise<void> {
    const result = await device.verify(text);
    const { id, seen } = await this.parts.journal.note(result, device.known().lists.days);
    if (this.parts.isStopped()) return;
    this.hint = message("phone.scan.hint");
    this.showVerdict(id, result, seen);
    signal(result.outcome);
  }

  private showVerdict(id: Key, result: Verification, seen: Seen | null): void {
    const next = (): void => {
      this.overlay.close();
    };
    const decide = (decision: Parameters<Journal["decide"]>[1]): void => {
      run(this.parts.journal.decide(id, decision));
      next();
    };
    const reading = (begins: boolean): void => {
      this.overlay.read(begins);
    };
    this.overlay.open(() => verdictScreen(result, seen, this.words, { next, decide, reading }), VERDICT_SECONDS);
  }

  private setUp(text: string): void {
    setUp(text, {
      overlay: this.overlay,
      words: () => this.words,
      say: (hint) => {
        this.say(hint);
      },
      enroll: async (enrolment) => {
        this.parts.device = await this.parts.enroll(enrolment);
        await this.syncing.now();
        this.syncing.start();
      },
    });
  }

  private showDevice(device: Device): void {
    const back = (): void => {
      this.overlay.close();
    };
    const sync = (): void => {
      run(this.syncing.now());
      this.draw();
    };
    const setUpAnew = (): void => {
      const warning = (): string[] => [this.words.text("phone.setup.again-warning")];
      this.overlay.ask("phone.setup.again", warning, "phone.setup.again-yes", () => run(this.forget()));
    };
    this.devicePage = () =>
      deviceScreen(
        {
          known: device.known(),
          endNotices: device.endNotices(),
          sources: device.sources.map(addressOf),
          counts: this.parts.journal.counts(),
          version,
          updateWaits: updateWaits(),
          worksOffline: worksOffline(),
          offlineStart: this.offlineStart,
          isKept: this.isKept,
          sync: this.syncing.words,
        },
        this.words,
        { back, sync, checkScanner: () => this.showScannerCheck(), setUpAnew },
      );
    this.overlay.open(this.devicePage);
  }

  /** Show the check of a hand scanner; until it closes all that is typed is for it. */
  private showScannerCheck(): void {
    let faults: readonly Message[] | null = null;
    const back = (): void => this.overlay.close();
    this.checkPage = () => scannerCheckScreen(scannerCheckPath, faults, this.words, back);
    this.overlay.open(this.checkPage);
    this.scanner.checkHandScanner((typed) => {
      faults = checkScanner(typed);
      this.overlay.draw();
    });
  }

  /** Show what has become of work behind the screen, and leave alone what an officer reads or types elsewhere. */
  private refresh(): void {
    if (this.overlay.shows(this.devicePage)) this.draw();
    else this.drawScanning();
  }

  private async forget(): Promise<void> {
    await this.parts.forget();
    location.reload();
  }

  private showNumber(device: Device): void {
    const back = (): void => {
      this.overlay.close();
    };
    const check = (typed: string): void => {
      const said = answer(typed, device.known());
      this.overlay.open(() => answerScreen(numberShown(said, this.words), this.words, back), VERDICT_SECONDS);
      signal(numberShown(said, this.words).kind);
    };
    this.overlay.open(() => numberScreen(this.words, check, back));
  }

  private say(hint: Message): void {
    if (hint.key === this.hint.key) return;
    this.hint = hint;
    this.drawScanning();
  }

  private cameraChanged(): void {
    if (this.hint.key === "phone.scan.starting") this.hint = message("phone.scan.hint");
    this.drawScanning();
  }

  /** A page was opened over the camera's picture, or closed. */
  private turned(): void {
    if (this.checkPage && !this.overlay.shows(this.checkPage)) {
      this.checkPage = null;
      this.scanner.checkHandScanner(null);
    }
    if (this.parts.isStopped()) return;
    this.draw();
    if (this.overlay.isOpen) return;
    this.scanner.goOn();
    this.around.querySelector("h1")?.focus();
  }

  private draw(): void {
    if (this.parts.isStopped()) return;
    document.documentElement.lang = this.language;
    document.title = this.words.text("phone.name");
    this.overlay.draw();
    this.scan.inert = this.overlay.isOpen;
    this.drawScanning();
  }

  /** Draw what stands around the camera's picture, unless it is hidden. */
  private drawScanning(): void {
    if (this.overlay.isOpen) return;
    const { device } = this.parts;
    const known = device?.known();
    const screen = scanningScreen(
      {
        title: this.words.text(device ? "phone.name" : "phone.setup.title"),
        hint: this.hintToShow(),
        badge: known ? `${this.words.text("label.lists")}: ${ageOf(freshnessOf(known), this.words)}` : "",
        warning: this.warning(device),
        test: known?.keys.test ?? false,
        problem: this.scanner.problem,
        light: this.scanner.light,
        zoom: this.scanner.zoom,
        hasOtherCamera: this.scanner.hasOtherCamera,
        canType: device !== null,
        otherLanguage: LANGUAGES[languageAfter(this.language)].text("language.name"),
      },
      this.words,
      this.actions(device),
    );
    this.around.replaceChildren(...screen);
  }

  private actions(device: Device | null): ScanningActions {
    return {
      language: () => {
        this.language = languageAfter(this.language);
        keepLanguage(this.language);
        this.draw();
      },
      device: () => {
        if (device) this.showDevice(device);
      },
      number: () => {
        if (device) this.showNumber(device);
      },
      zoom: (zoom) => run(this.scanner.setZoom(zoom)),
      camera: () => run(this.scanner.changeCamera()),
      light: () => run(this.scanner.toggleLight()),
      picture: (file) => run(this.scanner.readPicture(file)),
      retry: () => run(this.scanner.openCamera()),
    };
  }

  /** What to do: where there is no camera, its own words say it. */
  private hintToShow(): Message | null {
    if (this.hint.key !== "phone.scan.hint") return this.hint;
    if (!this.parts.device) return message("phone.setup.hint");
    return this.scanner.problem ? null : this.hint;
  }

  /** What an officer must know before any scan: that nothing could be accepted, or that lists are getting old. */
  private warning(device: Device | null): string {
    if (!device) return "";
    const unready = device.readiness();
    const parts = unready || freshnessOf(device.known()).syncSoon ? [unready, this.syncing.trouble] : [];
    if (worksOffline() === false) parts.push(message("phone.scan.needs-network"));
    return parts.flatMap((part) => (part ? capital(this.words.say(part)) : [])).join(". ");
  }
}
