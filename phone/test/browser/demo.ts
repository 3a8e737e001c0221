/**
 * The phone played: `node demo.mjs OUT` sets one up by its code, shows it five passes by its camera, and leaves a
 * picture of each verdict in both languages and both themes. It fails if a verdict is not the expected one.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BLANK_APP, APP, HOUSE, Phone, Server, world } from "./harness.js";

const HOUR = 3600;
/** What is shown to the camera, how many hours later, and what must come of it. */
const SHOWN = [
  ["accept", "accept", 0, "valid"],
  ["revoked", "revoked", 0, "revoked"],
  ["forged", "forged", 0, "forged"],
  ["expired", "accept", 5, "expired"],
  ["cannot-verify", "later", 30, "stale"],
] as const;
const LANGUAGES = ["en", "bn"] as const;
const THEMES = ["light", "dark"] as const;

async function main(out: string): Promise<void> {
  mkdirSync(out, { recursive: true });
  await setUp(out);
  const server = await Server.start(APP);
  try {
    for (const language of LANGUAGES) {
      const profile = mkdtempSync(join(tmpdir(), "phone-"));
      await look(server, out, language, profile);
      for (const shown of SHOWN) await show(server, out, language, profile, shown);
      rmSync(profile, { recursive: true, force: true });
    }
  } finally {
    server.kill();
  }
}

/** Set a phone up by the code that its camera sees. */
async function setUp(out: string): Promise<void> {
  const server = await Server.start(BLANK_APP);
  const made = spawnSync(`${HOUSE}/.venv/bin/python`, ["-m", "phone.world", "--enrolment", server.source], {
    cwd: HOUSE,
    env: { ...process.env, PYTHONPATH: "tests" },
    stdio: "inherit",
  });
  assert.equal(made.status, 0);
  const phone = await Phone.start({ video: "enrolment" });
  await phone.page.goto(server.url);
  await phone.page.getByText("Compare this").waitFor();
  await phone.page.screenshot({ path: `${out}/set-up.png` });
  await phone.page.getByRole("button", { name: "It is the same" }).click();
  await phone.page.getByText(/Lists: \d/).waitFor();
  console.log("set up by its code");
  await phone.close();
  server.kill();
}

type Shown = (typeof SHOWN)[number];

async function show(server: Server, out: string, locale: string, profile: string, shown: Shown): Promise<void> {
  const [name, video, hours, verdict] = shown;
  const phone = await Phone.start({ video, profile, context: { locale } });
  await phone.setClock(world.now + hours * HOUR);
  await phone.page.goto(server.url);
  const came = await phone.verdict();
  console.log(`${name}, ${locale}: ${came}`);
  assert.equal(came, verdict);
  for (const theme of THEMES) {
    await phone.page.emulateMedia({ colorScheme: theme });
    await phone.page.screenshot({ path: `${out}/${name}-${locale}-${theme}.png` });
  }
  await phone.close();
}

/** Leave pictures of the other screens. */
async function look(server: Server, out: string, language: string, profile: string): Promise<void> {
  const phone = await Phone.start({ video: "nothing", profile, context: { locale: language } });
  const { page } = phone;
  const words =
    language === "en"
      ? { number: "Type number", back: "Back to scanning" }
      : { number: "নম্বর লিখুন", back: "স্ক্যানে ফিরুন" };
  await phone.open(server.url);
  await page.screenshot({ path: `${out}/scanning-${language}.png` });
  await page.getByRole("button", { name: words.number }).click();
  await page.locator("#number").fill(world.numbers.accept?.slice(0, 7) ?? "");
  await page.screenshot({ path: `${out}/number-${language}.png` });
  await page.getByRole("button", { name: words.back }).click();
  await page.locator(".badge").click();
  await page.screenshot({ path: `${out}/this-phone-${language}.png`, fullPage: true });
  await phone.close();
}

await main(process.argv[2] ?? "docs/phone");
