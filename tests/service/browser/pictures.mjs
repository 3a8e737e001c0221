/** Draws every page in both languages on a narrow and a wide screen: `node pictures.mjs OUT`. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { LANGUAGES, SITE, answersOf, apply, end, fill, go, prefixOf, start, withTab } from "./chromium.mjs";

const out = process.argv[2];
const WIDTHS = [320, 1024];
const PEOPLE = {
  bn: ["রহিমা খাতুন", "মিরপুর ১০", "ঢাকা মেট্রো গ ১১-২২৩৩"],
  en: ["Rahima Khatun", "Mirpur 10", "DHAKA METRO GA 11-2233"],
};

let number = 1_711_000_000;
/** A number in a range of its own, whose budget of codes nobody has spent. */
function newNumber() {
  number += 10_007;
  return `0${number}`;
}

/** The code in the last text message, from the outbox of a TEST authority. */
function lastCode() {
  const lines = readFileSync(process.env.OUTBOX, "utf-8").trim().split("\n");
  return JSON.parse(lines.at(-1)).text.match(/\d{6}/)[0];
}

/** Let a number apply for others. */
function appoint(phone) {
  const command = [
    "service",
    "assistant",
    phone,
    "--data",
    process.env.DATA,
    "--role",
    "employer",
    "--name",
    "Padma Textiles",
  ];
  execFileSync(process.env.MOVEPASS, command, { stdio: "ignore" });
}

async function draw(language, width) {
  const prefix = prefixOf(language);
  const [name, place, vehicle] = PEOPLE[language];
  await withTab({ width, height: width === 320 ? 640 : 768 }, async (page) => {
    const shoot = async (what) => {
      await page.evaluate(async () => {
        await document.fonts.ready;
        await Promise.all([...document.images].map((image) => image.decode()));
      });
      await page.screenshot({ path: `${out}/${what}-${language}-${width}.png`, fullPage: true });
    };
    const open = async (path, what) => {
      await page.goto(`${SITE}${prefix}${path}`);
      await shoot(what);
    };
    const own = async (what, state) => {
      await page.goto(`${SITE}${prefix}/receipt`);
      await page.locator("section a.button").first().click();
      await page.locator(`#state.${state}`).waitFor();
      await shoot(what);
    };
    const answers = (more) => answersOf(name, { "from.place": place, ...more });

    await open("/", "home");
    await open("/apply", "apply");
    await page.locator('[name="holder.name"]').fill(name);
    await page.locator('[name="phone"]').fill("0171");
    await go(page);
    await page.locator("#errors").waitFor();
    await shoot("errors");
    await page.goto(`${SITE}${prefix}/apply`);
    await fill(page, answers({ phone: "01712345678" }));
    await page.locator("summary").first().click();
    await page.locator('[name="back.not_before.date"]').selectOption("1");
    await page.locator('[name="back.not_before.time"]').fill("16:00");
    await page.locator("summary").nth(1).click();
    await page.locator('[name="vehicle.registration"]').fill(vehicle);
    await go(page);
    await page.locator("dl.rows").waitFor();
    await shoot("check");
    await go(page);
    await page.waitForURL(/receipt/);
    await shoot("receipt");
    await own("issued", "issued");
    await page.emulateMedia({ media: "print" });
    await shoot("printed");
    await page.emulateMedia({ media: "screen" });
    await page.locator("a[href$='/withdraw']").click();
    await shoot("withdraw");
    await go(page);
    await page.locator("#state.withdrawn").waitFor();
    await shoot("withdrawn");

    await apply(page, language, answers({ reason: "business", "holder.id_number": "4821" }));
    await own("referred", "referred");
    await apply(page, language, answers({ reason: "groceries", hours: "6" }));
    await own("rejected", "rejected");
    await page.locator("a[href$='/correct']").click();
    await shoot("correct");
    await page.goBack();
    await page.locator("a[href$='/appeal']").click();
    await shoot("appeal");

    await open("/status", "lookup");
    await open("/my-passes", "my-passes");
    await page.locator('[name="phone"]').fill(newNumber());
    await go(page);
    await page.locator('[name="code"]').waitFor();
    await shoot("code");
    await page.locator('[name="code"]').fill(lastCode());
    await go(page);
    await page.locator("a[href$='/my-passes/apply']").waitFor();
    await shoot("my-passes-empty");
    const phone = await page.locator("main > p").first().innerText();
    await apply(page, language, answers({ phone: phone.match(/01\d{9}/)[0] }));
    await open("/my-passes", "my-passes-listed");
    appoint(phone.match(/01\d{9}/)[0]);
    await page.goto(`${SITE}${prefix}/my-passes/list`);
    const heading = "holder.name,holder.id_type,holder.id_number,from.district,to.district,reason,not_before,hours";
    const tomorrow = new Date(Date.now() + 30 * 3600e3).toISOString().slice(0, 10);
    const line = (n, to) => `${name},nid,${6_000_000_000 + (number += 1) + n},dhaka,${to},office,${tomorrow} 08:00,3`;
    await page.locator("textarea").fill([heading, line(1, "gazipur"), line(2, "gazipurr")].join("\n"));
    await go(page);
    await page.locator("#errors").waitFor();
    await shoot("list");
    await open("/rules", "rules");
    await open("/statistics", "statistics");
    await open("/nowhere", "not-found");
  });
}

await start();
for (const language of LANGUAGES) for (const width of WIDTHS) await draw(language, width);
await end();
