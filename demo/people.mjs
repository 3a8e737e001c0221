/**
 * People at the public site, each with a Chromium of their own; the demo says what they do: one JSON object a line on
 * standard input, one answer a line on standard output. SITE is the site's address.
 */

import { writeFile } from "node:fs/promises";
import { SITE, end, fill, go, openTab, prefixOf, start } from "../tests/service/browser/chromium.mjs";
import { answerDeeds } from "./deeds.mjs";

const people = new Map();

const deeds = {
  /** Open the site, and say what stands on it. */
  async open({ name, language, scripts }) {
    const { page, context } = await openTab({ hasScripts: scripts });
    people.set(name, { page, context, language });
    await page.goto(`${SITE}${prefixOf(language)}/`);
    return { heading: await page.locator("h1").innerText(), button: await page.locator("main a.button").innerText() };
  },

  /** Fill the form in, up to the answers to be checked. */
  async fill({ name, answers }) {
    const { page, language } = people.get(name);
    await page.goto(`${SITE}${prefixOf(language)}/apply`);
    await fill(page, answers);
    await go(page);
    await page.locator("dl.rows").waitFor();
    return {};
  },

  /** Send the checked answers, perhaps with two quick clicks, and read the receipt. */
  async send({ name, clicks = 1 }) {
    const { page } = people.get(name);
    await page.locator("main form > p button").click({ clickCount: clicks, noWaitAfter: true });
    return receipt(page);
  },

  /** Send while nobody answers, and say what the page says then. */
  async sendInVain({ name, text }) {
    const { page } = people.get(name);
    await page.locator("main form > p button").click({ noWaitAfter: true });
    await page.getByText(text).waitFor();
    return { said: await page.locator("[data-state]").innerText() };
  },

  /** Wait for the receipt that comes by itself. */
  async receipt({ name }) {
    return receipt(people.get(name).page);
  },

  async refresh({ name }) {
    const { page } = people.get(name);
    await page.reload();
    return receipt(page);
  },

  /** Go back to the answers, which the browser asks to send once more since no copy may be kept, and send them again. */
  async backAndSend({ name }) {
    const { page } = people.get(name);
    await page.goBack().catch((error) => {
      if (!/ERR_CACHE_MISS/.test(String(error))) throw error;
    });
    for (let tries = 20; !(await page.locator("dl.rows").count()); tries--) {
      await page.reload().catch((error) => {
        if (tries < 1 || !/Not attached/.test(String(error))) throw error; // the browser is still changing pages
      });
      await page.waitForTimeout(100);
    }
    await go(page);
    return receipt(page);
  },

  /** Open the secret link, as on another telephone. */
  async link({ name, link }) {
    const { page, context } = await openTab({ hasScripts: false });
    await page.goto(link);
    const shown = { state: await stateOf(page), has_key: page.url().includes("key=") };
    await context.close();
    return { ...shown, name };
  },

  /** Look at the status page until it shows a state. */
  async status({ name, reference, state }) {
    const { page, language } = people.get(name);
    await page.goto(`${SITE}${prefixOf(language)}/status/${reference}`);
    await page.locator(`#state.${state}`).waitFor();
    const reason = page.locator("#state .reason");
    return {
      state: await stateOf(page),
      heading: await page.locator("h1").innerText(),
      reason: (await reason.count()) ? await reason.innerText() : "",
    };
  },

  /** Save the picture of the code and the card, by the addresses that the page shows. */
  async download({ name, qr, card }) {
    const { page, context } = people.get(name);
    const save = async (locator, attribute, file) => {
      const address = new URL(await page.locator(locator).getAttribute(attribute), page.url());
      const answer = await context.request.get(address.href);
      await writeFile(file, await answer.body());
      return answer.headers()["content-type"];
    };
    return {
      qr: await save(".pass img", "src", qr),
      card: await save(".pass a.button", "href", card),
      address: await page.locator(".pass img").evaluate((image) => image.src),
    };
  },

  /** Ask for an address with this person's cookies. */
  async ask({ name, address }) {
    return { status: (await people.get(name).context.request.get(address)).status() };
  },

  async withdraw({ name, reference }) {
    const { page, language } = people.get(name);
    await page.goto(`${SITE}${prefixOf(language)}/status/${reference}`);
    await page.locator("a[href$='/withdraw']").click();
    await go(page);
    await page.locator("#state.withdrawn").waitFor();
    return { state: await stateOf(page), passes: await page.locator(".pass").count() };
  },

  async correct({ name, reference, answers }) {
    const { page, language } = people.get(name);
    await page.goto(`${SITE}${prefixOf(language)}/status/${reference}`);
    await page.locator("a[href$='/correct']").click();
    const kept = await page.locator('[name="holder.name"]').inputValue();
    await fill(page, answers);
    await go(page);
    await page.locator("dl.rows").waitFor();
    await go(page);
    await page.locator("#state").waitFor();
    return { kept };
  },

  async appeal({ name, reference, note }) {
    const { page, language } = people.get(name);
    await page.goto(`${SITE}${prefixOf(language)}/status/${reference}`);
    await page.locator("a[href$='/appeal']").click();
    await page.locator("[name=note]").fill(note);
    await go(page);
    await page.locator("#state.appealed").waitFor();
    return { state: await stateOf(page) };
  },

  async picture({ name, file }) {
    await people.get(name).page.screenshot({ path: file, fullPage: true });
    return {};
  },
};

async function receipt(page) {
  await page.waitForURL(/\/receipt$/);
  const references = await page.locator(".big.code").allInnerTexts();
  return { references, link: await page.locator("dd a").first().getAttribute("href") };
}

async function stateOf(page) {
  const classes = await page.locator("#state").getAttribute("class");
  return classes.replace("state ", "");
}

await start();
await answerDeeds(deeds);
await end();
