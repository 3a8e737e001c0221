import assert from "node:assert/strict";
import { after, before } from "node:test";
import { TEXT } from "../../src/scan/scanner_check.js";
import { APP, check, Server, withPhone, world, type Phone } from "./harness.js";

const { accept = "" } = world.texts;
const DAY = 24 * 3600;
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("the page of this phone says when documents or keys end soon, and not before", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.setClock(world.now);
    await phone.open(server.url);
    await openThisPhone(phone);
    assert.equal(await page.getByText("signed documents").count(), 0);
    await page.getByRole("button", { name: "Back to scanning" }).click();
    await phone.setClock(world.now + 310 * DAY);
    await openThisPhone(phone);
    await page.getByText("The authority's signed documents end at").waitFor();
    await phone.checkAccess();
    await page.getByRole("button", { name: "Back to scanning" }).click();
    await phone.setClock(world.now + 370 * DAY);
    await openThisPhone(phone);
    await page.getByText("The authority's signed documents ended at").waitFor();
  });
});

void check("a hand scanner is checked by its test code, and then reads passes again", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await openThisPhone(phone);
    await page.getByRole("button", { name: "Check the hand scanner" }).click();
    await page.waitForFunction(() => (document.querySelector("img")?.naturalWidth ?? 0) > 0);
    await phone.checkAccess();
    await phone.type(TEXT);
    await page.getByText("The scanner is set as it should be").waitFor();
    await page.keyboard.type(`]Q1${TEXT}`);
    await page.keyboard.press("Tab");
    for (const words of ["types ] Q 1 before a code", "types Tab after a code", "No Enter came"]) {
      await page.getByText(words).waitFor();
    }
    assert.equal(await page.getByText("as it should be").count(), 0);
    await page.keyboard.type(TEXT.slice(0, 20));
    await page.keyboard.press("F5");
    await page.keyboard.type(TEXT.slice(20));
    await page.keyboard.press("Enter");
    await page.getByText("control keys inside a code (F5)").waitFor();
    await phone.type(accept);
    await page.getByText("not the text of the test code").waitFor();
    await phone.checkAccess();
    assert.equal(await page.locator(".verdict").count(), 0);
    await page.getByRole("button", { name: "Back to scanning" }).click();
    await phone.type(accept);
    assert.equal(await phone.verdict(), "valid");
  });
});

void check("the licences open from the page of this phone, without a network too", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await openThisPhone(phone);
    await page.getByText("works: started without").or(page.getByText("everything for it is kept")).waitFor();
    await page.context().setOffline(true);
    let opened = null;
    while (!opened) {
      // A sync that ends redraws the page; a click at that very moment is lost.
      const next = page.context().waitForEvent("page", { timeout: 5000 });
      await page.getByRole("link", { name: "Licences" }).click();
      opened = await next.catch(() => null);
    }
    await opened.getByText("zxing-cpp, and ZXingWasm.cpp").waitFor();
  });
});

async function openThisPhone({ page }: Phone): Promise<void> {
  await page.locator("#around .badge").click();
  await page.getByRole("heading", { name: "This phone" }).waitFor();
}
