/** Shows videos to the app's camera, one after the other, and prints which it read: `node reading.mjs VIDEO…`. */

import { APP, Phone, Server } from "./harness.js";

const MILLISECONDS = 3000;

const server = await Server.start(APP);
const read: Record<string, boolean> = {};
for (const video of process.argv.slice(2)) {
  const phone = await Phone.start({ video });
  await phone.page.goto(server.url);
  await phone.page.getByText("Hold the code into the picture").or(phone.page.locator(".verdict")).first().waitFor();
  const verdict = phone.page.locator(".verdict").waitFor({ timeout: MILLISECONDS });
  read[video] = await verdict.then(
    () => true,
    () => false,
  );
  await phone.close();
}
server.kill();
console.log(JSON.stringify(read));
