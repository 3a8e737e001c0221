/** A real Chromium, a real server, real passes: what the browser's tests and the demo stand on. */

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { HOUSE } from "./house.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
export { HOUSE };
export const WORLD = `${HOUSE}/build/phone-world`;
/** The app with the world's root built in, and without. */
export const APP = `${HOUSE}/build/phone-app`;
export const BLANK_APP = `${HOUSE}/build/phone-blank`;
const PHONE = { width: 412, height: 915 };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");

/** What tests/phone/world.py writes. */
export interface World {
  readonly now: number;
  readonly texts: Readonly<Record<string, string>>;
  readonly numbers: Readonly<Record<string, string>>;
  readonly holder: string;
}
export const world = JSON.parse(readFileSync(`${WORLD}/world.json`, "utf-8")) as World;

/** `movepass serve`, running. */
export class Server {
  private static readonly running = new Set<Server>();

  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
    readonly source: string,
    readonly enrolment: string,
  ) {}

  static async start(app: string, authority = "authority"): Promise<Server> {
    const command = ["serve", "--authority", `${WORLD}/${authority}`, "--app", app, "--port", "0", "--json"];
    const server = spawn(`${HOUSE}/.venv/bin/movepass`, command, { stdio: ["ignore", "pipe", "inherit"] });
    const line = await new Promise<string>((done, failed) => {
      server.stdout.once("data", (data: Buffer) => {
        done(data.toString());
      });
      server.once("exit", (code) => {
        failed(new Error(`movepass serve ended with ${code}`));
      });
    });
    const said = JSON.parse(line) as { url: string; source: string; enrolment: string };
    const started = new Server(server, said.url, said.source, said.enrolment);
    Server.running.add(started);
    return started;
  }

  /** End whatever a test that failed has left running. */
  static killAll(): void {
    for (const server of Server.running) server.kill();
  }

  /** End it as a power cut does. */
  kill(): void {
    this.process.kill("SIGKILL");
    Server.running.delete(this);
  }
}

/** A test run that is ended from outside leaves nothing running. */
process.once("exit", () => Server.killAll());
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** How a browser is to be started. */
export interface Options {
  /** A video of the world's for the fake camera; without it there is no camera. */
  readonly video?: string;
  /** Whether the camera is allowed; it is. */
  readonly allowed?: boolean;
  /** A profile that outlasts the browser. */
  readonly profile?: string;
  readonly context?: BrowserContextOptions;
  readonly flags?: readonly string[];
}

/** A browser with one page, and everything that went wrong in it. */
export class Phone {
  readonly faults: string[] = [];
  private constructor(
    private readonly closing: Browser | BrowserContext,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.setDefaultTimeout(60_000); // for a busy machine; nothing waits without a reason
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy|integrity/.test(message.text())) this.faults.push(message.text());
    });
  }

  static async start({ video, allowed = true, profile, context = {}, flags = [] }: Options = {}): Promise<Phone> {
    const camera = [
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${WORLD}/${video ?? ""}.y4m`,
      ...(allowed ? ["--use-fake-ui-for-media-stream"] : []),
    ];
    const launch = {
      executablePath: BROWSER,
      args: ["--no-sandbox", "--disable-dev-shm-usage", ...(video === undefined ? [] : camera), ...flags],
    };
    const page = { viewport: PHONE, ...context };
    if (profile === undefined) {
      const browser = await chromium.launch(launch);
      const made = await browser.newContext(page);
      return new Phone(browser, made, await made.newPage());
    }
    const made = await chromium.launchPersistentContext(profile, { ...launch, ...page });
    return new Phone(made, made, made.pages()[0] ?? (await made.newPage()));
  }

  async close(): Promise<void> {
    await this.closing.close();
    assert.deepEqual(this.faults, []);
  }

  /** Open the app, and wait until it has synced. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.getByText(/Lists: \d|তালিকা: [০-৯]/).waitFor();
  }

  /** Let a hand scanner type a text. */
  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    await this.page.keyboard.press("Enter");
  }

  /** Wait for the verdict, and give it; the page must be good for a screen reader as well. */
  async verdict(): Promise<string> {
    const verdict = this.page.locator(".verdict");
    await verdict.waitFor({ timeout: 60_000 });
    await this.checkAccess();
    return (await verdict.getAttribute("data-verdict")) ?? "";
  }

  /** Close the verdict; the next one may be there at once. */
  async next(): Promise<void> {
    const shown = await this.page.locator(".verdict").elementHandle();
    await this.page.locator("footer button").last().click();
    await this.page.waitForFunction((verdict) => !verdict.isConnected, shown);
  }

  /** See that axe-core finds nothing wrong with what is shown. */
  async checkAccess(): Promise<void> {
    await this.page.evaluate(axe);
    const found = await this.page.evaluate(async () => {
      const { axe: run } = globalThis as unknown as { axe: { run: () => Promise<{ violations: AxeViolation[] }> } };
      const { violations } = await run.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    });
    assert.deepEqual(found, []);
  }

  async text(): Promise<string> {
    return this.page.locator("main").innerText();
  }

  /** Set the phone's clock; it stands still then. */
  async setClock(seconds: number): Promise<void> {
    await this.page.clock.setFixedTime(seconds * 1000);
  }
}

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** A test that does not wait for ever. */
export function check(name: string, run: () => Promise<void> | void): Promise<void> {
  return test(name, { timeout: 180_000 }, run);
}

/** Start a browser for as long as something is done with it. */
export async function withPhone(options: Options, use: (phone: Phone) => Promise<void>): Promise<void> {
  const phone = await Phone.start(options);
  try {
    await use(phone);
  } finally {
    await phone.close();
  }
}
