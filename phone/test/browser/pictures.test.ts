import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, WORLD, type Phone } from "./harness.js";

let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("a transparent picture shows nothing of the picture before it", async () => {
  await withPhone({}, async (phone) => {
    await phone.open(server.url);
    await choose(phone, "accept.png");
    assert.equal(await phone.verdict(), "valid");
    await phone.next();
    await choose(phone, "transparent.png");
    await phone.page.getByText("No code was found").waitFor();
    assert.equal(await phone.page.locator(".verdict").count(), 0);
  });
});

void check("a transparent picture shows nothing of the camera's frame", async () => {
  await withPhone({ video: "accept" }, async (phone) => {
    await phone.page.goto(server.url);
    assert.equal(await phone.verdict(), "valid");
    await phone.next();
    await choose(phone, "transparent.png");
    await phone.page.getByText("No code was found").waitFor();
    await phone.page.waitForTimeout(500);
    assert.equal(await phone.page.locator(".verdict").count(), 0);
  });
});

void check("a code in black on nothing is read, however it is coded", async () => {
  await withPhone({}, async (phone) => {
    await phone.open(server.url);
    for (const name of ["rgba.png", "la.png", "palette.png", "rgba.webp"]) {
      await choose(phone, `on-nothing-${name}`);
      assert.equal(await phone.verdict(), "revoked", name);
      await phone.next();
    }
  });
});

void check("of two pictures that are chosen only the later one is judged, whichever is read first", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await page.evaluate(() => {
      const decode = createImageBitmap.bind(globalThis);
      let times = 0;
      globalThis.createImageBitmap = async (source: ImageBitmapSource): Promise<ImageBitmap> => {
        const picture = await decode(source);
        if (times++ === 0) await new Promise((done) => setTimeout(done, 1500));
        return picture;
      };
    });
    await choose(phone, "accept.png");
    await choose(phone, "on-nothing-rgba.png");
    assert.equal(await phone.verdict(), "revoked");
    await phone.next();
    await page.waitForTimeout(2000);
    assert.equal(await page.locator(".verdict").count(), 0);
  });
});

void check("a chosen picture takes the place of a verdict that came while it was being chosen", async () => {
  await withPhone({ video: "revoked" }, async (phone) => {
    const { page } = phone;
    await page.goto(server.url);
    assert.equal(await phone.verdict(), "revoked");
    await choose(phone, "accept.png");
    await page.locator('.verdict[data-verdict="valid"]').waitFor();
    await choose(phone, "nothing.png");
    await page.locator(".verdict").waitFor({ state: "detached" });
    await page.getByText("No code was found").waitFor();
  });
});

void check("a picture that never ends to be read is given up, and the next one is read", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      const post = Worker.prototype.postMessage; // eslint-disable-line @typescript-eslint/unbound-method
      Worker.prototype.postMessage = function (): void {
        Worker.prototype.postMessage = post; // this picture never reaches the worker
      };
    });
    await page.clock.install();
    await phone.open(server.url);
    await choose(phone, "accept.png");
    await page.waitForTimeout(500);
    await page.clock.runFor(11_000);
    await page.getByText("No code was found").waitFor();
    await choose(phone, "accept.png");
    assert.equal(await phone.verdict(), "valid");
  });
});

void check("pictures that can't be opened are pictures without a code, and the next one is read", async () => {
  await withPhone({}, async (phone) => {
    await phone.open(server.url);
    for (const name of ["broken.png", "huge.png", "thin.png"]) {
      await choose(phone, name);
      await phone.page.getByText("No code was found").waitFor();
      await choose(phone, "accept.png");
      assert.equal(await phone.verdict(), "valid");
      await phone.next();
    }
  });
});

async function choose({ page }: Phone, name: string): Promise<void> {
  await page.setInputFiles("input[type=file]", `${WORLD}/${name}`);
}
