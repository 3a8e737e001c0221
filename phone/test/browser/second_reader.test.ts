import assert from "node:assert/strict";
import { after, before } from "node:test";
import { APP, check, Server, withPhone, type Phone } from "./harness.js";

let server: Server;

before(async () => {
  server = await Server.start(APP);
});

after(() => {
  Server.killAll();
});

void check("a code that only other looks read is shown once while it stays in view, on a slow phone too", async () => {
  await withPhone({ video: "out-of-focus" }, async (phone) => {
    const { page } = phone;
    await changeSecondWorker(phone, "slow");
    await page.goto(server.url);
    assert.equal(await phone.verdict(), "valid");
    await phone.next();
    await page.waitForTimeout(6000);
    assert.equal(await page.locator(".verdict").count(), 0);
  });
});

void check("where the second reader dies, the first takes the other looks as well", async () => {
  await withPhone({ video: "out-of-focus" }, async (phone) => {
    await changeSecondWorker(phone, "dies");
    await phone.page.goto(server.url);
    assert.equal(await phone.verdict(), "valid");
    assert.equal(await phone.page.evaluate(() => document.documentElement.dataset.worker), "died");
  });
});

void check("a picture is looked at once, and seldom again where no new one comes", async () => {
  await withPhone({ video: "nothing" }, async (phone) => {
    const { page } = phone;
    await page.addInitScript(standStill);
    await phone.open(server.url);
    await page.waitForFunction(() => looks() > 0);
    const [from, to] = await page.evaluate(async () => {
      const begin = looks();
      await new Promise((done) => setTimeout(done, 2400));
      return [begin, looks()] as const;
    });
    assert.ok(to > from, "a browser may not tell of a new picture");
    assert.ok(to - from <= 9, `${to - from} looks at one picture`);
  });
});

void check("the camera is opened before the store is there", async () => {
  await withPhone({ video: "accept" }, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      const media = navigator.mediaDevices;
      const [ask, open] = [media.getUserMedia.bind(media), indexedDB.open.bind(indexedDB)];
      const isAsked = new Promise<void>((asked) => {
        media.getUserMedia = (wanted) => {
          asked();
          return ask(wanted);
        };
      });
      IDBFactory.prototype.open = (name) => {
        const request = open(name, 1);
        request.addEventListener("success", (event) => {
          event.stopImmediatePropagation();
          void isAsked.then(() => {
            request.onsuccess?.(event);
          });
        });
        return request;
      };
    });
    await page.goto(server.url);
    assert.equal(await phone.verdict(), "valid");
  });
});

declare const looks: () => number;

/** Give a camera that shows a few pictures and then stands still, and count the pictures that are looked at. */
function standStill(): void {
  const canvas = document.createElement("canvas");
  const timer = setInterval(() => {
    const context = canvas.getContext("2d");
    if (!context) return;
    context.fillStyle = `rgb(${Math.random() * 255} 0 0)`;
    context.fillRect(0, 0, 150, 300);
  }, 100);
  navigator.mediaDevices.getUserMedia = () => Promise.resolve(canvas.captureStream(10));
  let count = 0;
  const post = Worker.prototype.postMessage; // eslint-disable-line @typescript-eslint/unbound-method
  Object.assign(Worker.prototype, {
    postMessage(this: Worker, message: { readonly how: string }, transfer: Transferable[]): void {
      if (message.how === "as it is" && ++count === 5) clearInterval(timer);
      post.call(this, message, { transfer });
    },
  });
  Object.assign(globalThis, { looks: () => Math.max(0, count - 5) });
}

/** Let the second worker that gets a picture take long to begin with each, or die of its first one. */
async function changeSecondWorker({ page }: Phone, how: "slow" | "dies"): Promise<void> {
  await page.addInitScript((change) => {
    const post = Worker.prototype.postMessage; // eslint-disable-line @typescript-eslint/unbound-method
    const workers = new Set<Worker>();
    Object.assign(Worker.prototype, {
      postMessage(this: Worker, message: unknown, transfer: Transferable[]): void {
        const go = (): void => {
          post.call(this, message, { transfer });
        };
        if (Array.from(workers.add(this)).indexOf(this) !== 1) {
          go();
        } else if (change === "slow") {
          setTimeout(go, 1500);
        } else {
          document.documentElement.dataset.worker = "died";
          this.dispatchEvent(new ErrorEvent("error", { message: "out of memory" }));
        }
      },
    });
  }, how);
}
