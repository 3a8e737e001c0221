/**
 * The same way through the site in Chromium, Firefox ESR and WebKitGTK, with and without its script. Bundled, since the
 * drivers are the phone's (phone/test/engines).
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CHROMIUM } from "../../../phone/test/engines/chromium.ts";
import { FIREFOX } from "../../../phone/test/engines/firefox.ts";
import { WEBKITGTK } from "../../../phone/test/engines/webkitgtk.ts";

const WAIT_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = 100;
const SITES = { "with scripts": process.env.SITE, "without scripts": process.env.SITE_WITHOUT_SCRIPTS };
const MAIN_BUTTON = "//main//form//button[not(@formaction)]";
const ANSWERS = {
  "holder.name": "রহিমা খাতুন",
  "holder.id_type": "nid",
  reason: "medical",
  "from.district": "dhaka",
  "to.district": "gazipur",
  "not_before.time": "09:30",
  hours: "3",
};

/** Wait until an expression is true in the page, whichever page that is by then. */
async function until(tab, expression) {
  const giveUp = Date.now() + WAIT_MILLISECONDS;
  for (;;) {
    const isTrue = await tab.evaluate(`Boolean(${expression})`).catch(() => false); // a page that is just being left
    if (isTrue) return;
    if (Date.now() > giveUp) assert.fail(`${expression}: ${String(await tab.evaluate("document.body?.innerText"))}`);
    await new Promise((done) => setTimeout(done, POLL_MILLISECONDS));
  }
}

const path = (name) => `location.pathname.endsWith(${JSON.stringify(name)})`;

async function answer(tab, number) {
  const answers = { ...ANSWERS, "holder.id_number": number };
  await tab.evaluate(`Object.entries(${JSON.stringify(answers)}).forEach(([name, value]) => {
    document.getElementsByName(name)[0].value = value;
  })`);
  await tab.evaluate(`document.getElementsByName("not_before.date")[1].click()`);
}

async function walk(tab, site, number) {
  await tab.open(`${site}/`);
  await tab.click("//main//a[contains(@class, 'button')]");
  await until(tab, path("/apply"));
  await tab.click(MAIN_BUTTON);
  await until(tab, `document.querySelector("#errors a")`);
  assert.equal(await tab.evaluate("getComputedStyle(document.querySelector('#errors')).borderTopStyle"), "solid");
  await answer(tab, number);
  await tab.click(MAIN_BUTTON);
  await until(tab, `document.querySelector("dl.rows")`);
  assert.match(await tab.evaluate("document.body.innerText"), /রহিমা খাতুন/);
  await tab.click(MAIN_BUTTON);
  await until(tab, path("/receipt"));
  await tab.reload();
  await until(tab, `document.querySelector(".big.code")`);
  const link = await tab.evaluate("document.querySelector('dd a').href");
  await tab.open(link);
  await until(tab, `!location.search.includes("key=") && document.querySelector("#state")`);
  for (;;) {
    if (await tab.evaluate(`document.querySelector("#state").className.includes("issued")`)) break;
    await new Promise((done) => setTimeout(done, 10 * POLL_MILLISECONDS));
    await tab.reload();
    await until(tab, `document.querySelector("#state")`);
  }
  await until(tab, `document.querySelector(".pass img").naturalWidth > 300`);
  const isWide = await tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
  assert.equal(isWide, false);
  await tab.click("//a[contains(@href, '/withdraw')]");
  await until(tab, path("/withdraw"));
  await tab.click(MAIN_BUTTON);
  await until(tab, `document.querySelector("#state.withdrawn")`);
}

/** Each engine once before any is tried the other way: the first ones are a sample. */
const WALKS = [
  [FIREFOX, "with scripts"],
  [WEBKITGTK, "without scripts"],
  [CHROMIUM, "with scripts"],
  [FIREFOX, "without scripts"],
  [WEBKITGTK, "with scripts"],
  [CHROMIUM, "without scripts"],
].slice(0, Number(process.env.WALKS ?? 6));

let people = 0;
for (const [engine, how] of WALKS) {
  const missing = engine.missing();
  const skip = missing.length ? `needs ${missing.join(", ")}` : false;
  test(`${engine.name} ${how}`, { skip, timeout: 180_000 }, async () => {
    const tab = await engine.start({});
    try {
      people += 1;
      await walk(tab, SITES[how], String(7_000_000_000 + people));
    } finally {
      await tab.close();
    }
    const faults = tab.faults().filter((fault) => how === "with scripts" || !fault.includes("script"));
    assert.deepEqual(faults, []);
  });
}
for (const engine of [CHROMIUM, FIREFOX, WEBKITGTK]) after(() => engine.end());
