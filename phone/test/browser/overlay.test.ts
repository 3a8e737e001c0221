import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, world, type Phone } from "./harness.js";

const { accept = "" } = world.texts;
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check(
  "a verdict that was read closes by itself once its checks are closed, and so does a number's answer",
  async () => {
    await withPhone({}, async (phone) => {
      const { page } = phone;
      await page.clock.install();
      await phone.open(server.url);
      await phone.type(accept);
      await page.locator(".verdict summary").click();
      await page.locator(".verdict details[open]").waitFor();
      await page.clock.runFor(60_000);
      assert.equal(await page.locator(".verdict").count(), 1);
      await page.locator(".verdict summary").click();
      await page.clock.runFor(1_000); // for the event that tells of it
      await page.clock.runFor(20_000);
      await page.locator(".verdict").waitFor({ state: "detached", timeout: 5_000 });
      await typeNumber(phone);
      await page.clock.runFor(21_000);
      await page.locator(".verdict").waitFor({ state: "detached", timeout: 5_000 });
    });
  },
);

void check("a verdict is gone when the phone comes out of a pocket after its time", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const [seconds, count] of [
      [10, 1],
      [30, 0],
    ] as const) {
      await phone.setClock(world.now);
      await phone.type(accept);
      await page.locator(".verdict").waitFor();
      await hide(phone, true);
      await phone.setClock(world.now + seconds); // no timer runs in a page that the browser has put to sleep
      await hide(phone, false);
      assert.equal(await page.locator(".verdict").count(), count);
    }
  });
});

void check("Next that is pressed twice stays in the app, and a page that opens at once stays open", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.goto(`${server.url}manifest.webmanifest`);
    await phone.open(server.url);
    await phone.type(accept);
    await page.locator(".verdict").waitFor();
    await page.evaluate(() => {
      const next = Array.from(document.querySelectorAll<HTMLButtonElement>("footer button")).at(-1);
      next?.click();
      next?.click();
    });
    await page.locator(".verdict").waitFor({ state: "detached" });
    await page.waitForTimeout(100);
    assert.equal(page.url(), server.url);
    await phone.type(accept);
    await page.locator(".verdict").waitFor();
    await page.evaluate(() => {
      document.querySelector<HTMLButtonElement>(".verdict footer button:last-child")?.click();
      document.querySelector<HTMLButtonElement>("#around .badge")?.click();
    });
    await page.waitForTimeout(100);
    await page.getByRole("heading", { name: "This phone" }).waitFor({ timeout: 5_000 });
    await page.goBack();
    await page.getByRole("heading", { name: "This phone" }).waitFor({ state: "detached" });
    assert.equal(page.url(), server.url);
  });
});

void check("a sync that ends redraws the page of this phone, and no other", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    const held: (() => void)[] = [];
    await page.route("**/packs/*", async (route) => {
      await new Promise<void>((goOn) => held.push(goOn));
      await route.continue();
    });
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("button", { name: "Sync now" }).click();
    await page.getByText("Syncing").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByRole("button", { name: "Type number" }).click();
    await page.getByLabel("Pass number").fill("9B0");
    const answered = page.waitForResponse("**/packs/*");
    for (const goOn of held) goOn();
    await answered;
    await page.waitForTimeout(300);
    assert.equal(await page.getByLabel("Pass number").inputValue(), "9B0");
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByText("Nothing newer was there").waitFor({ timeout: 5_000 });
  });
});

async function typeNumber({ page }: Phone): Promise<void> {
  await page.getByRole("button", { name: "Type number" }).click();
  await page.getByLabel("Pass number").fill(world.numbers.revoked ?? "");
  await page.keyboard.press("Enter");
  await page.locator(".verdict").waitFor();
}

/** Play what a phone does whose screen is switched off, or on again. */
async function hide({ page }: Phone, hidden: boolean): Promise<void> {
  await page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { value: now, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}
