import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, world } from "./harness.js";

let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("a sync that hangs keeps no check waiting", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    let asked = 0;
    await page.route("**/repository/**", () => {
      asked += 1; // and never answered
    });
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("button", { name: "Sync now" }).click();
    await page.getByText("Syncing").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await phone.type(world.texts.accept ?? "");
    assert.equal(await phone.verdict(), "valid");
    assert.ok(asked > 0);
  });
});

void check("a verdict closes by itself, and nothing of its holder stays", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.clock.install();
    await phone.open(server.url);
    await phone.type(world.texts.accept ?? "");
    assert.equal(await phone.verdict(), "valid");
    await page.clock.runFor(15_000);
    assert.equal(await page.locator(".verdict").count(), 1);
    await page.clock.runFor(6_000);
    await page.locator(".verdict").waitFor({ state: "detached" });
    assert.ok(!(await page.content()).includes(world.holder));
  });
});

void check("the light is switched on, and stays on while a verdict shows", async () => {
  await withPhone({ video: "nothing" }, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      const lights: boolean[] = [];
      Object.assign(globalThis, { lights });
      MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true }) as MediaTrackCapabilities;
      MediaStreamTrack.prototype.applyConstraints = (wanted) => {
        const [{ torch } = {}] = (wanted?.advanced ?? []) as { torch?: boolean }[];
        if (torch !== undefined) lights.push(torch);
        return Promise.resolve();
      };
    });
    await phone.open(server.url);
    const light = page.getByRole("button", { name: "Light" });
    await light.click();
    await page.locator('button[aria-pressed="true"]').waitFor();
    await phone.checkAccess();
    await phone.type(world.texts.accept ?? "");
    await phone.verdict();
    await phone.next();
    assert.equal(await light.getAttribute("aria-pressed"), "true");
    await light.click();
    await page.locator('button[aria-pressed="false"]').waitFor();
    assert.deepEqual(await page.evaluate(() => (globalThis as unknown as { lights: boolean[] }).lights), [true, false]);
  });
});

void check("each outcome shakes and sounds in its own way, from the first tap on", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      const felt: string[] = [];
      const heard: string[] = [];
      Object.assign(globalThis, { felt, heard });
      navigator.vibrate = (pattern) => {
        felt.push(JSON.stringify(pattern));
        return true;
      };
      OscillatorNode.prototype.start = function () {
        heard.push(String(this.frequency.value));
      };
      OscillatorNode.prototype.stop = () => undefined;
    });
    const signals = (): Promise<[string[], string[]]> =>
      page.evaluate((): [string[], string[]] => {
        const { felt, heard } = globalThis as unknown as Record<"felt" | "heard", string[]>;
        return [felt.splice(0), heard.splice(0)];
      });
    await phone.open(server.url);
    await phone.type(world.texts.accept ?? "");
    await phone.verdict();
    assert.deepEqual(await signals(), [[], []]);
    await phone.next();
    const seen = new Set<string>();
    for (const name of ["accept", "revoked", "newer"]) {
      await phone.type(world.texts[name] ?? "");
      await phone.verdict();
      const [felt, heard] = await signals();
      assert.equal(felt.length, 1, name);
      assert.ok(heard.length > 0, name);
      seen.add(`${felt.join()} ${heard.join()}`);
      await phone.next();
    }
    assert.equal(seen.size, 3);
  });
});
