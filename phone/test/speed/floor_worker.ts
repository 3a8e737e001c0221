/** zxing-wasm alone in a worker, with the options that the app has. */

import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

const wasmBinary = await (await fetch("zxing_reader.wasm")).arrayBuffer();
await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
const canvas = new OffscreenCanvas(1, 1);

addEventListener("message", ({ data: picture }: MessageEvent<ImageBitmap>) => {
  const { width, height } = picture;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(picture, 0, 0);
  picture.close();
  void readBarcodes(context.getImageData(0, 0, width, height), {
    formats: ["QRCode"],
    tryHarder: true,
    tryRotate: true,
    tryInvert: true,
    tryDownscale: true,
    maxNumberOfSymbols: 32,
    textMode: "Plain",
  }).then((results) => {
    postMessage(results.find(({ isValid }) => isValid)?.text ?? "");
  });
});
postMessage("");
