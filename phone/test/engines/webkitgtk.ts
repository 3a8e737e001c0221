/** WebKitGTK, by WebKitWebDriver (W3C WebDriver over HTTP), on a display in memory. */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUSE } from "../browser/house.js";
import { NETWORK_ERROR, type Engine, type Options, type Tab } from "./engine.js";

const DRIVER = "/usr/bin/WebKitWebDriver";
const DISPLAY = "/usr/bin/Xvfb";
/** Debian's own: its bindings are for no other. */
const PYTHON = "/usr/bin/python3";
const BINDINGS = "import gi; gi.require_version('Gtk', '3.0'); gi.require_version('WebKit2', '4.1')";
const BROWSER = `${HOUSE}/phone/test/engines/webkitgtk_browser.py`;
const WAIT_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 50;
/** How WebDriver names an element in JSON. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const ENTER = "\uE007";
/** A line of the console: where, from what and how bad, "app.js:1:2: CONSOLE JS ERROR …". */
const CONSOLE_ERROR = /\bCONSOLE (\w+ )?ERROR /;
/** WebKitGTK is built without web app manifests; it says so, and it is no fault. */
const NO_MANIFESTS = "Unrecognized Content-Security-Policy directive 'manifest-src'";

export const WEBKITGTK: Engine = {
  name: "WebKitGTK",
  missing: () => {
    const bindings = spawnSync(PYTHON, ["-c", BINDINGS]).status === 0;
    return [
      ...(existsSync(DRIVER) ? [] : ["webkit2gtk-driver"]),
      ...(bindings ? [] : ["python3-gi", "gir1.2-webkit2-4.1"]),
      ...(existsSync(DISPLAY) ? [] : ["xvfb"]),
    ];
  },
  lacks: { camera: "its mock camera shows a pattern of its own and plays no video" },
  start: (options) => WebKitTab.start(options),
  end: () => Promise.resolve(),
};

class WebKitTab implements Tab {
  private printed = "";

  private constructor(
    private readonly driver: Driver,
    private readonly session: string,
    private readonly folder: string,
  ) {
    driver.printed((text) => (this.printed += text));
  }

  static async start({ profile, before = "" }: Options): Promise<WebKitTab> {
    const own = mkdtempSync(join(tmpdir(), "phone-webkitgtk-"));
    const script = join(own, "before.js");
    writeFileSync(script, before);
    const driver = await Driver.start();
    const browserOptions = { binary: BROWSER, args: [profile ?? own, script] };
    const wanted = { capabilities: { alwaysMatch: { "webkitgtk:browserOptions": browserOptions } } };
    const { sessionId } = (await driver.ask("POST", "/session", wanted)) as { sessionId: string };
    const tab = new WebKitTab(driver, `/session/${sessionId}`, own);
    await tab.post("timeouts", { script: WAIT_MILLISECONDS, pageLoad: WAIT_MILLISECONDS });
    return tab;
  }

  async open(url: string): Promise<void> {
    await this.post("url", { url });
  }

  async reload(): Promise<void> {
    await this.post("refresh", {});
  }

  async type(text: string): Promise<void> {
    const keys = Array.from(text.replaceAll("\n", ENTER));
    const actions = keys.flatMap((value) => ["keyDown", "keyUp"].map((type) => ({ type, value })));
    await this.post("actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  async click(xpath: string): Promise<void> {
    await this.actOn("xpath", xpath, "click", {});
  }

  async upload(path: string): Promise<void> {
    await this.actOn("css selector", "input[type=file]", "value", { text: path });
  }

  async evaluate(expression: string): Promise<unknown> {
    const script = `const done = arguments[0];
      Promise.resolve().then(() => (${expression})).then(
        (value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = (await this.post("execute/async", { script, args: [] })) as Evaluated;
    if (error !== undefined) throw new Error(error);
    return value;
  }

  faults(): readonly string[] {
    const lines = this.printed.split("\n").filter((line) => CONSOLE_ERROR.test(line));
    return lines.filter((line) => !NETWORK_ERROR.test(line) && !line.includes(NO_MANIFESTS));
  }

  readonly close = async (): Promise<void> => {
    await this.driver.ask("DELETE", this.session);
    await this.driver.end();
    rmSync(this.folder, { recursive: true, force: true });
  };

  /** Do something to an element; find it again where the page was drawn again in between. */
  private async actOn(using: string, value: string, command: string, body: object): Promise<void> {
    const found = (await this.post("element", { using, value })) as Record<typeof ELEMENT, string>;
    try {
      await this.post(`element/${found[ELEMENT]}/${command}`, body);
    } catch (e) {
      if (!String(e).includes("stale element reference")) throw e;
      await this.actOn(using, value, command, body);
    }
  }

  private async post(command: string, body: object): Promise<unknown> {
    return this.driver.ask("POST", `${this.session}/${command}`, body);
  }
}

interface Evaluated {
  readonly value?: unknown;
  readonly error?: string;
}

/** A running WebKitWebDriver with a display of its own. */
class Driver {
  private constructor(
    private readonly driver: ChildProcess,
    private readonly display: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(): Promise<Driver> {
    const [display, name] = await startDisplay();
    for (;;) {
      const port = await freePort();
      const env = { ...process.env, DISPLAY: `:${name}` };
      const driver = started(spawn(DRIVER, [`--port=${port}`], { env, stdio: ["ignore", "pipe", "pipe"] }));
      const url = `http://127.0.0.1:${port}`;
      if (await answers(url, driver)) return new Driver(driver, display, url);
    }
  }

  /** Hear what driver and browser print. */
  printed(hear: (text: string) => void): void {
    for (const stream of [this.driver.stdout, this.driver.stderr]) {
      stream?.setEncoding("utf-8").on("data", hear);
    }
  }

  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${this.url}${path}`, init);
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  }

  async end(): Promise<void> {
    for (const child of [this.driver, this.display]) {
      const ended = new Promise((done) => child.once("close", done));
      child.kill();
      await ended;
    }
  }
}

/** Start a display in memory, and return it with its number. */
async function startDisplay(): Promise<[ChildProcess, string]> {
  const arguments_ = ["-displayfd", "3", "-screen", "0", "1024x1024x24", "-nolisten", "tcp"];
  const display = started(spawn(DISPLAY, arguments_, { stdio: ["ignore", "ignore", "ignore", "pipe"] }));
  const name = await new Promise<string>((done, failed) => {
    display.stdio[3]?.once("data", (data: Buffer) => done(data.toString().trim()));
    display.once("exit", (code) => failed(new Error(`Xvfb ended with ${code}`)));
  });
  return [display, name];
}

/** End a child with this process, whatever becomes of the test. */
function started(child: ChildProcess): ChildProcess {
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

/** Wait until the driver answers; false where it has ended, since somebody was faster to take the port. */
async function answers(url: string, driver: ChildProcess): Promise<boolean> {
  while (driver.exitCode === null) {
    const response = await fetch(`${url}/status`).catch(() => null);
    if (response?.ok) return true;
    await new Promise((done) => setTimeout(done, POLL_MILLISECONDS));
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
