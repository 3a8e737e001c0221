import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { gzipSync } from "node:zlib";
import bangla from "../../../words/movepass_words/bn.json";
import { APP, check, Server, withPhone, world, WORLD } from "./harness.js";

const SIZE_MOST = 600_000;
const HOUR = 3600;
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("the whole app is small", () => {
  const sizes = readdirSync(APP).map((name) => gzipSync(readFileSync(join(APP, name)), { level: 9 }).length);
  const total = sizes.reduce((a, b) => a + b);
  console.log(`the app, gzipped: ${total} bytes`);
  assert.ok(total <= SIZE_MOST);
});

for (const [video, verdict] of [
  ["accept", "valid"],
  ["revoked", "revoked"],
  ["forged", "forged"],
  ["other", "not-a-pass"],
  ["upside-down", "valid"],
  ["inverted", "valid"],
  ["out-of-focus", "valid"],
] as const) {
  void check(`the camera sees ${video}`, async () => {
    await withPhone({ video }, async (phone) => {
      await phone.page.goto(server.url);
      assert.equal(await phone.verdict(), verdict);
      const shown = await phone.text();
      assert.equal(shown.includes(world.holder), verdict === "valid" || verdict === "revoked");
      await phone.next();
      assert.ok(!(await phone.page.content()).includes(world.holder));
    });
  });
}

void check("of two passes in view neither is checked", async () => {
  await withPhone({ video: "two" }, async (phone) => {
    await phone.open(server.url);
    await phone.page.getByText("Two codes in view").waitFor();
    assert.equal(await phone.page.locator(".verdict").count(), 0);
    await phone.checkAccess();
  });
});

void check("the one pass among five codes in view is checked", async () => {
  await withPhone({ video: "among-others" }, async (phone) => {
    await phone.page.goto(server.url);
    assert.equal(await phone.verdict(), "valid");
  });
});

void check("of a flood of codes each verdict is that of one, none is an accept, and the phone goes on", async () => {
  await withPhone({ video: "flood" }, async (phone) => {
    const { page } = phone;
    await page.goto(server.url);
    for (let times = 0; times < 4; times++) {
      const verdict = await phone.verdict();
      assert.match(verdict, /^(revoked|forged|not-a-pass|unsupported-version|not-yet-valid)$/);
      await page.waitForTimeout(200);
      assert.equal(await page.locator(".verdict").getAttribute("data-verdict"), verdict);
      await phone.next();
    }
  });
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await page.evaluate(
      (texts) => {
        for (const text of texts)
          for (const key of [...Array.from(text), "Enter"])
            dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
      },
      Array<string>(200).fill(world.texts.forged ?? ""),
    );
    assert.equal(await phone.verdict(), "forged");
    await phone.next();
    await phone.type(world.texts.revoked ?? "");
    assert.equal(await phone.verdict(), "revoked");
  });
});

void check("a phone without a camera reads hand scanners, pictures and typed numbers", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await page.getByText("This device has no camera").waitFor();
    await phone.checkAccess();
    for (const [name, verdict] of [
      ["accept", "valid"],
      ["bangla", "valid"],
      ["revoked", "revoked"],
      ["forged", "forged"],
      ["newer", "unsupported-version"],
      ["later", "not-yet-valid"],
    ] as const) {
      await phone.type(world.texts[name] ?? "");
      assert.equal(await phone.verdict(), verdict);
      await phone.next();
    }
    await phone.type("MP1:HELLO");
    assert.equal(await phone.verdict(), "malformed");
    await phone.next();
    await phone.setClock(world.now + HOUR);
    await page.setInputFiles("input[type=file]", `${WORLD}/accept.png`);
    assert.equal(await phone.verdict(), "valid");
    assert.ok((await phone.text()).includes("SHOWN BEFORE"));
    await phone.next();
    await page.setInputFiles("input[type=file]", `${WORLD}/nothing.png`);
    await page.getByText("No code was found").waitFor();
  });
});

void check("a typed number is revoked or can't be verified, and a slip is caught", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const [typed, outcome, words] of [
      [world.numbers.revoked ?? "", "reject", "Revoked|revoked"],
      [world.numbers.accept ?? "", "cannot-verify", "No signature was seen"],
      [slip(world.numbers.accept ?? ""), "cannot-verify", "One symbol is wrong"],
    ] as const) {
      await page.getByRole("button", { name: "Type number" }).click();
      await phone.checkAccess();
      await page.getByLabel("Pass number").fill(typed.toLowerCase());
      await page.keyboard.press("Enter");
      assert.equal(await phone.verdict(), "number");
      assert.equal(await page.locator(".verdict").getAttribute("data-outcome"), outcome);
      assert.match(await phone.text(), new RegExp(words));
      await phone.next();
    }
  });
});

void check("time passes: expired, stale, and back again with the clock set back", async () => {
  await withPhone({}, async (phone) => {
    await phone.open(server.url);
    for (const [hours, name, verdict] of [
      [5, "accept", "expired"],
      [30, "later", "stale"],
      [-2, "accept", "clock-wrong"],
      [21 * 24, "accept", "expired"],
    ] as const) {
      await phone.setClock(world.now + hours * HOUR);
      await phone.type(world.texts[name] ?? "");
      assert.equal(await phone.verdict(), verdict);
      await phone.next();
    }
    assert.match(await phone.text(), /lists are 2[01] d.* old/i);
    await phone.checkAccess();
  });
});

void check("after cannot verify the officer's decision is counted, and no identity is kept", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await phone.type(world.texts.accept ?? "");
    await phone.verdict();
    await phone.next();
    await phone.type(world.texts.newer ?? "");
    await phone.verdict();
    await page.getByRole("button", { name: "Sent back" }).click();
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("heading", { name: "This phone" }).waitFor();
    await phone.checkAccess();
    const file = decodeURIComponent((await page.locator("a[download]").getAttribute("href")) ?? "");
    assert.match(file, /,unsupported-version,sent-back,1/);
    assert.match(file, /,valid,,1/);
    const kept = await page.evaluate(dump);
    assert.ok(kept.includes("sent-back"));
    for (const secret of [world.holder, world.numbers.accept ?? "", world.texts.accept ?? "", "4821"]) {
      assert.ok(!kept.includes(secret), secret);
    }
  });
});

void check("everything is said in Bangla, and looks right in the dark", async () => {
  const context = { locale: "bn-BD", colorScheme: "dark" } as const;
  await withPhone({ context, video: "revoked" }, async (phone) => {
    await phone.page.goto(server.url);
    assert.equal(await phone.verdict(), "revoked");
    assert.ok((await phone.text()).includes(bangla["outcome.reject"]));
    await phone.next();
    await phone.checkAccess();
    await phone.page.getByRole("button", { name: "নম্বর লিখুন" }).click();
    await phone.checkAccess();
  });
});

function slip(number: string): string {
  const last = number.charAt(number.length - 1);
  return number.slice(0, -1) + (last === "0" ? "1" : "0");
}

/** Give all that the browser keeps for the page, as text. */
async function dump(): Promise<string> {
  const open = indexedDB.open("movepass");
  const database = await new Promise<IDBDatabase>((done) => (open.onsuccess = () => done(open.result)));
  const stores = Array.from(database.objectStoreNames).filter((name) => name !== "facts" && name !== "logs");
  const contents = stores.map((name) => {
    const request = database.transaction(name).objectStore(name).getAll();
    return new Promise<unknown>((done) => (request.onsuccess = () => done(request.result)));
  });
  return JSON.stringify([await Promise.all(contents), Object.entries(localStorage), Object.entries(sessionStorage)]);
}
