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
    await phone.setClock(world.now); // so that both scans of a pass are one entry, however slow the machine
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
    const counts = decodeURIComponent((await page.locator("a[download]").getAttribute("href")) ?? "");
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

void check("a number's answer gives way as well, and so does every page of a phone that is set up", async () => {
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
    await phone.type(accept);
    await shows(phone, "valid");
  });
});

void check("a number that is corrected, or typed right after another, is no scan", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const number of [world.numbers.revoked ?? "", world.numbers.accept ?? ""]) {
      await page.getByRole("button", { name: "Type number" }).click();
      await page.getByLabel("Pass number").focus();
      await page.keyboard.type(number);
      for (let left = number.length; left > 0; left--) await page.keyboard.press("Backspace");
      await page.keyboard.type(number);
      await page.getByRole("button", { name: "Check" }).click();
      await shows(phone, "number");
      await phone.next();
    }
  });
});

void check("a scan over the number page is checked, and leaves nothing in it", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const [text, verdict] of [
      [accept, "valid"],
      ["]Q1" + revoked, "malformed"],
      ["HTTPS://EXAMPLE.ORG/A/LONG/ADDRESS", "not-a-pass"],
      [newer, "unsupported-version"],
    ] as const) {
      await page.getByRole("button", { name: "Type number" }).click();
      await page.getByLabel("Pass number").fill("9B0");
      await page.evaluate(() => {
        const field = document.querySelector<HTMLInputElement>("#number");
        Object.assign(globalThis, { field });
      });
      await page.getByLabel("Pass number").focus();
      await phone.type(text);
      await shows(phone, verdict);
      const left = await page.evaluate(() => (globalThis as unknown as { field: HTMLInputElement }).field.value);
      assert.equal(left, "9B0");
      await phone.next();
    }
    await page.getByRole("button", { name: "Type number" }).click();
    await page.getByLabel("Pass number").focus();
    await phone.type(world.numbers.revoked ?? "");
    await shows(phone, "number");
  });
});

void check("a line ends by Enter, Tab, Ctrl+J, Ctrl+M, Ctrl+C, or by a pause behind a whole pass", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const end of ["Enter", "Tab", "Control+j", "Control+m", "Control+c", null]) {
      for (const [text, verdict] of [
        [accept, "valid"],
        [revoked, "revoked"],
      ] as const) {
        await page.keyboard.type(text);
        if (end !== null) await page.keyboard.press(end);
        await shows(phone, verdict);
      }
    }
    await phone.type(`${accept}\t`);
    await shows(phone, "valid");
  });
});

void check("the first character of a scan blanks the verdict before it, and an unfinished line says so", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await phone.type(accept);
    await shows(phone, "valid");
    await page.keyboard.press("M");
    await page.locator(".verdict").waitFor({ state: "detached" });
    await page.keyboard.type(revoked.slice(1, 90));
    await page.getByText("The scanner stopped in the middle of a code").waitFor();
    assert.equal(await page.locator(".verdict").count(), 0);
    await page.waitForTimeout(1200);
    await phone.type(revoked);
    await shows(phone, "revoked");
    await phone.next();
    await page.getByText("Type numbers, read pictures").waitFor();
    assert.equal(await page.getByText("The scanner stopped").count(), 0);
  });
});

void check("any key takes a verdict away, and none notes a decision or presses what lasts", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const key of ["ArrowDown", "F5", "Tab", "Enter", "Escape", "Backspace", "Control+j", "Shift", "x"]) {
      await phone.type(accept);
      await shows(phone, "valid");
      await page.waitForTimeout(1100); // else an end belongs to the line before it
      await page.keyboard.press(key);
      await page.locator(".verdict").waitFor({ state: "detached", timeout: 5_000 });
      await page.getByText("The scanner stopped").waitFor();
      await page.waitForTimeout(1100);
    }
    await phone.type(newer);
    await shows(phone, "unsupported-version");
    for (const key of ["Tab", "Tab", " "]) {
      await page.waitForTimeout(1100);
      await page.keyboard.press(key);
    }
    await page.waitForTimeout(500);
    assert.equal(await page.locator(".verdict").count(), 0);
    await page.evaluate(() => {
      localStorage.clear(); // such keys may have changed the language, which is all that they can
    });
    await phone.open(server.url);
    await page.getByRole("button", { name: /^Lists/ }).click();
    const counts = decodeURIComponent((await page.locator("a[download]").getAttribute("href")) ?? "");
    assert.ok(counts.includes(",unsupported-version,,1"), "no decision was noted");
    await page.getByRole("button", { name: "Set up anew" }).click();
    for (const key of [" ", "Enter"]) {
      await page.getByRole("button", { name: "Forget" }).focus();
      await page.waitForTimeout(1100);
      await page.keyboard.press(key);
      await page.waitForTimeout(500);
      await page.getByText("This phone forgets its keys").waitFor({ timeout: 5_000 });
    }
  });
});

void check("an end behind an end, or late, leaves the verdict that it belongs to", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const ends of [
      ["Enter", "Control+j"],
      ["Tab", "Enter"],
      ["Enter", "Enter"],
      [null, "Enter"],
    ]) {
      await page.keyboard.type(accept);
      for (const end of ends) {
        if (end !== null) await page.keyboard.press(end);
        await shows(phone, "valid");
      }
      await page.waitForTimeout(400);
      await shows(phone, "valid");
      await phone.next();
    }
  });
});

void check("a pause ends what a wrongly set scanner sends as well, by the verdict's own rule", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const text of [`]Q1${accept}`, `${accept}]`, accept.toLowerCase()]) {
      await page.keyboard.type(text);
      await shows(phone, "scanner-wrong");
    }
    await page.waitForTimeout(1100);
    await page.keyboard.type(accept + "x".repeat(40));
    await page.getByText("The scanner stopped").waitFor();
  });
});

void check("keys within a scan act on nothing: controls belong to the line, no button is pressed", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    for (const keys of [["Control+s"], ["Control+p"], [" ", " "], ["Escape", "F5", "Backspace"]]) {
      await page.getByRole("button", { name: "বাংলা" }).focus();
      await page.keyboard.type(accept.slice(0, 50));
      for (const key of keys) await page.keyboard.press(key);
      await page.keyboard.type(accept.slice(50));
      await page.keyboard.press("Enter");
      await shows(phone, "malformed");
      await phone.next();
      assert.equal(await page.getByRole("button", { name: "বাংলা" }).count(), 1, "the language is as it was");
    }
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("button", { name: "Set up anew" }).click();
    await page.getByRole("button", { name: "Forget" }).focus();
    await pour(phone, " x y \n");
    await shows(phone, "not-a-pass");
    await phone.next();
    await page.getByRole("button", { name: "Type number" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Pass number").waitFor();
  });
});

void check("a stray key is no beginning of the next pass, and a line begun on one page ends on another", async () => {
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
    await page.getByRole("heading", { name: "This phone" }).waitFor({ state: "detached" });
    await pour(phone, `${accept.slice(100)}\n`);
    await shows(phone, "valid");
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
      const target = document.activeElement ?? document.body;
      target.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, bubbles: true }));
    }
  }, texts);
}
