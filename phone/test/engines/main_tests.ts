/** The phone's main tests, written once and run in every engine. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, test } from "node:test";
import bangla from "../../../words/movepass_words/bn.json";
import english from "../../../words/movepass_words/en.json";
import { APP, BLANK_APP, Server, world, WORLD } from "../browser/harness.js";
import { buttonWith, type Engine, type Options, type Step, type Tab } from "./engine.js";

const HOUR = 3600;
const WAIT_MILLISECONDS = 60_000;
const TEST_MILLISECONDS = 180_000;
const POLL_MILLISECONDS = 40;
/** Between two keys of a person; a hand scanner is faster. */
const HUMAN_MILLISECONDS = 100;
const { accept = "", revoked = "", forged = "" } = world.texts;

/** A browser as they were before Ed25519. */
const NO_ED25519 = `if (isSecureContext) {
  const importKey = SubtleCrypto.prototype.importKey;
  SubtleCrypto.prototype.importKey = function (format, data, algorithm, ...rest) {
    if ((algorithm.name ?? algorithm) === "Ed25519") return Promise.reject(new DOMException("no", "NotSupportedError"));
    return importKey.call(this, format, data, algorithm, ...rest);
  };
}`;
/** A browser that keeps nothing, as some do in private mode. */
const NO_STORAGE = `IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError"); };`;

/** An officer's phone in any engine. */
class Phone {
  private readonly expected: RegExp[] = [];

  constructor(private readonly tab: Tab) {}

  /** Wait until an error was heard, which the test has caused. */
  async hears(error: RegExp): Promise<void> {
    this.expected.push(error);
    const end = performance.now() + WAIT_MILLISECONDS;
    while (!this.tab.faults().some((fault) => error.test(fault))) {
      assert.ok(performance.now() < end, `${error} was not heard`);
      await sleep(POLL_MILLISECONDS);
    }
  }

  /** Return the errors that the test has not caused. */
  faults(): readonly string[] {
    return this.tab.faults().filter((fault) => !this.expected.some((error) => error.test(fault)));
  }

  async load(url: string): Promise<void> {
    await this.tab.open(url);
  }

  /** Open the app, and wait until it has synced. */
  async open(url: string): Promise<void> {
    await this.load(url);
    await this.hasLists();
  }

  /** Open an app with no authority built in. */
  async openBlank(url: string): Promise<void> {
    await this.load(url);
    await this.reads(english["phone.setup.hint"]);
  }

  async reload(): Promise<void> {
    await this.tab.reload();
  }

  async hasLists(): Promise<void> {
    await this.until("lists", `/: [0-9০-৯]/.test(document.querySelector("button.badge")?.innerText)`);
  }

  /** Let a hand scanner type a text. */
  async scan(text: string): Promise<void> {
    await this.tab.type(`${text}\n`);
  }

  /** Scan a text, wait for its verdict, and go on. */
  async judges(text: string, verdict: string): Promise<void> {
    await this.scan(text);
    await this.shows(verdict);
    await this.next();
  }

  /** Scan a text that can't be verified, and say what was decided. */
  async decides(text: string, decision: "sent-back" | "let-through"): Promise<void> {
    await this.scan(text);
    await this.shows("unsupported-version");
    const words = english[`decision.${decision}`];
    await this.press(words.charAt(0).toUpperCase() + words.slice(1));
    await this.until("no verdict", `${VERDICT} === null`);
  }

  /** Wait for a verdict. */
  async shows(verdict: string): Promise<void> {
    await this.until(`the verdict ${verdict}`, `${VERDICT}?.dataset.verdict === ${JSON.stringify(verdict)}`);
  }

  /** Close the verdict. */
  async next(words = english["phone.next"]): Promise<void> {
    await this.press(words);
    await this.until("no verdict", `${VERDICT} === null`);
  }

  /** Press the button with these words. */
  async press(words: string): Promise<void> {
    await this.click(buttonWith(words));
  }

  private async click(xpath: string): Promise<void> {
    await this.until(xpath, `document.evaluate(${JSON.stringify(xpath)}, document, null, 9).singleNodeValue`);
    await this.tab.click(xpath);
  }

  /** Open the page of the phone itself. */
  async openDevice(): Promise<void> {
    await this.click('//button[contains(@class, "badge")]');
    await this.reads(english["phone.device.title"]);
  }

  /** Type into the number page as a person does, and let it be checked. */
  async typeNumber(typed: string): Promise<void> {
    await this.press(english["phone.scan.number"]);
    await this.click('//input[@id="number"]');
    for (const key of typed) {
      await this.tab.type(key);
      await sleep(HUMAN_MILLISECONDS);
    }
    await this.press(english["phone.number.check"]);
  }

  async choosePicture(name: string): Promise<void> {
    await this.tab.upload(join(WORLD, name));
  }

  /** Wait until the page shows a text. */
  async reads(text: string): Promise<void> {
    await this.until(`the words "${text}"`, `document.body.innerText.includes(${JSON.stringify(text)})`);
  }

  async text(): Promise<string> {
    return (await this.tab.evaluate("document.body.innerText")) as string;
  }

  /** Evaluate an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    return this.tab.evaluate(expression);
  }

  /** Wait until an expression is true in the page, which may be loading. */
  async until(what: string, expression: string): Promise<void> {
    const end = performance.now() + WAIT_MILLISECONDS;
    while (performance.now() < end) {
      if (await this.tab.evaluate(`Promise.resolve(${expression}).then(Boolean)`).catch(() => false)) return;
      await sleep(POLL_MILLISECONDS);
    }
    assert.fail(`${what} did not come; the page says: ${await this.text()}`);
  }

  /** Wait until the page is under its service worker's control, and every file is kept. */
  async isKept(): Promise<void> {
    await this.until("a service worker in control", "navigator.serviceWorker.controller?.state === 'activated'");
    await this.until("one version of the app kept", "caches.keys().then((names) => names.length === 1)");
  }

  /** Wait until the journal has so many entries on the disk, and a decision among them. */
  async hasNoted(count: number, decision: string): Promise<void> {
    const entries = `new Promise((done, failed) => {
      const open = indexedDB.open("movepass");
      open.onerror = failed;
      open.onsuccess = () => {
        const all = open.result.transaction("scans").objectStore("scans").getAll();
        open.result.close();
        all.onerror = failed;
        all.onsuccess = () => done(all.result);
      };
    })`;
    const expected = `all.length === ${count} && all.some((entry) => entry.decision === "${decision}")`;
    await this.until(`${count} entries`, `${entries}.then((all) => ${expected})`);
  }

  /** Set the clock of the page; it stands still then. */
  async setClock(seconds: number): Promise<void> {
    await this.evaluate(`void (Date.now = () => ${seconds * 1000})`);
  }
}
const VERDICT = 'document.querySelector(".verdict")';

/** What a test is given: browsers that end with it, and folders for them. */
interface Tools {
  /** Use a browser, then see that it had no errors. */
  readonly withPhone: (options: Options, use: (phone: Phone) => Promise<void>) => Promise<void>;
  readonly serve: (app: string, authority?: string) => Promise<Server>;
  readonly newProfile: () => string;
}

interface MainTest {
  readonly name: string;
  readonly needs?: readonly Step[];
  readonly run: (tools: Tools) => Promise<void>;
}

const TESTS: readonly MainTest[] = [
  {
    name: "an error in the page or its console is heard, and so is what the policy forbids",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({}, async (phone) => {
        await phone.open(url);
        await phone.evaluate('void console.error("said")');
        await phone.hears(/said/);
        await phone.evaluate(
          'void document.body.append(Object.assign(new Image(), { src: "https://a.example/b.png" }))',
        );
        await phone.hears(/a\.example\/b\.png.*Content.Security.Policy|Content.Security.Policy.*a\.example\/b\.png/);
        await phone.evaluate('void setTimeout(() => { throw new Error("thrown"); })');
        await phone.hears(/thrown/);
      });
    },
  },
  {
    name: "the app starts in a secure context, syncs, and is kept by its service worker",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({}, async (phone) => {
        await phone.open(url);
        assert.equal(await phone.evaluate("isSecureContext"), true);
        await phone.isKept();
        await phone.openDevice();
        await phone.reads(english["phone.device.offline-untried"]);
      });
    },
  },
  {
    name: "what a hand scanner types gets the right verdict",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({}, async (phone) => {
        await phone.open(url);
        await phone.scan(accept);
        await phone.shows("valid");
        assert.ok((await phone.text()).includes(world.holder));
        await phone.next();
        assert.ok(!(await phone.text()).includes(world.holder));
        for (const [name, verdict] of [
          ["bangla", "valid"],
          ["revoked", "revoked"],
          ["forged", "forged"],
          ["newer", "unsupported-version"],
          ["later", "not-yet-valid"],
          ["other", "not-a-pass"],
          ["test", "unknown-key"],
        ] as const) {
          await phone.judges(world.texts[name] ?? "", verdict);
        }
        await phone.judges("MP1:HELLO", "malformed");
        for (const [hours, text, verdict] of [
          [5, accept, "expired"],
          [30, world.texts.later ?? "", "stale"],
          [-2, accept, "clock-wrong"],
        ] as const) {
          await phone.setClock(world.now + hours * HOUR);
          await phone.judges(text, verdict);
        }
      });
    },
  },
  {
    name: "a chosen picture gets the right verdict, and one without a code none",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({}, async (phone) => {
        await phone.open(url);
        for (const [picture, verdict] of [
          ["accept.png", "valid"],
          ["revoked.png", "revoked"],
          ["forged.png", "forged"],
        ] as const) {
          await phone.choosePicture(picture);
          await phone.shows(verdict);
          await phone.next();
        }
        await phone.choosePicture("nothing.png");
        await phone.reads(english["phone.scan.no-code"]);
      });
    },
  },
  {
    name: "a number is revoked or can't be verified, and a slip is caught",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      const { accept: good = "", revoked: bad = "" } = world.numbers;
      const slip = good.slice(0, -1) + (good.endsWith("0") ? "1" : "0");
      await withPhone({}, async (phone) => {
        await phone.open(url);
        for (const [typed, outcome] of [
          [bad.toLowerCase(), "reject"],
          [good, "cannot-verify"],
          [slip, "cannot-verify"],
        ] as const) {
          await phone.typeNumber(typed);
          await phone.shows("number");
          assert.equal(await phone.evaluate(`${VERDICT}.dataset.outcome`), outcome);
          await phone.next(english["phone.next"]);
        }
      });
    },
  },
  {
    name: "a phone is set up by its station's code, and forgets all when told to",
    run: async ({ serve, withPhone }) => {
      const { url, enrolment } = await serve(BLANK_APP);
      await withPhone({}, async (phone) => {
        await phone.openBlank(url);
        await phone.scan(accept);
        await phone.reads(english["phone.setup.not-a-code"]);
        await phone.scan(enrolment);
        await phone.press(english["phone.setup.yes"]);
        await phone.hasLists();
        await phone.judges(accept, "valid");
        await phone.reload();
        await phone.hasLists();
        await phone.judges(revoked, "revoked");
        await phone.openDevice();
        await phone.press(english["phone.setup.again"]);
        await phone.press(english["phone.setup.again-yes"]);
        await phone.reads(english["phone.setup.hint"]);
      });
    },
  },
  {
    name: "the server is killed and the browser restarted: verdicts, marks and counts are as before",
    run: async ({ serve, withPhone, newProfile }) => {
      const server = await serve(APP);
      const profile = newProfile();
      const judge = async (phone: Phone, later: number): Promise<void> => {
        await phone.hasLists();
        await phone.setClock(Math.floor(Date.now() / 1000) + later);
        await phone.scan(accept);
        await phone.shows("valid");
        assert.ok((await phone.text()).includes("SHOWN BEFORE"));
        await phone.next();
        await phone.judges(revoked, "revoked");
        await phone.judges(forged, "forged");
        await phone.choosePicture("revoked.png");
        await phone.shows("revoked");
        await phone.next();
      };
      await withPhone({ profile }, async (phone) => {
        await phone.open(server.url);
        await phone.isKept();
        await phone.judges(accept, "valid");
        await phone.decides(world.texts.newer ?? "", "sent-back");
        await phone.hasNoted(2, "sent-back");
        server.kill();
        await phone.reload();
        await judge(phone, DOUBLE_READ_SECONDS);
        await phone.hasNoted(5, "sent-back");
      });
      await withPhone({ profile }, async (phone) => {
        await phone.open(server.url);
        await judge(phone, 2 * DOUBLE_READ_SECONDS);
        await phone.hasNoted(8, "sent-back");
        await phone.openDevice();
        await phone.reads(beginning(english["phone.device.offline-ready"]));
      });
    },
  },
  {
    name: "both languages are there, and the chosen one stays",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({}, async (phone) => {
        await phone.open(url);
        await phone.press(bangla["language.name"]);
        await phone.reload();
        await phone.hasLists();
        await phone.reads(bangla["phone.scan.number"]);
        for (const [text, outcome] of [
          [accept, bangla["outcome.accept"]],
          [revoked, bangla["outcome.reject"]],
        ] as const) {
          await phone.scan(text);
          await phone.reads(outcome);
          await phone.next(bangla["phone.next"]);
        }
        await phone.press(english["language.name"]);
        await phone.reads(english["phone.scan.number"]);
      });
    },
  },
  {
    name: "a TEST authority's Ed25519 passes are verified, and nobody is let through",
    run: async ({ serve, withPhone }) => {
      const { url, enrolment } = await serve(BLANK_APP, "test-authority");
      await withPhone({}, async (phone) => {
        await enroll(phone, url, enrolment);
        await phone.scan(world.texts.test ?? "");
        await phone.shows("valid");
        await phone.reads("Nobody is let through");
      });
    },
  },
  {
    name: "a browser without Ed25519 can't verify such a pass, and the screen says why",
    run: async ({ serve, withPhone }) => {
      const { url, enrolment } = await serve(BLANK_APP, "test-authority");
      await withPhone({ before: NO_ED25519 }, async (phone) => {
        await enroll(phone, url, enrolment);
        await phone.scan(world.texts.test ?? "");
        await phone.shows("unknown-key");
        assert.equal(await phone.evaluate(`${VERDICT}.dataset.outcome`), "cannot-verify");
        await phone.reads("Ed25519");
      });
    },
  },
  {
    name: "a phone whose storage is cleared shows the verdict at hand, and then accepts nothing until it is set up",
    run: async ({ serve, withPhone }) => {
      const { url, enrolment } = await serve(BLANK_APP);
      await withPhone({}, async (phone) => {
        await enroll(phone, url, enrolment);
        await phone.judges(accept, "valid");
        await phone.evaluate(CLEAR);
        await phone.judges(revoked, "revoked");
        await phone.judges(forged, "forged");
        await phone.reload();
        await phone.reads(english["phone.setup.hint"]);
        await phone.scan(accept);
        await phone.reads(english["phone.setup.not-a-code"]);
        assert.equal(await phone.evaluate(`${VERDICT} === null`), true);
      });
    },
  },
  {
    name: "a browser that keeps nothing verifies nothing, and the page says so",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({ before: NO_STORAGE }, async (phone) => {
        await phone.load(url);
        await phone.reads(english["phone.fatal.storage"]);
        await phone.scan(accept);
        assert.equal(await phone.evaluate(`${VERDICT} === null`), true);
      });
    },
  },
  {
    name: "a device without a camera says so",
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({}, async (phone) => {
        await phone.open(url);
        await phone.reads(english["phone.camera.none"]);
      });
    },
  },
  {
    name: "the camera sees a pass",
    needs: ["camera"],
    run: async ({ serve, withPhone }) => {
      const { url } = await serve(APP);
      await withPhone({ video: join(WORLD, "revoked.y4m") }, async (phone) => {
        await phone.open(url);
        await phone.shows("revoked");
      });
    },
  },
];

/** A pass that is read twice within less time was shown once. */
const DOUBLE_READ_SECONDS = 10;
/** Clear what the browser keeps of the page, as it may when space is short. */
const CLEAR = `Promise.all([
  new Promise((done) => (indexedDB.deleteDatabase("movepass").onsuccess = done)),
  caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name)))),
]).then(() => null)`;

/** Return a text of the catalogue up to its first value. */
function beginning(text: string): string {
  return text.split("{")[0] ?? "";
}

async function enroll(phone: Phone, url: string, enrolment: string): Promise<void> {
  await phone.openBlank(url);
  await phone.scan(enrolment);
  await phone.press(english["phone.setup.yes"]);
  await phone.hasLists();
}

/** Run the main tests in an engine; one that is missing is a failure in CI, and is named as skipped elsewhere. */
export function runIn(engine: Engine): void {
  const missing = engine.missing();
  if (missing.length && process.env.CI) throw new Error(`${engine.name} is missing: install ${missing.join(" ")}`);
  const scratch = mkdtempSync(join(tmpdir(), "phone-engine-"));
  afterEach(() => {
    Server.killAll();
  });
  after(async () => {
    await engine.end();
    rmSync(scratch, { recursive: true, force: true });
  });
  const newProfile = (): string => mkdtempSync(join(scratch, "profile-"));
  const withPhone: Tools["withPhone"] = async (options, use) => {
    const tab = await engine.start(options);
    const phone = new Phone(tab);
    try {
      await use(phone);
    } finally {
      await tab.close();
    }
    assert.deepEqual(phone.faults(), []);
  };
  for (const { name, needs = [], run } of TESTS) {
    const why = missing.length
      ? `${engine.name} is missing: apt-get install ${missing.join(" ")}`
      : needs.flatMap((step) => (engine.lacks[step] ? `${engine.name} has no ${step}: ${engine.lacks[step]}` : []))[0];
    void test(`${engine.name}: ${name}`, { timeout: TEST_MILLISECONDS, skip: why ?? false }, () =>
      run({ withPhone, newProfile, serve: (app, authority) => Server.start(app, authority) }),
    );
  }
}
