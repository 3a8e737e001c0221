/** The floor: a page that shows a camera's codes as zxing-wasm reads them, and does nothing else. */

const video = document.querySelector("video");
const shown = document.querySelector("output");
if (!video || !shown) throw new Error("the page is another");
const worker = new Worker("worker.js", { type: "module" });

async function answer(picture?: ImageBitmap): Promise<string> {
  const come = new Promise<string>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<string>): void => {
      resolve(data);
    };
  });
  if (picture) worker.postMessage(picture, [picture]);
  return come;
}

await answer();
video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1920, height: 1080 } });
await video.play();
for (;;) {
  while (document.documentElement.dataset.rest !== undefined) await new Promise((done) => setTimeout(done, 50));
  const text = await answer(await createImageBitmap(video));
  if (text) shown.textContent = text;
}

export {};
