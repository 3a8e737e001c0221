import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { APP, BLANK_APP, check, HOUSE, Server, withPhone, world, WORLD, type Phone } from "./harness.js";

const scratch = mkdtempSync(join(tmpdir(), "phone-"));
const HOUR = 3600;
let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
  rmSync(scratch, { recursive: true, force: true });
});

void check("the server is killed and the browser restarted: verdicts come from the camera as before", async () => {
  const own = await Server.start(APP);
  const profile = join(scratch, "profile");
  await withPhone({ profile, video: "nothing" }, async (phone) => {
    await phone.open(own.url);
    await phone.page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await phone.page.waitForFunction(async () => (await caches.keys()).length === 1);
  });
  own.kill();
  for (const [video, verdict] of [
    ["accept", "valid"],
    ["revoked", "revoked"],
  ] as const) {
    await withPhone({ profile, video }, async (phone) => {
      const began = performance.now();
      await phone.page.goto(own.url);
      await phone.page.locator(".verdict").waitFor({ timeout: 60_000 });
      console.log(`offline, after a restart: ${verdict} after ${Math.round(performance.now() - began)} ms`);
      assert.equal(await phone.verdict(), verdict);
      const timing = await phone.page.evaluate(() => performance.getEntriesByType("paint").at(-1)?.startTime ?? 0);
      console.log(`first paint from the cache after ${Math.round(timing)} ms`);
    });
  }
});

void check("what is kept for the time without a network is checked at each start, and fetched again", async () => {
  const app = join(scratch, "kept");
  const profile = join(scratch, "kept-profile");
  cpSync(APP, app, { recursive: true });
  const own = await Server.start(app);
  await withPhone({ profile }, async (phone) => {
    const { page } = phone;
    await phone.open(own.url);
    await saysOfOffline(phone, "it was not tried yet");
    await page.evaluate(async () => Promise.all((await caches.keys()).map((name) => caches.delete(name))));
    await page.reload();
    await saysOfOffline(phone, "it was not tried yet");
    const spoilt = await page.evaluate(spoil);
    rmSync(join(app, spoilt));
    await page.reload();
    await page.getByText("does not start without a network now").waitFor();
    await saysOfOffline(phone, "does not work");
    cpSync(APP, app, { recursive: true });
    await page.reload();
    await saysOfOffline(phone, "it was not tried yet");
  });
  own.kill();
  await withPhone({ profile }, async (phone) => {
    await phone.page.goto(own.url);
    await saysOfOffline(phone, "started without a network on ");
  });
});

void check("a new version is taken at the next start, not before", async () => {
  const app = join(scratch, "app");
  const profile = join(scratch, "updated");
  cpSync(BLANK_APP, app, { recursive: true });
  const own = await Server.start(app);
  const version = (phone: Phone): Promise<string> => phone.page.locator("dl div", { hasText: "Version" }).innerText();
  await withPhone({ profile }, async (phone) => {
    await phone.page.goto(own.url);
    await phone.page.waitForFunction(async () => (await navigator.serviceWorker.ready).active !== null);
    await phone.page.getByText("Scan the code that your station shows").waitFor();
    rmSync(app, { recursive: true });
    cpSync(APP, app, { recursive: true });
    await phone.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await phone.page.waitForFunction(async () => Boolean((await navigator.serviceWorker.ready).waiting));
    await phone.page.reload();
    await phone.page.getByText("Scan the code that your station shows").waitFor();
  });
  await withPhone({ profile }, async (phone) => {
    await phone.open(own.url);
    await phone.page.getByRole("button", { name: /^Lists/ }).click();
    assert.match(await version(phone), /[0-9a-f]{8}/);
    await phone.page.waitForFunction(async () => (await caches.keys()).length === 1);
  });
  own.kill();
});

void check("how old lists may be is what was built in", async () => {
  const app = join(scratch, "strict");
  const root = `${WORLD}/authority/repository/metadata/1.root.json`;
  const built = { PHONE_ROOT: root, PHONE_SOURCE: "repository", PHONE_MAX_AGE: "2h", PHONE_WARNING_AGE: "1h" };
  assert.equal(spawnSync("node", ["build.js", app], { env: { ...process.env, ...built } }).status, 0);
  const own = await Server.start(app);
  await withPhone({}, async (phone) => {
    await phone.open(own.url);
    for (const [hours, verdict] of [
      [1, "valid"],
      [3, "stale"],
    ] as const) {
      await phone.setClock(world.now + hours * HOUR);
      await phone.type(world.texts.accept ?? "");
      assert.equal(await phone.verdict(), verdict);
      await phone.next();
    }
    await phone.page.getByRole("button", { name: /^Lists/ }).click();
    await phone.page.getByText("good for 2 h, with a warning from 1 h on").waitFor();
  });
  own.kill();
});

void check("a phone is set up by a code, and by no other", async () => {
  const own = await Server.start(BLANK_APP);
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.goto(own.url);
    await page.getByText("Scan the code that your station shows").waitFor();
    await phone.checkAccess();
    await phone.type(world.texts.accept ?? "");
    await page.getByText("This is not a code for setting up phones").waitFor();
    await phone.type(enrolmentCode("https://elsewhere.example/repository"));
    await page.getByText("the code names elsewhere.example").waitFor();
    await phone.type(enrolmentCode(own.source, "0".repeat(64)));
    await page.getByRole("button", { name: "It is the same" }).click();
    await page.getByText("is not what the code says").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await phone.type(own.enrolment);
    await page.getByText("Compare this with what your station shows").waitFor();
    await phone.checkAccess();
    await page.getByRole("button", { name: "It is the same" }).click();
    await page.getByText(/Lists: \d/).waitFor();
    await phone.type(world.texts.accept ?? "");
    assert.equal(await phone.verdict(), "valid");
    await phone.next();
    await phone.type(enrolmentCode(own.source));
    assert.equal(await phone.verdict(), "not-a-pass");
    await phone.next();
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("button", { name: "Set up anew" }).click();
    await phone.checkAccess();
    await page.getByRole("button", { name: "Forget" }).click();
    await page.getByText("Scan the code that your station shows").waitFor();
  });
  own.kill();
});

void check("a TEST authority says TEST on every screen, and lets nobody through", async () => {
  const own = await Server.start(BLANK_APP, "test-authority");
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.goto(own.url);
    await page.getByText("Scan the code that your station shows").waitFor();
    await phone.type(own.enrolment);
    await page.getByRole("button", { name: "It is the same" }).click();
    await page.locator("#around .test").waitFor();
    await phone.checkAccess();
    await phone.type(world.texts.test ?? "");
    assert.equal(await phone.verdict(), "valid");
    await page.locator(".verdict .test").waitFor();
    assert.match(await phone.text(), /Nobody is let through/);
  });
  own.kill();
});

for (const [what, answer, words] of [
  ["a login page", { status: 200, contentType: "text/html", body: "<html>Log in</html>" }, "A login page came"],
  ["an error", { status: 500, body: "" }, "The server has a fault"],
  ["garbage", { status: 200, body: "{}" }, "does not offer what an authority publishes"],
  ["no network", "abort", "No connection"],
] as const) {
  void check(`${what} in place of the repository: nothing is accepted, and words say what to do`, async () => {
    await withPhone({}, async (phone) => {
      await phone.page.route("**/repository/**", (route) =>
        answer === "abort" ? route.abort() : route.fulfill(answer),
      );
      await phone.page.goto(server.url);
      await phone.page.getByText(words).waitFor();
      await phone.checkAccess();
      await phone.type(world.texts.accept ?? "");
      assert.equal(await phone.verdict(), "unknown-key");
    });
  });
}

void check("a camera that is denied is said so, and numbers go on", async () => {
  await withPhone({ video: "accept", allowed: false }, async (phone) => {
    await phone.open(server.url);
    await phone.page.getByText("The camera is not allowed").waitFor();
    await phone.checkAccess();
    await phone.page.getByRole("button", { name: "Type number" }).click();
    await phone.page.getByLabel("Pass number").fill(world.numbers.revoked ?? "");
    await phone.page.keyboard.press("Enter");
    await phone.page.locator('.verdict[data-outcome="reject"]').waitFor();
  });
});

for (const [name, words] of [
  ["NotReadableError", "Another app is using the camera"],
  ["TypeError", "The camera does not start"],
] as const) {
  void check(`a camera that fails with ${name} is told in words`, async () => {
    await withPhone({ video: "accept" }, async (phone) => {
      await phone.page.addInitScript((error) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", error));
      }, name);
      await phone.open(server.url);
      await phone.page.getByText(words).waitFor();
      await phone.checkAccess();
    });
  });
}

void check("a browser that lacks all that not every browser has shows verdicts all the same", async () => {
  await withPhone({ video: "accept" }, async (phone) => {
    await phone.page.addInitScript(() => {
      for (const name of ["vibrate", "wakeLock", "userActivation"]) Reflect.deleteProperty(Navigator.prototype, name);
      Reflect.deleteProperty(MediaStreamTrack.prototype, "getCapabilities");
      Reflect.deleteProperty(URL, "canParse");
      StorageManager.prototype.persist = () => Promise.reject(new TypeError("no"));
    });
    await phone.page.goto(server.url);
    assert.equal(await phone.verdict(), "valid");
    await phone.next();
    await phone.checkAccess();
  });
});

void check("over http the page verifies nothing, and says why", async () => {
  await withPhone({ flags: ["--host-resolver-rules=MAP passes.example 127.0.0.1"] }, async (phone) => {
    await phone.page.goto(server.url.replace("localhost", "passes.example"));
    await phone.page.getByText("connection that is not secure").waitFor();
    await phone.checkAccess();
  });
});

void check("a phone whose storage was cleared accepts nothing until it is set up anew", async () => {
  const own = await Server.start(BLANK_APP);
  const profile = join(scratch, "cleared");
  await withPhone({ profile }, async ({ page }) => {
    await page.goto(own.url);
    await page.getByText("Scan the code that your station shows").waitFor();
    await page.keyboard.type(own.enrolment);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "It is the same" }).click();
    await page.getByText(/Lists: \d/).waitFor();
    await page.goto("about:blank");
    const session = await page.context().newCDPSession(page);
    await session.send("Storage.clearDataForOrigin", { origin: own.url.replace(/\/$/, ""), storageTypes: "all" });
    await page.goto(own.url);
    await page.getByText("Scan the code that your station shows").waitFor();
    await page.keyboard.type(world.texts.accept ?? "");
    await page.keyboard.press("Enter");
    await page.getByText("This is not a code for setting up phones").waitFor();
    assert.equal(await page.locator(".verdict").count(), 0);
  });
  own.kill();
});

void check("script or reader that were changed on their way are not used, and the page is not blank", async () => {
  for (const [path, words] of [
    ["**/app.*.js", "If this stays, open the page again"],
    ["**/zxing_reader.*.wasm", "The code reader does not start"],
  ] as const) {
    await withPhone({ video: "accept" }, async (phone) => {
      await phone.page.addInitScript(() => {
        // Else the service worker may have the right file by then, and gives that.
        ServiceWorkerContainer.prototype.register = () => new Promise(() => undefined);
      });
      await phone.page.route(path, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: Buffer.concat([await response.body(), Buffer.from("\n")]) });
      });
      await phone.page.goto(server.url);
      await phone.page.getByText(words).waitFor();
      await phone.checkAccess();
      assert.equal(await phone.page.locator(".verdict").count(), 0);
      phone.faults.length = 0; // the browser's, that the script is another
    });
  }
});

void check("a browser that keeps nothing, as in private mode, is told so", async () => {
  await withPhone({}, async (phone) => {
    await phone.page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
    });
    await phone.page.goto(server.url);
    await phone.page.getByText("This browser keeps nothing").waitFor();
    await phone.checkAccess();
  });
});

void check("storage that fills up keeps what is there, and goes on verifying", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await phone.open(server.url);
    await page.evaluate(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    });
    await page.getByRole("button", { name: /^Lists/ }).click();
    await page.getByRole("button", { name: "Sync now" }).click();
    await page.getByText("storage is full").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await phone.type(world.texts.revoked ?? "");
    assert.equal(await phone.verdict(), "revoked");
  });
});

void check("the app has what browsers want of one that can be installed", async () => {
  await withPhone({}, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      StorageManager.prototype.persist = () => {
        document.documentElement.dataset.asked = "to keep";
        return Promise.resolve(true);
      };
    });
    await phone.open(server.url);
    await page.locator('html[data-asked="to keep"]').waitFor();
    const manifest = await page.evaluate(async () => {
      const href = document.querySelector<HTMLLinkElement>("link[rel=manifest]")?.href ?? "";
      return (await (await fetch(href)).json()) as Manifest;
    });
    assert.equal(manifest.display, "standalone");
    for (const field of ["name", "short_name", "start_url"] as const) assert.ok(manifest[field], field);
    const sizes = await page.evaluate(async (icons) => {
      const pictures = icons.map(async ({ src }) => createImageBitmap(await (await fetch(src)).blob()));
      return (await Promise.all(pictures)).map(({ width, height }) => `${width}x${height}`);
    }, manifest.icons);
    assert.deepEqual(sizes, ["192x192", "512x512"]);
    assert.deepEqual(
      manifest.icons.map((icon) => icon.sizes),
      sizes,
    );
    await page.evaluate(async () => navigator.serviceWorker.ready.then(({ active }) => active?.scriptURL));
    assert.ok(await page.evaluate(() => isSecureContext && document.querySelector("meta[name=viewport]") !== null));
  });
});

void check("the app can be installed, and asks nobody else for anything", async () => {
  await withPhone({}, async (phone) => {
    const asked: string[] = [];
    phone.page.on("request", (request) => asked.push(new URL(request.url()).origin));
    await phone.open(server.url);
    await phone.page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    const session = await phone.context.newCDPSession(phone.page);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    assert.deepEqual(
      installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"),
      [],
    );
    assert.deepEqual(new Set(asked), new Set([new URL(server.url).origin]));
    const blocked = await phone.page.evaluate(() =>
      fetch("https://example.org/").then(
        () => false,
        () => true,
      ),
    );
    assert.ok(blocked);
    phone.faults.length = 0; // the one just made
  });
});

interface Manifest {
  readonly name: string;
  readonly short_name: string;
  readonly start_url: string;
  readonly display: string;
  readonly icons: readonly { readonly src: string; readonly sizes: string }[];
}

/** See what the page of this phone says of the time without a network. */
async function saysOfOffline({ page }: Phone, words: string): Promise<void> {
  await page.getByRole("button", { name: /^Lists/ }).click();
  await page.getByText(words).waitFor();
  await page.getByRole("button", { name: "Back" }).click();
}

/** Put something else in the place of a kept file; return the file's name. */
async function spoil(): Promise<string> {
  const [name = ""] = await caches.keys();
  const cache = await caches.open(name);
  const file = (await cache.keys()).find(({ url }) => url.includes("icon-512"));
  if (!file) throw new Error("no icon is kept");
  await cache.put(file, new Response("something else"));
  return new URL(file.url).pathname.slice(1);
}

/** Make a code that sets a phone up from a source, for the world's root or another. */
function enrolmentCode(source: string, root = ""): string {
  const script = `${HOUSE}/tests/phone/enrolment_code.py`;
  const done = spawnSync(`${HOUSE}/.venv/bin/python`, [script, source, `${WORLD}/authority`, root]);
  return done.stdout.toString().trim();
}
