/** Chromium by Playwright, from the phone's tools; every page is held to the same: no fault, nobody else asked. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const tools = createRequire(new URL("../../../phone/package.json", import.meta.url));
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf-8");
const AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const SITE = process.env.SITE ?? "http://localhost:8080";
export const LANGUAGES = ["bn", "en"];

let browser;

export async function start() {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

export async function end() {
  await browser.close();
}

/** Open a tab in a profile of its own. */
export async function openTab(options) {
  const { hasScripts = true, width = 320, height = 640, scheme = "light" } = options;
  const context = await browser.newContext({
    javaScriptEnabled: hasScripts,
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return { page, context };
}

/** Open a tab of its own, let something be done in it, and see that nothing went wrong. */
export async function withTab(options, use) {
  const { page, context } = await openTab(options);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused/.test(message.text())) faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${SITE}/`)) faults.push(`asked ${request.url()}`);
  });
  try {
    await use(page, context);
  } finally {
    await context.close();
  }
  assert.deepEqual(faults, []);
}

export function prefixOf(language) {
  return language === "en" ? "/en" : "";
}

/** What is typed; a name that no other test has makes an application of its own. */
export function answersOf(name, more = {}) {
  return {
    "holder.name": name,
    "holder.id_type": "nid",
    "holder.id_number": String(1_000_000_000 + Math.floor(Math.random() * 8_999_999_999)),
    reason: "medical",
    "from.district": "dhaka",
    "from.place": "Mirpur 10",
    "to.district": "gazipur",
    "not_before.date": "1",
    "not_before.time": "09:30",
    hours: "3",
    ...more,
  };
}

export async function fill(page, answers) {
  for (const [name, value] of Object.entries(answers)) {
    const field = page.locator(`[name="${name}"]`).first();
    const kind = await field.evaluate((element) => element.type);
    if (kind === "radio") await page.locator(`[name="${name}"]`).nth(Number(value)).check();
    else if (kind === "select-one") await field.selectOption(value);
    else await field.fill(value);
  }
}

/** Press the one button that the page is about. */
export async function go(page) {
  await page.locator("main form button:not([formaction])").last().click();
}

/** Apply, up to the receipt; returns the reference. */
export async function apply(page, language, answers) {
  await page.goto(`${SITE}${prefixOf(language)}/apply`);
  await fill(page, answers);
  await go(page);
  await page.locator("dl.rows").waitFor();
  await go(page);
  await page.waitForURL(/\/receipt$/);
  return page.locator(".big.code").first().innerText();
}

/** See that axe finds nothing, and that nothing is wider than the screen but a table that scrolls by itself. */
export async function checkAccess(page) {
  await page.waitForLoadState(); // half a page has half a heading
  await page.evaluate(axe);
  const found = await page.evaluate(async (values) => {
    const { violations } = await globalThis.axe.run({ runOnly: { type: "tag", values } });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, AXE_RULES);
  assert.deepEqual(found, []);
  const wide = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth;
    const all = [...document.querySelectorAll("body *:not(.unseen, .skip, .scroll *)")];
    return all
      .filter((element) => element.getBoundingClientRect().right > limit + 1)
      .map((element) => element.outerHTML.slice(0, 80));
  });
  assert.deepEqual(wide, []);
}
