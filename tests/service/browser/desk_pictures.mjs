/** Draws the desk's pages in both languages, at the widths of WIDTHS: node desk_pictures.mjs OUT */

import { LANGUAGES, end, prefixOf, start } from "./chromium.mjs";
import { DESK, openDesk, officerAt } from "./desk.mjs";

const out = process.argv[2];
const links = JSON.parse(process.env.LINKS);
const cases = JSON.parse(process.env.CASES);
const WIDTHS = (process.env.WIDTHS ?? "320,1280").split(",").map(Number);

async function shoot(page, name, path) {
  for (const language of LANGUAGES) {
    await page.goto(`${DESK}${prefixOf(language)}${path}`);
    await draw(page, name, language);
  }
}

async function draw(page, name, language) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: `${out}/${name}-${language}-${width}.png`, fullPage: true });
  }
}

await start();
const stranger = await openDesk();
await shoot(stranger.page, "sign-in", "/sign-in");
for (const language of LANGUAGES) {
  await stranger.page.goto(`${links.spare.replace("/enrol", `${prefixOf(language)}/enrol`)}`);
  await draw(stranger.page, "enrol", language);
}
await stranger.close();

const officer = await officerAt(links.officer);
await shoot(officer.page, "queue", "/");
await shoot(officer.page, "filtered", "/?reason=other&kind=not-urgent");
await officer.page.goto(`${DESK}/en/case/${cases.plain}`);
await officer.page.locator("[data-key=t]").click();
await officer.page.locator("#decide").waitFor();
for (const language of LANGUAGES) {
  await officer.page.goto(`${DESK}${prefixOf(language)}/case/${cases.plain}`);
  await officer.page.locator("details[data-key=r]").evaluate((box) => (box.open = true));
  await draw(officer.page, "case", language);
}
await shoot(officer.page, "bulk", "/bulk?reason=other&kind=no-appeals&action=approve");
await officer.page.goto(`${DESK}/en/bulk?reason=other&kind=no-appeals&action=needs-correction`);
await officer.page.locator("form[action$='/bulk/decide'] button").click();
await officer.page.locator("#done").waitFor();
await shoot(officer.page, "undo", "/bulk");
await officer.page.locator("form[action$='/undo'] button").first().click();
await officer.page.locator("#done").waitFor();
await shoot(officer.page, "not-allowed", "/accounts");

const supervisor = await officerAt(links.supervisor);
await shoot(supervisor.page, "proposals", "/proposals");
await shoot(supervisor.page, "proposal", `/case/${cases.proposed}`);
await shoot(supervisor.page, "approved", `/case/${cases.approved}`);
await shoot(supervisor.page, "second-looks", "/second-looks");
await shoot(supervisor.page, "settings", "/settings");
await supervisor.close();
await officer.close();

const author = await officerAt(links.author);
await shoot(author.page, "rules", "/rules");
await shoot(author.page, "draft", `/rules/draft?version=${cases.draft}`);
await author.close();

const manager = await officerAt(links.manager);
await shoot(manager.page, "reports", "/reports?period=week");
await shoot(manager.page, "report", `/reports/applications-by-hour?since=${cases.yesterday}&until=${cases.yesterday}&district=dhaka`);
await shoot(manager.page, "accounts", "/accounts");
for (const language of LANGUAGES) {
  await manager.page.goto(`${DESK}${prefixOf(language)}/accounts`);
  await manager.page.locator("#name").fill(`Salma Begum ${language}`);
  await manager.page.locator("#role").last().selectOption("officer");
  await manager.page.locator("form[action$='/accounts/add'] button").click();
  await manager.page.locator("#link").waitFor();
  await draw(manager.page, "link", language);
}
await shoot(manager.page, "audit", "/audit");
await manager.close();
await end();
