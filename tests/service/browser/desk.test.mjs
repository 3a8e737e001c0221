/** The desk in a real Chromium with its virtual authenticator: by keyboard alone, for a screen reader, four eyes, undo. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LANGUAGES, checkAccess, end, prefixOf, start } from "./chromium.mjs";
import { DESK, enrol, officerAt, openDesk, signIn } from "./desk.mjs";

const links = JSON.parse(process.env.LINKS);
const cases = JSON.parse(process.env.CASES);
const PLAIN = Number(process.env.PLAIN ?? 6);
/** How long a person looks at a case, in milliseconds. */
const PACE = Number(process.env.PACE ?? 0);
const LIMIT_MS = 600_000;

let officer;
let supervisor;
before(async () => {
  await start();
  officer = await officerAt(links.officer);
  supervisor = await officerAt(links.supervisor);
});
after(async () => {
  await officer.close();
  await supervisor.close();
  await end();
});

const referenceOf = (page) => page.url().match(/\/case\/([0-9A-Z-]{14})/)[1];

/** Press Tab until something has the focus; a page where that is far is no page for a keyboard. */
async function tabTo(page, selector, most = 40) {
  for (let n = 0; n < most; n += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  assert.fail(`${selector} is not reached by Tab`);
}

test("an officer enrols and signs in by keyboard alone, in both languages", async () => {
  for (const language of LANGUAGES) {
    const tab = await openDesk({ width: 320 });
    await tab.page.goto(links[`keys-${language}`].replace("/enrol", `${prefixOf(language)}/enrol`));
    await tabTo(tab.page, "[data-passkey] button");
    await tab.page.keyboard.press("Enter");
    await tab.page.waitForURL(/\/sign-in\?done=enrolled$/);
    await tabTo(tab.page, "[data-passkey] button");
    await tab.page.keyboard.press("Enter");
    await tab.page.locator("header .who").waitFor();
    await tab.page.waitForLoadState("load");
    await tabTo(tab.page, "header form button");
    await tab.page.keyboard.press("Enter");
    await tab.page.waitForURL(/done=signed-out$/);
    await tab.close();
  }
});

test("the secret of a link survives a change of the language and no use after", async () => {
  const tab = await openDesk();
  await tab.page.goto(links.spare);
  await tab.page.locator("a.language").click();
  await tab.page.waitForURL(/\/en\/enrol$/);
  await tab.page.locator("[data-passkey] button").click();
  await tab.page.waitForURL(/done=enrolled$/);
  await tab.page.goto(links.spare);
  await tab.page.locator("[data-passkey] button").click();
  await tab.page.locator("[data-said]:not(:empty)").waitFor();
  assert.match(await tab.page.locator("[data-said]").innerText(), /২৪ ঘণ্টা/);
  await tab.close();
});

test("an authenticator that does not verify its owner signs nobody in, and the page says so", async () => {
  const tab = await officerAt(links.unverified);
  await tab.page.locator("header form button").click();
  await tab.client.send("WebAuthn.setUserVerified", { authenticatorId: tab.authenticatorId, isUserVerified: false });
  await tab.page.locator("[data-passkey] button").click();
  await tab.page.locator("[data-said]:not(:empty)").waitFor();
  assert.match(await tab.page.locator("[data-said]").innerText(), /No passkey was used/);
  await tab.close();
});

test(`${PLAIN} plain cases are decided by keyboard, each next one opens at once`, async (t) => {
  const { page } = officer;
  await page.goto(`${DESK}/en/?reason=travel-abroad`);
  await page.keyboard.press("n");
  await page.keyboard.press("Enter");
  const begun = Date.now();
  const seen = new Set();
  for (let n = 0; n < PLAIN; n += 1) {
    await page.waitForURL(/\/case\//);
    const reference = referenceOf(page);
    assert.ok(!seen.has(reference), `${reference} came twice`);
    seen.add(reference);
    await page.waitForTimeout(PACE);
    const kind = ["a", "a", "a", "r", "c"][n % 5];
    await page.keyboard.press(kind);
    if (kind === "r") await page.keyboard.press("ArrowDown");
    await Promise.all([
      page.waitForURL((url) => !url.pathname.includes(reference), { waitUntil: "load" }),
      page.keyboard.press("Enter"),
    ]);
    await page.locator("#done").waitFor();
  }
  const took = Date.now() - begun;
  const perCase = took / PLAIN;
  t.diagnostic(`${PLAIN} cases in ${(took / 1000).toFixed(1)} s, ${Math.round(perCase)} ms each`);
  assert.match(page.url(), /-last/);
  assert.ok(perCase - PACE < 2000, "the desk is slower than an officer");
  if (PLAIN >= 100) assert.ok(took < LIMIT_MS);
});

test("one slip of a key decides nothing, and keys can be switched off", async () => {
  const { page } = officer;
  await page.goto(`${DESK}/en/case/${cases.slip}`);
  await page.keyboard.press("t");
  await page.keyboard.press("Enter");
  await page.locator("#decide").waitFor();
  await page.keyboard.press("a");
  await page.waitForTimeout(200);
  assert.equal(referenceOf(page), cases.slip);
  await page.locator("#text").fill("a note with a and r in it");
  await page.keyboard.type("arc");
  assert.ok((await page.locator("#text").inputValue()).endsWith("arc"));
  await page.locator(".keys summary").click();
  await page.locator("[data-keys]").uncheck();
  await page.locator("h1").click();
  await page.keyboard.press("a");
  assert.ok(!(await page.evaluate(() => document.activeElement.matches("[data-key=a]"))));
  await page.locator("[data-keys]").check();
  await page.locator("form[action$='/release'] button").click();
  await page.waitForURL(/done=released/);
});

test("two officers never have one case open", async () => {
  await officer.page.goto(`${DESK}/en/case/${cases.slip}`);
  await supervisor.page.goto(`${DESK}/en/case/${cases.slip}`);
  await officer.page.locator("[data-key=t]").click();
  await officer.page.locator("#decide").waitFor();
  await supervisor.page.locator("[data-key=t]").click();
  await supervisor.page.getByText("Another officer has this case open").waitFor();
  await supervisor.page.goto(`${DESK}/en/case/${cases.slip}`);
  await supervisor.page.getByText("Imran Ali").waitFor();
  assert.equal(await supervisor.page.locator("[data-key=t]").count(), 0);
  await officer.page.locator("[data-key=s]").click();
  await officer.page.waitForURL((url) => !url.pathname.includes(cases.slip));
});

test("four eyes: one officer proposes, another confirms", async () => {
  const { page } = officer;
  await page.goto(`${DESK}/en/case/${cases.eyes}`);
  await page.locator("[data-key=t]").click();
  await page.getByText("Its approval needs a second officer").waitFor();
  await page.locator("[data-key=a]").click();
  await page.locator("#done").waitFor();
  await page.goto(`${DESK}/en/case/${cases.eyes}`);
  assert.equal(await page.locator("form[action$='/confirm']").count(), 0);
  await supervisor.page.goto(`${DESK}/en/proposals`);
  await supervisor.page.locator(`a[href$='${cases.eyes}']`).click();
  await supervisor.page.waitForURL(/\/case\//, { waitUntil: "load" }); // before which a key leads nowhere
  await supervisor.page.keyboard.press("a");
  await supervisor.page.keyboard.press("Enter");
  await supervisor.page.getByText("Confirmed.").waitFor();
  await supervisor.page.goto(`${DESK}/en/case/${cases.eyes}`);
  await supervisor.page.locator(".head .mark", { hasText: /approved|pass issued/ }).waitFor();
});

test("many cases at once: preview, decision, undo, all by keyboard", async () => {
  const { page } = officer;
  await page.goto(`${DESK}/en/bulk`);
  await tabTo(page, "#action");
  await page.keyboard.press("ArrowDown");
  await page.locator("#reason").selectOption("return-home");
  await page.keyboard.press("Enter");
  await page.locator("main form.grid button").focus();
  await page.keyboard.press("Enter");
  await page.locator("#preview").waitFor();
  await page.waitForLoadState("load");
  assert.equal(await page.locator(".queue li").count(), cases.bulk);
  await tabTo(page, "form[action$='/bulk/decide'] button");
  await page.keyboard.press("Enter");
  await page.getByText("You can undo it until").waitFor();
  await page.waitForLoadState("load");
  await page.keyboard.press("u");
  await page.keyboard.press("Enter");
  await page.getByText("Undone.").waitFor();
  await page.goto(`${DESK}/en/?reason=return-home`);
  assert.equal(await page.locator(".queue li").count(), cases.bulk);
});

test("a screen of 1280 by 900 pixels shows fifteen cases or more, in both languages", async () => {
  const { page } = officer;
  await page.setViewportSize({ width: 1280, height: 900 });
  for (const language of LANGUAGES) {
    await page.goto(`${DESK}${prefixOf(language)}/`);
    const lines = page.locator("#lines li:not(:has(.mark))");
    const heights = await lines.evaluateAll((all) => all.map((line) => line.getBoundingClientRect().height));
    assert.ok(heights.length > 0);
    const list = await page.locator("#lines").evaluate((box) => box.getBoundingClientRect().top);
    assert.ok(15 * Math.max(...heights) <= 900 - list, `${heights}, from ${list}`);
  }
});

test("a manager finds a report's numbers by keyboard alone", async () => {
  const { page } = supervisor;
  await page.goto(`${DESK}/en/reports?period=week`);
  await tabTo(page, "section.panel h2 a");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/reports\/[a-z-]+\?since=/);
  await tabTo(page, "select#district");
  await page.keyboard.type("Dhaka");
  await tabTo(page, "form.grid button");
  await page.keyboard.press("Enter");
  await page.waitForURL(/district=dhaka/);
  assert.ok((await page.locator("table tbody tr").count()) > 10);
  await tabTo(page, ".scroll");
  await tabTo(page, "a[href*='format=csv']");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("header nav").isVisible(), false, "print has no menu");
  assert.equal(await page.locator(".chart").isVisible(), true);
  await page.emulateMedia({ media: "screen" });
});

test("every page is good for a screen reader on a narrow screen, in both languages and colours", async () => {
  const people = {
    supervisor: [
      "/",
      "/bulk?action=approve",
      "/proposals",
      "/second-looks",
      "/rules",
      "/settings",
      "/accounts",
      "/audit",
    ],
    author: ["/rules", `/rules/draft?version=${cases.draft}`, "/accounts", "/nowhere"],
    manager: [
      "/reports",
      `/reports/applications-by-hour?${cases.week}&district=bhola`,
      `/reports/revocations?${cases.week}`,
      "/reports/applications-by-hour?since=x",
      "/accounts",
      "/audit",
    ],
  };
  for (const [n, [role, paths]] of Object.entries(people).entries()) {
    const tab = await officerAt(links[`axe-${role}`], { width: 320, scheme: n % 2 ? "dark" : "light" });
    for (const language of LANGUAGES) {
      for (const path of paths) {
        await tab.page.goto(`${DESK}${prefixOf(language)}${path}`);
        await tab.page.evaluate(() => document.querySelectorAll("details").forEach((box) => (box.open = true)));
        await checkAccess(tab.page);
      }
      if (role !== "supervisor") continue;
      for (const reference of [cases.slip, cases.eyes]) {
        await tab.page.goto(`${DESK}${prefixOf(language)}/case/${reference}`);
        if (await tab.page.locator("[data-key=t]").count()) await tab.page.locator("[data-key=t]").click();
        await tab.page.locator("h1").waitFor();
        await tab.page.evaluate(() => document.querySelectorAll("details").forEach((box) => (box.open = true)));
        await checkAccess(tab.page);
      }
    }
    await tab.page.goto(`${DESK}/rules`);
    await tab.page.locator("header form button").click();
    await tab.page.waitForURL(/sign-in/);
    await checkAccess(tab.page);
    await tab.page.goto(`${DESK}/enrol`);
    await checkAccess(tab.page);
    await tab.close();
  }
});

test("a session that a manager ends is over with the next click", async () => {
  const other = await openDesk();
  await enrol(other.page, links.ended);
  await signIn(other.page);
  const manager = await officerAt(links.manager);
  await manager.page.goto(`${DESK}/en/accounts`);
  const card = manager.page.locator("section.card", { hasText: "Ended Session" });
  await card.locator("summary").click();
  await card.locator("form[action$='/sessions'] button").click();
  await manager.page.locator("#done").waitFor();
  await other.page.goto(`${DESK}/en/settings`);
  await other.page.waitForURL(/\/sign-in\?next=/);
  await signIn(other.page);
  assert.match(other.page.url(), /\/en\/settings$/, "one goes on where one was");
  await manager.close();
  await other.close();
});
