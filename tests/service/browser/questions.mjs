/** Answers ten questions of a manager at the desk; prints a line of JSON each: clicks, milliseconds, and the answer. */

import { DESK, officerAt } from "./desk.mjs";
import { end, start } from "./chromium.mjs";

const { manager: link } = JSON.parse(process.env.LINKS);
const { yesterday } = JSON.parse(process.env.CASES);
const NUMBERS = "Numbers";

await start();
const { page, close } = await officerAt(link);
let clicks;

/** Click, and count it. A choice in a list is two clicks, a date that is typed one. */
async function click(target) {
  clicks += 1;
  await target.click();
}
async function choose(name, value) {
  clicks += 2;
  await page.locator(`select#${name}`).selectOption(value);
}
async function typeDay(name, value) {
  clicks += 1;
  await page.locator(`input#${name}`).fill(value);
}
const panel = (name) => page.locator(`section.panel[aria-labelledby=${name}]`);
const openReports = () => click(page.locator("header nav a", { hasText: "Reports" }));
const openWeek = () => click(page.getByRole("link", { name: "The last 7 days" }));
const openReport = (name) => click(panel(name).locator("h2 a"));
const openNumbers = (name) => click(panel(name).locator("summary", { hasText: NUMBERS }));
const show = () => click(page.locator("form.grid button"));
const cells = async (row) => (await row.locator("th, td").allInnerTexts()).join(" | ");
const totals = (name) => cells(panel(name).locator("tfoot tr"));
const first = (name) => cells(panel(name).locator("tbody tr").first());
const last = (name) => cells(panel(name).locator("tbody tr").last());
const drawn = async (name) => (await panel(name).locator("svg text").allTextContents()).slice(0, 2).join(" ");

const questions = [
  ["How many people have applied today?", async () => {
    await openReports();
    await openNumbers("applications-by-hour");
    return totals("applications-by-hour");
  }],
  ["How long do urgent applications wait?", async () => {
    await openReports();
    await openNumbers("time-to-decision");
    return first("time-to-decision");
  }],
  ["How many cases wait for an officer now, and for how long?", async () => {
    await openReports();
    await openNumbers("cases-waiting");
    return last("cases-waiting");
  }],
  ["Which rule refused most this week?", async () => {
    await openReports();
    await openWeek();
    return drawn("refusals-by-rule");
  }],
  ["Whose approvals did second looks disagree with this week?", async () => {
    await openReports();
    await openWeek();
    await openNumbers("officers-load");
    return first("officers-load");
  }],
  ["Where were most forged passes found this week?", async () => {
    await openReports();
    await openWeek();
    return drawn("verdicts-by-district");
  }],
  ["How long did revoked passes take until devices could know?", async () => {
    await openReports();
    await openWeek();
    await openNumbers("revocations");
    return first("revocations");
  }],
  ["How many medical trips from Dhaka were applied for yesterday?", async () => {
    await openReports();
    await openReport("applications-by-district");
    await typeDay("since", yesterday);
    await typeDay("until", yesterday);
    await choose("reason", "medical");
    await show();
    await page.waitForURL(/reason=medical/);
    return cells(page.locator("tbody tr", { hasText: "Dhaka" }).first());
  }],
  ["How many passes from Dhaka are in force in each hour today?", async () => {
    await openReports();
    await openReport("passes-in-force");
    await choose("from", "dhaka");
    await show();
    await page.waitForURL(/from=dhaka/);
    return cells(page.locator("tbody tr").last());
  }],
  ["What can I send to the ministry about this week?", async () => {
    await openReports();
    await openWeek();
    await openReport("applications-by-district");
    const downloading = page.waitForEvent("download");
    await click(page.getByRole("link", { name: "Download as CSV" }));
    return (await downloading).suggestedFilename();
  }],
];
for (const [question, answer] of questions) {
  await page.goto(`${DESK}/en/rules`);
  clicks = 0;
  const begun = performance.now();
  const found = await answer();
  console.log(JSON.stringify({ question, clicks, ms: Math.round(performance.now() - begun), answer: found }));
}
await close();
await end();
