import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, world, type Phone } from "./harness.js";

const SIZES = [
  [412, 915],
  [320, 480],
  [640, 320],
  [360, 640],
] as const;
const PERCENTS = [100, 150, 200];
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

for (const locale of ["en", "bn"]) {
  void check(`the outcome is in sight and no word is broken, in any size of text and screen: ${locale}`, async () => {
    await withPhone({ context: { locale } }, async (phone) => {
      const { page } = phone;
      await phone.open(server.url);
      for (const name of ["newer", "accept", "revoked"]) {
        await phone.type(world.texts[name] ?? "");
        await page.locator(".verdict").waitFor();
        for (const [width, height] of SIZES) {
          for (const percent of PERCENTS) {
            await resize(phone, width, height, percent);
            for (const end of [false, true]) {
              const wrong = [...(await page.evaluate(hiddenAt, end)), ...(await page.evaluate(brokenWords))];
              assert.deepEqual(wrong, [], `${name} ${width}x${height} ${percent} %`);
            }
          }
        }
        await resize(phone, 412, 915, 100);
        await phone.next();
      }
    });
  });
}

void check("a verdict that is longer than the screen shows it, until its end is in sight", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await phone.type(world.texts.newer ?? "");
    await page.locator(".verdict").waitFor();
    for (const [width, height] of [
      [640, 320],
      [412, 640],
    ] as const) {
      await resize(phone, width, height, 100);
      await page.evaluate(() => document.querySelector("#over")?.scrollTo(0, 0));
      await page.locator("#over[data-more]").waitFor();
      await page.evaluate(() => document.querySelector("#over")?.scrollTo(0, 1e6));
      await page.locator("#over:not([data-more])").waitFor();
    }
  });
});

void check("the page is never translated, and names from outside keep to their row and direction", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    assert.equal(await page.locator("html").getAttribute("translate"), "no");
    await phone.type(world.texts.bangla ?? "");
    assert.equal(await phone.verdict(), "valid");
    const row = page.locator("dd", { hasText: "রহিমা খাতুন" }).first();
    assert.equal(await row.locator("bdi").count(), 1);
    const style = await row.evaluate((dd) => getComputedStyle(dd).overflowY);
    assert.equal(style, "clip");
  });
});

void check(
  "a verdict has a second that moves, also where less motion is asked for, and with a clock that stands",
  async () => {
    await withPhone({ context: { reducedMotion: "reduce" } }, async (phone) => {
      const { page } = phone;
      await phone.setClock(world.now);
      await phone.open(server.url);
      await phone.type(world.texts.accept ?? "");
      const beat = page.locator(".verdict .beat");
      const first = await beat.innerText();
      assert.match(first, /\d\d:\d\d:\d\d$/);
      await page.waitForFunction((text) => document.querySelector(".beat")?.textContent !== text, first);
    });
  },
);

async function resize({ page }: Phone, width: number, height: number, percent: number): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.evaluate((size) => {
    document.documentElement.style.fontSize = `${(18 * size) / 100}px`;
  }, percent);
}

/** Say what hides the outcome or leaves the screen, with the verdict scrolled to its beginning or its end. */
function hiddenAt(atEnd: boolean): string[] {
  const [over, outcome, heading] = ["#over", ".verdict .outcome", ".verdict h1"].map((s) => document.querySelector(s));
  if (!over || !outcome || !heading) return ["no verdict"];
  over.scrollTo(0, atEnd ? 1e6 : 0);
  const { left, right, top, bottom, height } = outcome.getBoundingClientRect();
  const onTop = document.elementFromPoint(left + 4, top + height / 2);
  const buttons = Array.from(over.querySelectorAll("button"), (button) => {
    const box = button.getBoundingClientRect();
    return [`${button.innerText} is too wide`, box.right > innerWidth || button.scrollWidth > button.clientWidth + 1];
  });
  const found = [
    ["the outcome is cut off", top < 0 || bottom > innerHeight || right > innerWidth],
    [`over the outcome lies ${onTop?.outerHTML.slice(0, 80) ?? "nothing"}`, onTop !== outcome],
    ["the heading leaves no room", heading.getBoundingClientRect().height > 0.6 * innerHeight],
    ["it scrolls sideways", over.scrollWidth > over.clientWidth],
    ...buttons,
  ] as const;
  return found.flatMap(([what, isSo]) => (isSo ? [String(what)] : []));
}

/** List the words of a verdict that stand on more than one line. */
function brokenWords(): string[] {
  const texts = document.createTreeWalker(document.querySelector(".verdict") ?? document.body, NodeFilter.SHOW_TEXT);
  const broken: string[] = [];
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (const { index, 0: word } of (node.textContent ?? "").matchAll(/[^\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = new Set(Array.from(range.getClientRects(), ({ bottom }) => Math.round(bottom)));
      if (lines.size > 1) broken.push(`broken: ${word}`);
    }
  }
  return broken;
}
