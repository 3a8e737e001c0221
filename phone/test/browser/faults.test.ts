import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, world, type Phone } from "./harness.js";

const { accept = "", forged = "", revoked = "" } = world.texts;
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("a database that goes away keeps no verdict from being shown", async () => {
  await withPhone({}, async (phone) => {
    await phone.open(server.url);
    const other = await phone.context.newPage();
    await other.goto(`${server.url}manifest.webmanifest`);
    await other.evaluate(async () => {
      const later = indexedDB.open("movepass", 2); // as a later version of the app does, which this one can't read
      await new Promise((done) => (later.onsuccess = done));
    });
    await phone.page.bringToFront();
    for (const [text, verdict] of [
      [accept, "valid"],
      [forged, "forged"],
      [accept, "valid"],
    ] as const) {
      await phone.type(text);
      await phone.page.locator(`.verdict[data-verdict="${verdict}"]`).waitFor({ timeout: 10_000 });
    }
  });
});

void check("after a fault nothing is accepted, and nothing is drawn over what says so", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.clock.install();
    await phone.open(server.url);
    await phone.type(accept);
    await page.locator(".verdict").waitFor();
    await fail(phone);
    await phone.checkAccess();
    await page.clock.runFor(25_000);
    await phone.type(accept);
    await page.clock.runFor(1_000);
    await page.waitForTimeout(300);
    assert.equal(await page.locator(".verdict").count(), 0);
    assert.ok((await phone.text()).includes("This app has a fault"));
  });
});

void check("a fault page opens the app again, with everything it had", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await phone.setClock(world.now);
    await phone.type(accept);
    await page.locator('.verdict[data-verdict="valid"]').waitFor();
    await fail(phone);
    const buttons = page.locator("#over footer button");
    assert.deepEqual(await buttons.allInnerTexts(), ["Open again", "Set up anew"]);
    await page.route("**/repository/**", (route) => route.abort());
    await buttons.first().click();
    await page.getByText(/Lists: \d/).waitFor();
    await phone.setClock(world.now + 60);
    await phone.type(accept);
    await page.locator('.verdict[data-verdict="valid"] .before').waitFor();
  });
});

void check("what others do wrong in the page stops nothing", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await page.evaluate(disturb);
    await page.waitForTimeout(300);
    phone.faults.length = 0;
    await page.keyboard.press("Shift");
    await phone.type(accept);
    await page.locator('.verdict[data-verdict="valid"]').waitFor();
  });
});

void check("a phone that can neither sound nor shake shows its verdicts", async () => {
  for (const missing of [withoutSound, withBrokenSound]) {
    await withPhone({}, async (phone) => {
      const { page } = phone;
      await page.addInitScript(missing);
      await phone.open(server.url);
      await page.locator("#video").click({ force: true, position: { x: 200, y: 400 } });
      await phone.type(accept);
      await page.locator('.verdict[data-verdict="valid"]').waitFor();
      await phone.next();
      await page.getByRole("button", { name: "Type number" }).click();
      await page.getByLabel("Pass number").fill(world.numbers.revoked ?? "");
      await page.keyboard.press("Enter");
      await page.locator('.verdict[data-outcome="reject"]').waitFor();
    });
  }
});

void check("a phone whose keeping is damaged can be set up anew, and begins with nothing", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await phone.type(accept);
    await page.locator(".verdict").waitFor();
    await keep(phone, [
      ["partials", "20000-1", "left"],
      ["scans", 99, "left"],
      ["facts", "held", "left"],
    ]);
    await page.reload();
    await page.getByRole("button", { name: "Set up anew" }).click();
    await phone.checkAccess();
    await page.getByRole("button", { name: "No" }).click();
    await page.getByRole("button", { name: "Set up anew" }).click();
    await page.getByRole("button", { name: "Forget" }).click();
    await page.getByText(/Lists: \d/).waitFor();
    await phone.type(accept);
    await page.locator('.verdict[data-verdict="valid"]').waitFor();
    assert.equal(await page.locator(".before").count(), 0);
    assert.ok(!(await kept(phone)).includes("left"));
    phone.faults.length = 0; // the one that was shown
  });
});

/** Let something fail within the app that nobody has foreseen, at the next thing that is shown. */
async function fail(phone: Phone): Promise<void> {
  await phone.page.evaluate(() => {
    HTMLElement.prototype.focus = () => {
      throw new Error("anything");
    };
  });
  await phone.type(revoked);
  await phone.page.getByText("This app has a fault").waitFor();
  phone.faults.length = 0;
}

/** Do what extensions, injected scripts, form fillers and the browser itself do in a page. */
function disturb(): void {
  void Promise.reject(new Error("an extension's"));
  void Promise.reject(new DOMException("The play() request was interrupted", "AbortError"));
  setTimeout(() => {
    throw new TypeError("an injected script's");
  });
  dispatchEvent(new ErrorEvent("error", { message: "ResizeObserver loop completed with undelivered notifications." }));
  dispatchEvent(new ErrorEvent("error", { message: "Script error." }));
  dispatchEvent(new Event("keydown")); // a form filler's, without a key
  reportError(null);
}

function withoutSound(): void {
  for (const name of ["AudioContext", "webkitAudioContext"]) Reflect.deleteProperty(globalThis, name);
  Navigator.prototype.vibrate = () => {
    throw new DOMException("not allowed", "NotAllowedError");
  };
}

function withBrokenSound(): void {
  AudioContext.prototype.resume = () => Promise.reject(new DOMException("no device", "InvalidStateError"));
  Object.defineProperty(AudioContext.prototype, "state", { get: () => "running" });
  OscillatorNode.prototype.start = () => {
    throw new DOMException("no device", "InvalidStateError");
  };
}

type Row = readonly [table: string, key: string | number, value: string];

async function keep({ page }: Phone, rows: readonly Row[]): Promise<void> {
  await page.evaluate(async (all) => {
    const open = indexedDB.open("movepass");
    await new Promise((done) => (open.onsuccess = done));
    const transaction = open.result.transaction(["facts", "scans", "partials"], "readwrite");
    for (const [table, key, value] of all) transaction.objectStore(table).put(value, key);
    await new Promise((done) => (transaction.oncomplete = done));
    open.result.close();
  }, rows);
}

/** Give all values of the tables that a sync does not replace, as text. */
async function kept({ page }: Phone): Promise<string> {
  return page.evaluate(async () => {
    const open = indexedDB.open("movepass");
    await new Promise((done) => (open.onsuccess = done));
    const transaction = open.result.transaction(["scans", "partials"]);
    const requests = ["scans", "partials"].map((table) => transaction.objectStore(table).getAll());
    await new Promise((done) => (transaction.oncomplete = done));
    open.result.close();
    return JSON.stringify(requests.map(({ result }) => result as unknown));
  });
}
