/** Chromium, by Playwright. */

import { existsSync } from "node:fs";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { NETWORK_ERROR, type Engine, type Options, type Tab } from "./engine.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const CHROMIUM: Engine = {
  name: "Chromium",
  missing: () => (existsSync(BROWSER) ? [] : ["chromium"]),
  lacks: {},
  start: async ({ profile, before = "", video }: Options) => {
    const camera = [
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${video ?? ""}`,
    ];
    const launch = {
      executablePath: BROWSER,
      args: ["--no-sandbox", "--disable-dev-shm-usage", ...(video === undefined ? [] : camera)],
    };
    const context = await chromium.launchPersistentContext(profile ?? "", launch); // "": one for this time
    await context.addInitScript(before);
    return new ChromiumTab(context, context.pages()[0] ?? (await context.newPage()));
  },
  end: () => Promise.resolve(),
};

class ChromiumTab implements Tab {
  private readonly errors: string[] = [];

  constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
  ) {
    page.setDefaultTimeout(60_000);
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
    await this.page.locator(`xpath=${xpath}`).click();
  }

  async upload(path: string): Promise<void> {
    await this.page.setInputFiles("input[type=file]", path);
  }

  async evaluate(expression: string): Promise<unknown> {
    return this.page.evaluate(expression);
  }

  faults(): readonly string[] {
    return this.errors;
  }

  readonly close = (): Promise<void> => this.context.close();
}
