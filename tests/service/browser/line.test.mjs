/** A site whose capacity is two applications in ten seconds: the line in a real Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LANGUAGES, SITE, answersOf, checkAccess, end, fill, go, prefixOf, start, withTab } from "./chromium.mjs";

before(start);
after(end);

/** Fill in the form and send it, until there is a line. */
async function standInLine(page, language) {
  for (let n = 0; n < 5; n++) {
    await page.goto(`${SITE}${prefixOf(language)}/apply`);
    await fill(page, answersOf(`In Line ${language} ${n}`));
    await go(page);
    await page.locator("dl.rows").waitFor();
    await page.locator("main form > p button").click();
    await page.locator("#line, .done").first().waitFor();
    if (await page.locator("#line").count()) return;
  }
  assert.fail("there is no line");
}

for (const language of LANGUAGES) {
  test(`with JavaScript the form goes out by itself when it is its turn (${language})`, async () => {
    await withTab({ scheme: language === "bn" ? "dark" : "light" }, async (page, context) => {
      await standInLine(page, language);
      await checkAccess(page);
      const other = await context.newPage();
      await other.goto(`${SITE}${prefixOf(language)}/line`);
      await checkAccess(other);
      await other.close();
      await page.waitForURL(/receipt/, { timeout: 120_000 });
    });
  });

  test(`without JavaScript one button sends it (${language})`, async () => {
    await withTab({ hasScripts: false }, async (page) => {
      await standInLine(page, language);
      for (let n = 0; n < 60 && !/receipt/.test(page.url()); n++) {
        await page.waitForTimeout(2000);
        await page.locator("main form button").click();
        await page.waitForLoadState();
      }
      assert.match(page.url(), /receipt/);
    });
  });
}
