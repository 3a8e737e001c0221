/** How long the site's solver takes in Chromium, at full speed and slowed six times, in the page's own thread.
 *
 *  A worker is not slowed by Chromium's tools, so the same code runs in the page here. `node solving.mjs HASHES`
 */

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

const root = new URL("../../../", import.meta.url);
const { chromium } = createRequire(new URL("phone/package.json", root))("playwright-core");
const solver = readFileSync(new URL("service/movepass_service/site/static/solver.js", root), "utf-8");
const hashes = Number(process.argv[2] ?? 20000);
const salt = "0123456789abcdef01234567?expires=1800000000&form=0123456789abcdef&";
const task = { salt, maxnumber: hashes, challenge: createHash("sha256").update(salt + hashes).digest("hex") };

const server = createServer((_, answer) => answer.end("<!doctype html><title>solver</title>")).listen(0, "localhost");
await new Promise((resolve) => server.once("listening", resolve));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
await page.goto(`http://localhost:${server.address().port}/`);
const tools = await page.context().newCDPSession(page);
for (const rate of [1, 6]) {
  await tools.send("Emulation.setCPUThrottlingRate", { rate });
  const seconds = await page.evaluate(`new Promise((resolve) => {
    let onmessage;
    const began = performance.now();
    const postMessage = () => resolve((performance.now() - began) / 1000);
    ${solver}
    onmessage({ data: ${JSON.stringify(task)} });
  })`);
  console.log(JSON.stringify({ slowed: rate, hashes, seconds: Number(seconds.toFixed(2)), per_s: Math.round(hashes / seconds) }));
}
await browser.close();
server.close();
