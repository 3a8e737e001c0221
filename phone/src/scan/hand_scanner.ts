/**
 * Hears a hand scanner: it types what it reads, and ends the line as it is set: by Enter, Tab, Ctrl+J, Ctrl+M, Ctrl+C
 * (ETX), or not at all.
 *
 * Whoever shows a code chooses what is typed. So within a line no key acts on the page, and every key belongs to the
 * line, control characters too.
 */

import { findPayload } from "../verify/scanner.js";
import { characterOf } from "./scanner_check.js";

/** A scanner leaves no such pause within a line: what was typed before it is no beginning of what comes now. */
const REST_MILLISECONDS = 1000;
/** A whole pass is checked after so short a pause: its scanner sends no end. */
const PAUSE_MILLISECONDS = 300;
/** An end that comes so soon behind a line belongs to it: CR and LF, or an Enter behind a pause. */
const SUFFIX_MILLISECONDS = 1000;
/** No hand types so fast, on average. */
const FAST_MILLISECONDS = 40;
const END = "\n";
/** A key that stands for no character, in a line: no pass has it. */
const OTHER = "\ufffd";
const HELD = /^(Shift|Control|Alt|AltGraph|Meta|CapsLock|NumLock|Dead|Process|Unidentified)$/;
const ENDING_CONTROLS = "JMC";
/** What a field that people type into is never given by hand. */
const SCANNED = /MPE?[0-9]*:$/i;
const TYPED_MOST = 16;
/** A check of the scanner keeps no more of a text. */
const CHECKED_MOST = 1000;
/** What no key presses: a code that is a key could. */
const BY_HAND = "[data-by-hand]";

export interface HandScannerEvents {
  /** Whether a scan would be checked now. */
  readonly hears: () => boolean;
  /** Whether a verdict is in sight: then any key may begin a scan, and takes it away. */
  readonly showsVerdict: () => boolean;
  /** A line begins; `isScan` once it is certain that no hand types it. */
  readonly begins: (isScan: boolean) => void;
  readonly typed: (text: string) => void;
  /** A line has stopped without an end, and is no whole pass. */
  readonly unfinished: () => void;
}

export class HandScanner {
  private line = new Line();
  private field: Field | null = null;
  private pause: ReturnType<typeof setTimeout> | undefined;
  private lastKey = -Infinity;
  private endedAt = -Infinity;

  private checking: Checking | null = null;

  /** Hear a hand scanner from now on. */
  constructor(private readonly events: HandScannerEvents) {
    window.addEventListener("keydown", this.key, { capture: true });
  }

  /** Give all that is typed to a check of the scanner, a text at each pause; null: no longer. */
  check(typed: ((text: string) => void) | null): void {
    this.forget();
    this.checking?.end();
    this.checking = typed && new Checking(typed);
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (!(event instanceof KeyboardEvent)) return; // a form filler's
    if (this.checking) this.checking.key(event);
    else this.hear(event);
  };

  private hear(event: KeyboardEvent): void {
    const rest = event.timeStamp - this.lastKey;
    this.lastKey = event.timeStamp;
    if (rest > REST_MILLISECONDS || this.field?.isLeftBy(event)) this.forget();
    if (this.line.isEmpty && this.events.hears() && this.events.showsVerdict()) this.takeVerdictAway(event);
    else this.take(event, rest);
  }

  private take(event: KeyboardEvent, rest: number): void {
    const char = this.line.isEmpty ? firstOf(event) : this.field ? typedOf(event) : nextOf(event);
    if (char === null) return;
    clearTimeout(this.pause);
    if (this.line.isEmpty && isPress(event)) {
      this.press(event, rest);
      return;
    }
    if (char === END) {
      this.end(event);
      return;
    }
    if (this.line.isEmpty) this.begin(event);
    this.line.add(char, event.timeStamp, this.events.hears());
    this.takeFromField(event);
    if (!this.field) event.preventDefault();
    this.pause = setTimeout(this.paused, PAUSE_MILLISECONDS);
  }

  /**
   * Let any key take away the verdict in sight, arrows, Tab and modifiers too: a code may be that key alone, and the
   * verdict would pass for its own. So no key presses a button of a verdict either.
   */
  private takeVerdictAway(event: KeyboardEvent): void {
    event.preventDefault();
    const char = nextOf(event);
    const isEnd = char === END || char === null; // the latter is held for an end, as Ctrl is for Ctrl+J
    if (isEnd && event.timeStamp - this.endedAt < SUFFIX_MILLISECONDS) return;
    clearTimeout(this.pause);
    this.events.begins(false);
    if (char !== null) this.line.add(char === END ? OTHER : char, event.timeStamp, true);
    this.pause = setTimeout(this.paused, PAUSE_MILLISECONDS);
  }

  /** Press a button once it is certain that a hand did, not the first character of a scan. */
  private press(event: KeyboardEvent, rest: number): void {
    event.preventDefault();
    const { target } = event;
    if (event.key === " ") this.line.add(" ", event.timeStamp, this.events.hears());
    this.pause = setTimeout(() => {
      this.forget();
      if (rest > FAST_MILLISECONDS && target instanceof HTMLElement && !target.matches(BY_HAND)) target.click();
    }, PAUSE_MILLISECONDS);
  }

  private begin({ target }: KeyboardEvent): void {
    this.field = target instanceof HTMLInputElement && target.type === "text" ? new Field(target) : null;
    if (!this.field && this.events.hears()) this.events.begins(false);
  }

  /** Tell a scan from what people type into a field, and take it out of there. */
  private takeFromField(event: KeyboardEvent): void {
    if (!SCANNED.test(this.line.text) && !(this.field && this.line.text.length > TYPED_MOST)) return;
    this.field?.restore();
    this.field = null;
    event.preventDefault();
    if (this.events.hears()) this.events.begins(true);
  }

  private end(event: KeyboardEvent): void {
    if (this.field && this.line.isFast && /[^0-9A-Za-z \u2010-\u2015-]/.test(this.line.text)) {
      this.field.restore();
      this.field = null;
    }
    const { text, isHeard } = this.line;
    const isTyped = this.field !== null;
    this.forget();
    this.endedAt = event.timeStamp;
    if (isTyped) return; // by hand, into a field
    event.preventDefault();
    if (isHeard) this.events.typed(text);
  }

  private readonly paused = (): void => {
    const { text, isHeard } = this.line;
    if (this.field) return;
    if (isHeard && findPayload(text)) {
      this.forget();
      this.endedAt = performance.now();
      this.events.typed(text);
    } else if (isHeard) {
      this.pause = setTimeout(this.events.unfinished, REST_MILLISECONDS - PAUSE_MILLISECONDS);
    }
  };

  private forget(): void {
    clearTimeout(this.pause);
    this.line = new Line();
    this.field = null;
  }
}

/** Gathers what a scanner types for its test code, every key of it. */
class Checking {
  private text = "";
  private pause: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly typed: (text: string) => void) {}

  key(event: KeyboardEvent): void {
    event.preventDefault();
    if (HELD.test(event.key)) return;
    const isOne = Array.from(event.key).length === 1;
    const isControl = isOne && event.ctrlKey && !event.getModifierState("AltGraph");
    if (this.text.length < CHECKED_MOST)
      this.text += isControl ? controlOf(event.key) : isOne ? event.key : characterOf(event.key);
    clearTimeout(this.pause);
    this.pause = setTimeout(() => {
      this.typed(this.text);
      this.text = "";
    }, REST_MILLISECONDS);
  }

  end(): void {
    clearTimeout(this.pause);
  }
}

/** What has been typed of a line. */
class Line {
  text = "";
  last = 0;
  /** Whether all of it came when a scan would have been checked: half a line would be called damaged. */
  isHeard = true;
  private first = 0;

  add(char: string, at: number, isHeard: boolean): void {
    if (this.isEmpty) this.first = at;
    this.text += char;
    this.last = at;
    this.isHeard &&= isHeard;
  }

  get isEmpty(): boolean {
    return this.text === "";
  }

  get isFast(): boolean {
    return this.text.length > 1 && (this.last - this.first) / (this.text.length - 1) <= FAST_MILLISECONDS;
  }
}

/** A field in which a line began, as it was before. */
class Field {
  private readonly value: string;

  constructor(private readonly input: HTMLInputElement) {
    this.value = input.value;
  }

  /** Tell whether a key ends the line that was typed: people correct it, or type elsewhere. */
  isLeftBy({ key, target }: KeyboardEvent): boolean {
    return target !== this.input || key === "Backspace" || key === "Delete";
  }

  restore(): void {
    this.input.value = this.value;
    this.input.dispatchEvent(new Event("input"));
  }
}

/** Tell whether a key would press what has the focus. */
function isPress({ key, target }: KeyboardEvent): boolean {
  return (key === " " || key === "Enter") && target instanceof HTMLElement && target.matches("button, summary, a");
}

/** Return the character that a line may begin with, or that presses a button; null for keys by which people move. */
function firstOf(event: KeyboardEvent): string | null {
  if (event.key === "Enter") return isPress(event) ? END : null;
  return typedOf(event);
}

/** Return the character that a key types into a field, END where it leaves it; null for all else. */
function typedOf(event: KeyboardEvent): string | null {
  const { key } = event;
  if (key === "Enter") return END;
  const isModified = event.ctrlKey || event.altKey || event.metaKey;
  if (isModified && !event.getModifierState("AltGraph")) return null;
  return Array.from(key).length === 1 ? key : null;
}

/** Return the character that a key stands for within a scan, or END; null where it is only held for another one. */
function nextOf(event: KeyboardEvent): string | null {
  const { key } = event;
  if (key === "Enter" || key === "Tab") return END;
  if (HELD.test(key)) return null;
  if (Array.from(key).length > 1) return OTHER;
  return event.ctrlKey && !event.getModifierState("AltGraph") ? control(key) : key;
}

/** Return the control character that Ctrl and a key send, or END. */
function control(key: string): string {
  return ENDING_CONTROLS.includes(key.toUpperCase()) ? END : controlOf(key);
}

function controlOf(key: string): string {
  return String.fromCharCode((key.toUpperCase().codePointAt(0) ?? 0) & 0x1f);
}
