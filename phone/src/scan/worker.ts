/** Reads QR codes out of pictures, beside the page: zxing-wasm, with our own copy of its wasm, whose hash it knows. */

import { prepareZXingModule, readBarcodes, ZXING_WASM_SHA256, type ReaderOptions } from "zxing-wasm/reader";
import { hex, sha256 } from "../wire/bytes.js";

declare const WASM_PATH: string;

/** What the page asks, and what it is answered: every text found, or what went wrong. */
export interface ReadRequest {
  readonly id: number;
  readonly picture: ImageBitmap;
}
export interface ReadAnswer {
  readonly id: number;
  readonly texts: readonly string[];
  readonly fault?: string;
}

/** As many as it takes to see that there is more than one. */
const CODES_MOST = 3;
const OPTIONS: ReaderOptions = {
  formats: ["QRCode"],
  tryHarder: true,
  tryRotate: true,
  tryInvert: true,
  tryDownscale: true,
  maxNumberOfSymbols: CODES_MOST,
  textMode: "Plain",
};

async function load(): Promise<void> {
  const response = await fetch(WASM_PATH);
  const wasmBinary = await response.arrayBuffer();
  if (hex(await sha256(new Uint8Array(wasmBinary))) !== ZXING_WASM_SHA256)
    throw new Error("the reader's wasm is another");
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
}

const loaded = load();
let canvas: OffscreenCanvas | null = null;

async function read(picture: ImageBitmap): Promise<string[]> {
  await loaded;
  const { width, height } = picture;
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(picture, 0, 0);
  picture.close();
  const results = await readBarcodes(context.getImageData(0, 0, width, height), OPTIONS);
  return Array.from(new Set(results.filter(({ isValid }) => isValid).map(({ text }) => text)));
}

addEventListener("message", (event: MessageEvent<ReadRequest>) => {
  const { id, picture } = event.data;
  read(picture).then(
    (texts) => {
      postMessage({ id, texts } satisfies ReadAnswer);
    },
    (e: unknown) => {
      postMessage({ id, texts: [], fault: String(e) } satisfies ReadAnswer);
    },
  );
});
