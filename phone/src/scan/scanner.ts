/** Scanning: which codes are in view of the camera, a hand scanner or a chosen picture, and which of them is new. */

import { report, run } from "../faults.js";
import { PREFIX } from "../wire/payload.js";
import { Camera, CameraError, type CameraProblem, type Zoom } from "./camera.js";
import { HandScanner } from "./hand_scanner.js";
import { Reader } from "./reader.js";

const CAMERA = "camera";
/** From one look to the next, at least; on a slow phone a look takes longer, and the next follows at once. */
const FRAME_MILLISECONDS = 80;
/** How often to ask whether there is a new picture, and when to look without one: not every browser tells. */
const POLL_MILLISECONDS = 8;
const FRAMELESS_MILLISECONDS = 300;
/**
 * A code that was shown and has not left the picture is not shown again. It has left it when no look has seen it for so
 * long, and one in another way has missed it.
 */
const GONE_MILLISECONDS = 1000;
/** A camera that gives no new frame for so long, or always the same pixels, has stopped, whatever its picture shows. */
const STILL_MILLISECONDS = 4000;

export type Count = "one" | "several" | "none in the picture" | "typing" | "unfinished" | "still";

export interface ScannerEvents {
  /** Whether a code in view would be looked at now. */
  readonly isFree: () => boolean;
  /** Whether a code that somebody reads by hand would be: over other pages as well, whose place its verdict takes. */
  readonly hears: () => boolean;
  /** Whether a verdict is in sight. */
  readonly showsVerdict: () => boolean;
  /**
   * Another code is being read: what an earlier one led to must not be taken for what this one does. Only a certain
   * one may close a page that people work on.
   */
  readonly begins: (isCertain: boolean) => void;
  /** A code that was not in view before; the next one, from wherever, waits until this is done. */
  readonly code: (text: string) => Promise<void>;
  /** How many codes are in view or in a chosen picture, or how far a hand scanner has come with one. */
  readonly counted: (count: Count) => void;
  /** The camera or its light is another than before. */
  readonly changed: () => void;
}

const NOBODY: ScannerEvents = {
  isFree: () => false,
  hears: () => false,
  showsVerdict: () => false,
  begins: () => undefined,
  code: () => Promise.resolve(),
  counted: () => undefined,
  changed: () => undefined,
};

export class Scanner {
  /** Why there is no picture. */
  problem: CameraProblem | null = null;
  private camera: Camera | null = null;
  private opening: Promise<void> | null = null;
  private isLit = false;
  private shown: string | null = null;
  private seenAt = 0;
  /** When the last picture was taken in which another look found nothing. */
  private missedAt = 0;
  private wereSeveral = false;
  /** Counts what makes a frame that is still being read too old: a chosen picture, a closed page or camera. */
  private epoch = 0;
  /** The chosen picture that is being read; of several the last. */
  private chosen: File | null = null;
  /** How many frames there were at the last look, when that was, and when they last became more. */
  private frames = 0;
  private lookedAt = 0;
  private movedAt = 0;
  /** A mark of the last picture's pixels, and when they were last others. */
  private mark: number | null = null;
  private changedAt = 0;
  private isStill = false;
  /** The end of the codes that have come so far: what shows last is what came last. */
  private turn: Promise<void> = Promise.resolve();
  private readonly reader: Reader;
  private readonly hand: HandScanner;
  private events: ScannerEvents = NOBODY;

  /** The reader starts at once; nothing is looked at before somebody listens. */
  constructor(
    workerPath: string,
    private readonly video: HTMLVideoElement,
  ) {
    this.reader = new Reader(workerPath);
    this.hand = new HandScanner({
      hears: () => this.events.hears(),
      showsVerdict: () => this.events.showsVerdict(),
      begins: (isScan) => {
        this.events.begins(isScan);
        this.events.counted("typing");
      },
      typed: (text) => {
        run(this.take(text, () => this.events.hears()));
      },
      unfinished: () => {
        this.events.counted("unfinished");
      },
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.closeCamera();
      else run(this.openCamera());
    });
  }

  /** Tell somebody from now on what is in view. */
  listen(events: ScannerEvents): void {
    this.events = events;
  }

  /** Wait until codes can be read; throws ReaderError where they can't. */
  async ready(): Promise<void> {
    await this.reader.ready();
  }

  /** Give what the hand scanner types to a check of it; null: go back to codes. */
  checkHandScanner(typed: ((text: string) => void) | null): void {
    this.hand.check(typed);
  }

  /** Whether the camera's light is on; null where it has none. */
  get light(): boolean | null {
    return this.camera?.hasLight ? this.isLit : null;
  }

  async toggleLight(): Promise<void> {
    this.isLit = (await this.camera?.setLight(!this.isLit)) ?? false;
    this.events.changed();
  }

  get zoom(): Zoom | null {
    return this.camera?.zoom ?? null;
  }

  async setZoom(zoom: number): Promise<void> {
    await this.camera?.setZoom(zoom);
  }

  get hasOtherCamera(): boolean {
    return (this.camera?.other ?? null) !== null;
  }

  /** Go on with the next camera, now and at the next start. */
  async changeCamera(): Promise<void> {
    const other = this.camera?.other ?? null;
    if (other === null) return;
    keepCamera(other);
    this.closeCamera();
    await this.openCamera();
  }

  /** Open the camera, if it is not; where it is being opened, wait for that. */
  async openCamera(): Promise<void> {
    if (this.camera) return;
    this.opening ??= this.open().finally(() => {
      this.opening = null;
    });
    await this.opening;
  }

  private async open(): Promise<void> {
    try {
      this.camera = await Camera.open(this.video, keptCamera(), () => {
        this.closeCamera();
        this.problem = "taken";
        this.events.changed();
      });
      this.problem = null;
    } catch (e) {
      if (!(e instanceof CameraError)) throw e;
      this.problem = e.problem;
    }
    if (document.hidden) this.closeCamera(); // the page was put away meanwhile
    this.events.changed();
  }

  private closeCamera(): void {
    this.camera?.close();
    this.camera = null;
    this.epoch++;
    this.isLit = false;
  }

  async scanForEver(): Promise<never> {
    for (let rest = FRAME_MILLISECONDS; ;) {
      await new Promise((resolve) => setTimeout(resolve, rest));
      rest = this.looks ? POLL_MILLISECONDS : FRAME_MILLISECONDS;
      if (!this.looks || !this.hasNew) continue;
      const began = performance.now();
      await this.look().catch(report); // nothing may end the loop
      rest = Math.max(POLL_MILLISECONDS, FRAME_MILLISECONDS - (performance.now() - began));
    }
  }

  /** Whether a picture of the camera would be looked at now. */
  private get looks(): boolean {
    return this.events.isFree() && !this.chosen && !document.hidden;
  }

  /** Whether there is a picture that has not been looked at; where the browser may not have told, it counts as new. */
  private get hasNew(): boolean {
    return this.camera?.frames !== this.frames || performance.now() - this.lookedAt > FRAMELESS_MILLISECONDS;
  }

  private async look(): Promise<void> {
    const { epoch } = this;
    if (this.camera) this.watch(this.camera, performance.now());
    const picture = await this.camera?.picture().catch(() => null);
    const reading = picture ? await this.reader.read(picture) : null;
    if (!reading || epoch !== this.epoch) {
      reading?.picture?.close();
      return;
    }
    this.compare(reading.mark, performance.now());
    if (reading.picture) this.lookAgain(reading.picture, epoch).catch(report);
    await this.see(reading.texts);
  }

  /** Look at a picture in which nothing was read in another way, while the camera goes on. */
  private async lookAgain(picture: ImageBitmap, epoch: number): Promise<void> {
    const began = performance.now();
    const texts = await this.reader.lookAgain(picture);
    if (!texts || epoch !== this.epoch || !this.looks) return;
    if (texts.length) await this.see(texts);
    else this.missedAt = began;
  }

  /** Note whether the pixels changed since the last picture. */
  private compare(mark: number | null, now: number): void {
    if (mark === null || mark !== this.mark) this.changedAt = now;
    this.mark = mark;
  }

  /** Say when the camera's picture stands still, and when it moves again; a time in which nobody looked is left out. */
  private watch(camera: Camera, now: number): void {
    const isNew = camera.frames !== this.frames && !camera.isMuted;
    if (now - this.lookedAt > GONE_MILLISECONDS) this.movedAt = this.changedAt = now;
    else if (isNew) this.movedAt = now;
    this.lookedAt = now;
    this.frames = camera.frames;
    const wasStill = this.isStill;
    this.isStill = now - Math.min(this.movedAt, this.changedAt) > STILL_MILLISECONDS;
    if (this.isStill || wasStill) this.events.counted(this.isStill ? "still" : "one");
  }

  /** Read a chosen picture; of several only the last one chosen counts, and the camera waits for it. */
  async readPicture(file: File): Promise<void> {
    this.chosen = file;
    this.epoch++;
    this.events.begins(false);
    try {
      const picture = await createImageBitmap(file).catch(() => null);
      const texts = picture ? await this.reader.readInAllWays(picture) : [];
      if (this.chosen !== file) return;
      const { shown } = this;
      const text = texts.length ? this.only(texts) : null;
      if (texts.length === 0) this.events.counted("none in the picture");
      if (text !== null) await this.take(text, () => this.events.hears());
      this.shown = shown; // what the camera has in view is no newer for it
    } finally {
      if (this.chosen === file) this.chosen = null;
    }
  }

  /** Count what was shown up to now as still in view, after a time in which nobody looked. */
  goOn(): void {
    this.epoch++;
    this.seenAt = performance.now();
  }

  /** Go by the codes in view of the camera. */
  private async see(texts: readonly string[]): Promise<void> {
    const now = performance.now();
    if (texts.length === 0) {
      if (now - this.seenAt > GONE_MILLISECONDS && this.missedAt > this.seenAt) this.shown = null;
      return;
    }
    this.seenAt = now;
    const text = this.only(texts);
    if (text !== null && text !== this.shown) await this.take(text, () => this.events.isFree());
  }

  /** Count the codes of a picture, and choose: a pass among others is taken, of two passes neither (null). */
  private only(texts: readonly string[]): string | null {
    const passes = texts.filter((text) => text.startsWith(PREFIX));
    const [text] = passes.length === 1 ? passes : texts;
    const several = texts.length > 1 && passes.length !== 1;
    // A code that stays in view is no news: it must not wipe out what was said of a chosen picture.
    if (several || this.wereSeveral || text !== this.shown) this.events.counted(several ? "several" : "one");
    this.wereSeveral = several;
    return several ? null : (text ?? null);
  }

  /** Hand a code on once those before it are done, if it may be shown then. */
  private async take(text: string, mayShow: () => boolean): Promise<void> {
    const taken = this.turn.then(async () => {
      if (!mayShow()) return;
      this.shown = text;
      this.seenAt = performance.now();
      await this.events.code(text);
    });
    this.turn = taken.catch(() => undefined); // whoever waits for it is told
    await taken;
  }
}

/** Return the id of the camera that was chosen on this phone. */
function keptCamera(): string | null {
  try {
    return localStorage.getItem(CAMERA);
  } catch {
    return null;
  }
}

function keepCamera(id: string): void {
  try {
    localStorage.setItem(CAMERA, id);
  } catch {
    // it is kept until the page closes
  }
}
