/** The public site in a real Chromium: without JavaScript, by keyboard alone, for a screen reader, on a bad network. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  LANGUAGES,
  SITE,
  answersOf,
  apply,
  checkAccess,
  end,
  fill,
  go,
  prefixOf,
  start,
  withTab,
} from "./chromium.mjs";

before(start);
after(end);

/** Each language and each colour once before any comes twice: the first ones are a sample. */
const STATISTICS = ["", "/reasons", "/districts", "/waits", "-dictionary"].map((rest) => `/statistics${rest}`);
const VIEWS = [
  ["bn", "light"],
  ["en", "dark"],
  ["bn", "dark"],
  ["en", "light"],
].slice(0, Number(process.env.VIEWS ?? 4));
const TITLES = { bn: "পাস তৈরি", en: "Your pass is ready" };

for (const language of LANGUAGES) {
  const prefix = prefixOf(language);

  test(`without JavaScript: from the first page to a pass, and to its withdrawal (${language})`, async () => {
    await withTab({ hasScripts: false }, async (page) => {
      await page.goto(`${SITE}${prefix}/`);
      await page.locator("main a.button").click();
      await go(page);
      assert.ok((await page.locator("#errors li").count()) >= 8);
      await page.locator("#errors a").first().click();
      assert.match(page.url(), /#holder\.name$/);
      await fill(page, answersOf(`No Script ${language}`));
      await page
        .locator("details")
        .filter({ has: page.locator('[name="vehicle.registration"]') })
        .locator("summary")
        .click();
      await page.locator('[name="vehicle.registration"]').fill("DHAKA METRO GA 11-2233");
      await go(page);
      await page.locator("button[formaction$='#to.district']").click();
      await page.locator('[name="to.district"]').selectOption("narayanganj");
      await go(page);
      const district = language === "bn" ? "নারায়ণগঞ্জ" : "Narayanganj";
      await page.getByText(district, { exact: true }).waitFor();
      await go(page);
      await page.waitForURL(/\/receipt$/);
      const link = await page.locator("dd a").getAttribute("href");
      await page.goto(link);
      assert.ok(!page.url().includes("key="));
      await page.locator("h1", { hasText: TITLES[language] }).waitFor(); // the page refreshes itself
      await page.waitForLoadState("load"); // its picture too
      const qr = page.locator(".pass img");
      assert.ok((await qr.evaluate((image) => image.naturalWidth)) > 300);
      await page.locator("a[href$='/withdraw']").click();
      await go(page);
      await page.locator("#state.withdrawn").waitFor();
      assert.equal(await page.locator(".pass").count(), 0);
    });
  });

  test(`every page is good for a screen reader, in both colours, on a narrow screen (${language})`, async () => {
    for (const [, scheme] of VIEWS.filter(([one]) => one === language)) {
      await withTab({ scheme }, async (page) => {
        for (const path of ["/", "/apply", "/status", "/my-passes", "/rules", ...STATISTICS, "/nowhere"]) {
          await page.goto(`${SITE}${prefix}${path}`);
          await checkAccess(page);
        }
        const number = 1_720_000_000 + 10_007 * (LANGUAGES.indexOf(language) * 2 + Number(scheme === "dark"));
        await page.goto(`${SITE}${prefix}/my-passes`);
        await page.locator('[name="phone"]').fill(`0${number}`);
        await go(page);
        await page.locator('[name="code"]').waitFor();
        await checkAccess(page);
        await page.goto(`${SITE}${prefix}/apply`);
        await go(page);
        await page.locator("#errors").waitFor();
        await checkAccess(page);
        await page.goto(`${SITE}${prefix}/apply`);
        await fill(page, answersOf(`W${"i".repeat(62)}`, { reason: "groceries", hours: "6" }));
        await go(page);
        await page.locator("dl.rows").waitFor();
        await checkAccess(page);
        await go(page);
        await page.waitForURL(/receipt/);
        await checkAccess(page);
        await page.locator("section a.button").click();
        await page.locator("#state.rejected").waitFor();
        await checkAccess(page);
        for (const part of ["/appeal", "/correct"]) {
          await page.locator(`a[href$="${part}"]`).click();
          await checkAccess(page);
          await page.goBack();
        }
        await apply(page, language, answersOf(`Access ${language} ${scheme}`));
        await page.locator("section a.button").click();
        await page.locator("#state.issued").waitFor();
        await checkAccess(page);
        await page.locator("a[href$='/withdraw']").click();
        await checkAccess(page);
      });
    }
  });
}

test("everything is done by the keyboard alone, and one sees where one is", async () => {
  await withTab({ width: 640 }, async (page) => {
    await page.goto(`${SITE}/en/apply`);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    const reached = [];
    const answers = answersOf("Keyboard Only");
    for (let step = 0; step < 60; step++) {
      await page.keyboard.press("Tab");
      const [name, type, isSeen] = await page.evaluate(() => {
        const { name, type } = document.activeElement;
        return [name, type, getComputedStyle(document.activeElement).outlineStyle !== "none"];
      });
      assert.ok(isSeen || type === "radio", `no outline on ${name || type}`);
      if (type === "submit") break;
      if (!name) continue;
      reached.push(name);
      if (type === "radio") await page.keyboard.press("ArrowDown");
      else if (type === "time") await page.keyboard.type("0930AM");
      else if (type === "select-one") {
        const wanted = answers[name];
        if (wanted) await page.locator(`[name="${name}"]`).selectOption(wanted);
      } else if (answers[name]) await page.keyboard.type(answers[name]);
    }
    assert.ok(reached.includes("hours") && reached.includes("reason"));
    await page.keyboard.press("Enter");
    await page.locator("dl.rows").waitFor();
    await page.locator("main form > p button").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/receipt/);
  });
});

test("the summary of errors gets the focus, and each of its links leads to the field", async () => {
  await withTab({}, async (page) => {
    await page.goto(`${SITE}/en/apply`);
    await go(page);
    await page.locator("#errors").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "errors");
    for (const link of await page.locator("#errors a").all()) {
      await link.press("Enter");
      const target = (await link.getAttribute("href")).slice(1);
      assert.equal(await page.evaluate(() => document.activeElement.id), target);
    }
  });
});

for (const hasScripts of [true, false]) {
  test(`two clicks, back and again, refresh, another tab: one application (scripts: ${hasScripts})`, async () => {
    await withTab({ hasScripts }, async (page, context) => {
      const answers = answersOf(`Twice ${hasScripts}`);
      const fillIn = async (tab) => {
        await tab.goto(`${SITE}/en/apply`);
        await fill(tab, answers);
        await go(tab);
        await tab.locator("dl.rows").waitFor();
      };
      await fillIn(page);
      await page.locator("main form > p button").dblclick({ noWaitAfter: true });
      await page.waitForURL(/receipt/);
      const reference = await page.locator(".big.code").innerText();
      await page.reload();
      assert.equal(await page.locator(".big.code").innerText(), reference);
      const other = await context.newPage();
      await fillIn(other);
      await go(other);
      await other.waitForURL(/receipt/);
      assert.equal(await other.locator(".big.code").innerText(), reference);
    });
  });
}

test("what is typed outlives the browser's page, and is gone once it is sent", async () => {
  await withTab({}, async (page, context) => {
    await page.goto(`${SITE}/en/apply`);
    const answers = answersOf("Draft Keeper", { "vehicle.registration": "" });
    delete answers["vehicle.registration"];
    await fill(page, answers);
    await page.locator("summary", { hasText: "vehicle" }).click();
    await page.locator('[name="vehicle.registration"]').fill("GA 11-2233");
    await page.close();
    const again = await context.newPage();
    await again.goto(`${SITE}/apply`); // the other language has the same draft
    assert.equal(await again.locator('[name="holder.name"]').inputValue(), "Draft Keeper");
    assert.equal(await again.locator('[name="vehicle.registration"]').inputValue(), "GA 11-2233");
    assert.ok(await again.locator('[name="vehicle.registration"]').isVisible());
    assert.ok(await again.locator('[name="not_before.date"]').nth(1).isChecked());
    assert.match(await again.locator("[data-draft-note]").innerText(), /ফিরিয়ে আনা হয়েছে/);
    await go(again);
    await again.locator("dl.rows").waitFor();
    await go(again);
    await again.waitForURL(/receipt/);
    assert.equal(await again.evaluate(() => localStorage.length), 0);
    await again.goto(`${SITE}/apply`);
    assert.equal(await again.locator('[name="holder.name"]').inputValue(), "");
  });
});

test("a draft can be deleted", async () => {
  await withTab({}, async (page) => {
    await page.goto(`${SITE}/en/apply`);
    await fill(page, { "holder.name": "To Delete" });
    await page.reload();
    await page.locator("[data-draft-note] button").click();
    assert.equal(await page.locator('[name="holder.name"]').inputValue(), "");
    assert.equal(await page.evaluate(() => localStorage.length), 0);
  });
});

test("what was sent without a network goes out when it is back, once", async () => {
  await withTab({}, async (page, context) => {
    await page.goto(`${SITE}/en/apply`);
    await fill(page, answersOf("Offline"));
    await go(page);
    await page.locator("dl.rows").waitFor();
    await context.setOffline(true);
    await go(page);
    await page.getByText("There is no network").waitFor();
    await go(page);
    await context.setOffline(false);
    await page.waitForURL(/receipt/);
    assert.equal(await page.locator(".big.code").count(), 1);
  });
});

test("a busy service is asked again after the time it said, and nothing is lost", async () => {
  await withTab({}, async (page) => {
    let asked = 0;
    await page.route("**/apply/send", async (route) => {
      asked += 1;
      if (asked > 2) await route.continue();
      else await route.fulfill({ status: 503, headers: { "Retry-After": "1" }, body: "busy" });
    });
    await page.goto(`${SITE}/en/apply`);
    await fill(page, answersOf("Busy"));
    await go(page);
    await page.locator("dl.rows").waitFor();
    await go(page);
    await page.getByText("very busy").waitFor();
    await page.waitForURL(/receipt/);
    assert.equal(asked, 3);
  });
});

test("changing an answer is not sending it, with scripts too", async () => {
  await withTab({}, async (page) => {
    await page.goto(`${SITE}/en/apply`);
    await fill(page, answersOf("Changing"));
    await go(page);
    await page.locator("button[formaction$='#hours'], button[formaction$='#not_before.date']").first().click();
    await page.locator("#application select").first().waitFor();
    assert.equal(await page.locator('[name="holder.name"]').inputValue(), "Changing");
    await page.locator("button.language").click();
    await page.waitForURL(/\/apply\/change/);
    assert.equal(await page.locator("html").getAttribute("lang"), "bn");
    assert.equal(await page.locator('[name="holder.name"]').inputValue(), "Changing");
  });
});

test("a status page brings its news by itself", async () => {
  await withTab({}, async (page) => {
    await apply(page, "en", answersOf("Polling"));
    const statusPage = await page.locator("section a.button").getAttribute("href");
    await page.goto(`${SITE}${statusPage}`);
    await page.locator("#state.issued").waitFor();
  });
});

test("the printed page holds the pass on one sheet, with its code large enough", async () => {
  await withTab({}, async (page) => {
    await apply(page, "en", answersOf("Print"));
    await page.locator("section a.button").click();
    await page.locator("#state.issued").waitFor();
    await page.emulateMedia({ media: "print" });
    const box = await page.locator(".pass img").boundingBox();
    assert.ok(Math.abs(box.width - (64 / 25.4) * 96) < 2, `${box.width} pixels wide`);
    for (const hidden of ["header a", "footer", ".actions"])
      assert.ok(!(await page.locator(hidden).first().isVisible()));
    const pdf = await page.pdf({ format: "A4", printBackground: true });
    assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g).length, 1);
  });
});
