import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, world, type Phone } from "./harness.js";

const { accept = "", revoked = "", forged = "", newer = "" } = world.texts;
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("the next code takes the verdict's place, with a journal entry of its own", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await phone.type(accept);
    await shows(phone, "valid");
    await phone.type(revoked);
    await shows(phone, "revoked");
    await phone.type(newer);
    await shows(phone, "unsupported-version");
    await phone.type(accept);
    await shows(phone, "valid");
    await phone.next();
    assert.equal(await page.locator(".verdict").count(), 0);
    await page.getByRole("button", { name: /^Lists/ }).click();
    const counts = decodeURIComponent((await page.getByRole("link").getAttribute("href")) ?? "");
    for (const verdict of ["valid", "revoked", "unsupported-version"]) assert.ok(counts.includes(`,${verdict},,1`));
  });
});

void check("of codes that come at once the last one shown is the last that came", async () => {
  await withPhone({}, async (phone) => {
    await phone.open(server.url);
    for (const [texts, verdict] of [
      [[accept, forged, revoked], "revoked"],
      [[revoked, accept], "valid"],
      [[accept, newer], "unsupported-version"],
    ] as const) {
      await pour(phone, ...texts.map((text) => `${text}\n`));
      await shows(phone, verdict);
      await phone.page.waitForTimeout(100);
      await shows(phone, verdict);
    }
  });
});

void check("a number's answer gives way as well; a page where one types does not", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await page.getByRole("button", { name: "Type number" }).click();
    await page.getByLabel("Pass number").fill(world.numbers.accept ?? "");
    await page.keyboard.press("Enter");
    await shows(phone, "number");
    await phone.type(revoked);
    await shows(phone, "revoked");
    await phone.next();
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("heading", { name: "This phone" }).waitFor();
    await pour(phone, `${accept}\n`);
    await page.waitForTimeout(100);
    assert.equal(await page.locator(".verdict").count(), 0);
  });
});

void check("a stray key is no beginning of the next pass, and half a line is not judged", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.clock.install();
    await phone.open(server.url);
    await page.keyboard.press("x");
    await page.clock.runFor(1500);
    await phone.type(accept);
    await shows(phone, "valid");
    await phone.next();
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("heading", { name: "This phone" }).waitFor();
    await pour(phone, accept.slice(0, 100));
    await page.getByRole("button", { name: "Back" }).click();
    await pour(phone, `${accept.slice(100)}\n`);
    await page.waitForTimeout(100);
    assert.equal(await page.locator(".verdict").count(), 0);
    await phone.type(revoked);
    await shows(phone, "revoked");
  });
});

async function shows({ page }: Phone, verdict: string): Promise<void> {
  await page.locator(`.verdict[data-verdict="${verdict}"]`).waitFor({ timeout: 10_000 });
}

/** Type texts with no pause, as no hand and no scanner could; a line break is Enter. */
async function pour({ page }: Phone, ...texts: string[]): Promise<void> {
  await page.evaluate((typed) => {
    for (const char of typed.join("")) {
      const key = char === "\n" ? "Enter" : char;
      dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
    }
  }, texts);
}
