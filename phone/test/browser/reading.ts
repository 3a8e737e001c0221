/**
 * Shows videos to the app's camera, one after the other: `node reading.mjs VIDEO…` prints after how many milliseconds
 * each was read, or null.
 *
 * One browser does them all: its fake camera opens its file anew with every page.
 */

import { copyFileSync, renameSync } from "node:fs";
import { APP, Phone, Server, WORLD } from "./harness.js";

const MILLISECONDS = 3000;
const CAMERA = "camera";

const videos = process.argv.slice(2);
const inCamera = (video: string): void => {
  copyFileSync(`${WORLD}/${video}.y4m`, `${WORLD}/${CAMERA}.new`);
  renameSync(`${WORLD}/${CAMERA}.new`, `${WORLD}/${CAMERA}.y4m`); // the browser may still be reading the one before
};
inCamera("nothing");
const server = await Server.start(APP);
const phone = await Phone.start({ video: CAMERA });
await phone.open(server.url);
const read: Record<string, number | null> = {};
for (const video of videos) {
  inCamera(video);
  await phone.page.goto(server.url);
  await phone.page.getByText("Hold the code into the picture").or(phone.page.locator(".verdict")).first().waitFor();
  const began = performance.now();
  const verdict = phone.page.locator(".verdict").waitFor({ timeout: MILLISECONDS });
  read[video] = await verdict.then(
    () => Math.round(performance.now() - began),
    () => null,
  );
}
await phone.close();
server.kill();
console.log(JSON.stringify(read));
