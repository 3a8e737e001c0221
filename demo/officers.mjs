/**
 * Officers at the desk, each with a Chromium and a passkey of their own; the demo says what they do: one JSON object a
 * line on standard input, one answer a line on standard output. DESK is the desk's address.
 */

import { end, start } from "../tests/service/browser/chromium.mjs";
import { DESK, officerAt } from "../tests/service/browser/desk.mjs";
import { answerDeeds } from "./deeds.mjs";

const officers = new Map();
const pageOf = (name) => officers.get(name).page;
const referenceIn = (url) => /\/case\/([0-9A-Z-]{14})/.exec(url)?.[1];

const deeds = {
  /** Set up a passkey by the link, and sign in with it. */
  async signIn({ name, link }) {
    officers.set(name, await officerAt(link));
    return { page: new URL(pageOf(name).url()).pathname };
  },

  /** Let a supervisor choose which reasons need two officers, how many approvals get a second look, and how long a bulk decision can be undone. */
  async choose({ name, reasons, secondLookPercent, undoSeconds }) {
    const page = pageOf(name);
    await page.goto(`${DESK}/en/settings`);
    for (const reason of reasons) await page.locator(`[name="reason.${reason}"]`).check();
    await page.locator("[name=second_look_percent]").fill(String(secondLookPercent));
    await page.locator("[name=undo_s]").fill(String(undoSeconds));
    await page.locator("main form button").click();
    await page.locator("#done").waitFor();
    return {};
  },

  /** Let officers decide at once, by keyboard, until the queue is empty; tells who opened which case, and when. */
  async workOff({ names, most }) {
    const opened = [];
    await Promise.all(
      names.map(async (name, seat) => {
        const page = pageOf(name);
        await page.goto(`${DESK}/en/`);
        await press(page, "n");
        for (let n = 0; n < most; n += 1) {
          const reference = referenceIn(page.url());
          if (!reference) return;
          opened.push({ name, reference, at: Date.now() });
          await press(page, (n + seat) % 5 === 4 ? "r" : "a");
        }
      }),
    );
    return { opened };
  },

  /** Let one officer open a case while another has it. */
  async claimTwice({ first, second, reference }) {
    for (const name of [first, second]) await pageOf(name).goto(`${DESK}/en/case/${reference}`);
    await pageOf(first).locator("[data-key=t]").click();
    await pageOf(first).locator("#decide").waitFor();
    await pageOf(second).locator("[data-key=t]").click();
    await pageOf(second).getByText("Another officer has this case open").waitFor();
    await pageOf(first).locator("form[action$='/release'] button").click();
    await pageOf(first).waitForURL(/done=released/);
    return { refused: second };
  },

  /** Approve all cases of a reason at once, and perhaps think better of it. */
  async decideMany({ name, reason, undo }) {
    const page = pageOf(name);
    await page.goto(`${DESK}/en/bulk?action=approve&reason=${reason}`);
    const count = await page.locator(".queue li").count();
    await page.locator("form[action$='/bulk/decide'] button").click();
    await page.locator("[data-key=u]").waitFor();
    if (undo) {
      await page.locator("[data-key=u]").click();
      await page.getByText("Undone.").waitFor();
    }
    return { count };
  },

  /** Open a case and approve it; tells whether it now waits for a second officer. */
  async approve({ name, reference }) {
    const page = pageOf(name);
    await page.goto(`${DESK}/en/case/${reference}`);
    await page.locator("[data-key=t]").click();
    await page.locator("#decide").waitFor();
    await page.locator("[data-key=a]").click();
    await page.locator("#done").waitFor();
    await page.goto(`${DESK}/en/case/${reference}`);
    return { waits: (await page.locator("#proposal").count()) > 0, mine: await confirms(page) };
  },

  /** Confirm what another officer proposed. */
  async confirm({ name, reference }) {
    const page = pageOf(name);
    await page.goto(`${DESK}/en/case/${reference}`);
    await page.locator("form[action$='/confirm'] button").click();
    await page.getByText("Confirmed.").waitFor();
    return {};
  },

  async picture({ name, path, file }) {
    const page = pageOf(name);
    await page.goto(`${DESK}/en${path}`);
    await page.screenshot({ path: file });
    return {};
  },
};

/** Press the key of a button, then Enter, and wait for the page that comes. */
async function press(page, key) {
  const before = page.url();
  await page.keyboard.press(key);
  await Promise.all([
    page.waitForURL((url) => url.href !== before, { waitUntil: "load" }),
    page.keyboard.press("Enter"),
  ]);
}

const confirms = async (page) => (await page.locator("form[action$='/confirm']").count()) > 0;

await start();
await answerDeeds(deeds);
for (const officer of officers.values()) await officer.context.close();
await end();
