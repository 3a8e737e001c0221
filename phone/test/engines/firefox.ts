/** Firefox ESR, by Puppeteer over WebDriver BiDi. */

import { existsSync } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { NETWORK_ERROR, type Engine, type Options, type Tab } from "./engine.js";

const BROWSER = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const WAIT_MILLISECONDS = 60_000;

export const FIREFOX: Engine = {
  name: "Firefox ESR",
  missing: () => (existsSync(BROWSER) ? [] : ["firefox-esr"]),
  lacks: { camera: "its fake camera shows a pattern of its own and plays no video" },
  start: async ({ profile, before }: Options) => {
    const browser = await (profile === undefined ? (shared ??= launch()) : launch(profile));
    const page = await browser.newPage();
    if (before !== undefined) await page.evaluateOnNewDocument(before);
    return new FirefoxTab(page, () => (profile === undefined ? page.close() : browser.close()));
  },
  end: async () => {
    await (await shared)?.close();
  },
};

/** Firefox takes seconds to start: tests that need no profile of their own have pages of one browser. */
let shared: Promise<Browser> | undefined;

async function launch(profile?: string): Promise<Browser> {
  return puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: BROWSER,
    timeout: WAIT_MILLISECONDS,
    ...(profile === undefined ? {} : { userDataDir: profile }),
  });
}

class FirefoxTab implements Tab {
  private readonly errors: string[] = [];

  constructor(
    private readonly page: Page,
    readonly close: () => Promise<void>,
  ) {
    page.setDefaultTimeout(WAIT_MILLISECONDS);
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !NETWORK_ERROR.test(message.text())) this.errors.push(message.text());
    });
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  async click(xpath: string): Promise<void> {
    await this.page.locator(`::-p-xpath(${xpath})`).click();
  }

  async upload(path: string): Promise<void> {
    const input = await this.page.waitForSelector('input[type="file"]');
    await input?.uploadFile(path);
  }

  async evaluate(expression: string): Promise<unknown> {
    return this.page.evaluate(expression);
  }

  faults(): readonly string[] {
    return this.errors;
  }
}
