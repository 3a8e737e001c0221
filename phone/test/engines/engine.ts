/** A browser engine as the phone's main tests drive it: one small interface, a driver for each engine. */

/** A step that not every engine's driver can do. */
export type Step = "camera";

/** An engine, and how to start it. */
export interface Engine {
  readonly name: string;
  /** Return the Debian packages to install, if the engine can't be started here. */
  readonly missing: () => readonly string[];
  /** The steps that its driver can't do, and why. */
  readonly lacks: Readonly<Partial<Record<Step, string>>>;
  readonly start: (options: Options) => Promise<Tab>;
  /** End what its tabs have shared. */
  readonly end: () => Promise<void>;
}

/** How a browser is to be started. */
export interface Options {
  /** A folder for what the browser keeps: a second start with it is a restart. Without it nothing is kept. */
  readonly profile?: string;
  /** A script that runs before any of a page's own. */
  readonly before?: string;
  /** A video for the fake camera; without it there is no camera. Needs the step "camera". */
  readonly video?: string;
}

/** A page in a browser. Pages share nothing, as long as each test has an origin of its own. */
export interface Tab {
  open(url: string): Promise<void>;
  /** Load the page again, as an officer does. */
  reload(): Promise<void>;
  /** Type a text by the keyboard; a line break is Enter. */
  type(text: string): Promise<void>;
  /** Click the button that an XPath finds. */
  click(xpath: string): Promise<void>;
  /** Choose a file in the page's file input. */
  upload(path: string): Promise<void>;
  /** Evaluate a JavaScript expression in the page, wait for its promise, and return its value. */
  evaluate(expression: string): Promise<unknown>;
  /** Return all errors up to now, of the page or in its console. */
  faults(): readonly string[];
  /** End the page, and its browser with it if that has a profile of its own; what stands in the profile stays. */
  readonly close: () => Promise<void>;
}

/** A file asked for and not there is no fault: a sync asks for the next root, and the tests kill servers. */
export const NETWORK_ERROR = /Failed to load resource/;

/** Return an XPath of the button with these words. */
export function buttonWith(words: string): string {
  return `//button[normalize-space()="${words}"]`;
}
