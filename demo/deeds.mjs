/** Do what the demo says: one JSON object a line on standard input, one answer a line on standard output. */

import { createInterface } from "node:readline";

export async function answerDeeds(deeds) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { deed, ...given } = JSON.parse(line);
    let answer;
    try {
      answer = await deeds[deed](given);
    } catch (error) {
      answer = { broken: String(error.stack ?? error) };
    }
    console.log(JSON.stringify(answer));
  }
}
