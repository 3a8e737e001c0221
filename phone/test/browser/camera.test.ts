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

void check(
  "a picture that stands still, or that the phone sends no more, says so, and so does one that moves",
  async () => {
    await withPhone({ video: "nothing" }, async (phone) => {
      const { page } = phone;
      await page.addInitScript(() => {
        const canvas = document.createElement("canvas");
        const draw = (): void => {
          const context = canvas.getContext("2d");
          if (!context) return;
          context.fillStyle = `rgb(${isSame ? "0 0 0" : `${Math.random() * 255} 0 0`})`;
          context.fillRect(0, 0, 150, 300);
        };
        let isSame = false;
        let timer = setInterval(draw, 100);
        navigator.mediaDevices.getUserMedia = () => Promise.resolve(canvas.captureStream(10));
        Object.assign(globalThis, {
          freeze: () => {
            clearInterval(timer);
          },
          move: () => {
            timer = setInterval(draw, 100);
          },
          repeat: () => {
            isSame = true;
          },
          change: () => {
            isSame = false;
          },
          mute: () => {
            Object.defineProperty(MediaStreamTrack.prototype, "muted", { get: () => true });
          },
        });
      });
      await phone.open(server.url);
      for (const [act, words] of [
        ["freeze", "is frozen"],
        ["move", "Hold the code into the picture"],
        ["repeat", "is frozen"], // frames come, with always the same pixels
        ["change", "Hold the code into the picture"],
        ["mute", "is frozen"],
      ] as const) {
        await page.evaluate((name) => (globalThis as unknown as Record<string, () => void>)[name]?.(), act);
        await page.getByText(words).waitFor();
      }
    });
  },
);

void check("a camera that opens while the page is put away is let go, and opened when it is back", async () => {
  await withPhone({ video: "accept" }, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      const media = navigator.mediaDevices;
      const open = media.getUserMedia.bind(media);
      const streams: MediaStream[] = [];
      Object.assign(globalThis, { streams });
      let goOn = (): void => undefined;
      const waits = new Promise<void>((done) => (goOn = done));
      Object.assign(globalThis, { goOn: () => goOn() });
      media.getUserMedia = async (wanted) => {
        const stream = await open(wanted);
        streams.push(stream);
        await waits;
        return stream;
      };
    });
    await page.goto(server.url);
    await page.waitForFunction(() => (globalThis as unknown as Opened).streams.length === 1);
    await hide(phone, true);
    await page.evaluate(() => {
      (globalThis as unknown as Opened).goOn();
    });
    await page.waitForFunction(() => (globalThis as unknown as Opened).streams.every(({ active }) => !active));
    await hide(phone, false);
    assert.equal(await phone.verdict(), "valid");
  });
});

void check("of several cameras one is chosen, and kept; a camera that zooms has a slider", async () => {
  const flags = ["--use-fake-device-for-media-stream=device-count=3", "--use-fake-ui-for-media-stream"];
  await withPhone({ flags }, async (phone) => {
    const { page } = phone;
    await page.addInitScript(() => {
      const zoom = { min: 1, max: 4, step: 0.5 };
      MediaStreamTrack.prototype.getCapabilities = () => ({ zoom }) as MediaTrackCapabilities;
      MediaStreamTrack.prototype.applyConstraints = (wanted) => {
        document.documentElement.dataset.wanted = JSON.stringify(wanted);
        return Promise.resolve();
      };
    });
    const camera = (): Promise<string | undefined> =>
      page.evaluate(() => {
        const { srcObject } = document.querySelector("video") ?? {};
        return srcObject instanceof MediaStream ? srcObject.getVideoTracks()[0]?.getSettings().deviceId : undefined;
      });
    await phone.open(server.url);
    const other = page.getByRole("button", { name: "Other camera" });
    await other.waitFor();
    await phone.checkAccess();
    const first = await camera();
    await other.click();
    await page.waitForFunction((before) => {
      const { srcObject } = document.querySelector("video") ?? {};
      const id = srcObject instanceof MediaStream ? srcObject.getVideoTracks()[0]?.getSettings().deviceId : before;
      return id !== before;
    }, first);
    const second = await camera();
    await page.reload();
    await other.waitFor();
    assert.equal(await camera(), second);
    await page.getByLabel("Zoom").fill("2.5");
    assert.match((await page.locator("html").getAttribute("data-wanted")) ?? "", /"zoom":2.5/);
  });
});

interface Opened {
  readonly streams: readonly MediaStream[];
  readonly goOn: () => void;
}

/** Play what a phone does whose screen is switched off, or on again. */
async function hide({ page }: Phone, hidden: boolean): Promise<void> {
  await page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { value: now, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}
