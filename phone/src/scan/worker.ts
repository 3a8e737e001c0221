/** Reads QR codes out of pictures, beside the page: zxing-wasm, with our own copy of its wasm, whose hash it knows. */

import { prepareZXingModule, readBarcodes, ZXING_WASM_SHA256, type ReaderOptions } from "zxing-wasm/reader";
import { hex, sha256 } from "../wire/bytes.js";
import { MORE_LOOKS, MIDDLE } from "./looks.js";
import { markOf } from "./mark.js";

declare const WASM_PATH: string;

/** How a picture is looked at: quickly, as one of many; in one of the other ways; or in each that there is. */
export type How = "as it is" | "in another way" | "in all ways";

/** What the page asks, and what it is answered: every text found, or what went wrong. */
export interface ReadRequest {
  readonly id: number;
  readonly picture: ImageBitmap;
  readonly how: How;
}
export interface ReadAnswer {
  /** Which picture; null where the reader says that it has started, or why it does not. */
  readonly id: number | null;
  readonly texts: readonly string[];
  /** The same for two pictures whose pixels are the same; null where all are of one colour. */
  readonly mark?: number | null;
  /** The picture, given back if nothing was read in it as it is. */
  readonly picture?: ImageBitmap | null;
  readonly fault?: string;
}

interface Found {
  readonly texts: readonly string[];
  readonly mark: number | null;
}

/** More codes than lie on any table: the one pass among them must be found. */
const CODES_MOST = 32;
/** A larger picture is drawn smaller: no phone's camera makes more, and memory for more may be missing. */
const PIXELS_MOST = 12_000_000;
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
const canvas = new OffscreenCanvas(1, 1);
/** Which look comes next; one that reads a code is taken again. */
let next = 0;

async function read(picture: ImageBitmap, how: How): Promise<Found> {
  await loaded;
  if (how === "in another way") return { texts: await lookAgain(picture, 1), mark: null };
  const { width, height } = picture;
  const scale = Math.min(1, Math.sqrt(PIXELS_MOST / (width * height)));
  const size = [width, height].map((side) => Math.max(1, Math.floor(side * scale))) as [number, number];
  const pixels = drawn(picture, [0, 0, width, height], ...size);
  const mark = markOf(pixels.data);
  const texts = await codesIn(pixels);
  return { mark, texts: texts.length || how === "as it is" ? texts : await lookAgain(picture, MORE_LOOKS.length) };
}

async function lookAgain(picture: ImageBitmap, times: number): Promise<readonly string[]> {
  const look = MORE_LOOKS[next % MORE_LOOKS.length];
  if (!look || times === 0) return [];
  const { width, height } = picture;
  const across = MIDDLE * Math.min(width, height);
  const middle = drawn(picture, [(width - across) / 2, (height - across) / 2, across, across], look.side, look.side);
  look.change(middle);
  const texts = await codesIn(middle);
  if (texts.length) return texts;
  next++;
  return lookAgain(picture, times - 1);
}

/**
 * Draw a part of a picture (left, top, width, height) at a size, on white: paper, where the picture is transparent, and
 * over every pixel of the picture before.
 */
function drawn(
  picture: ImageBitmap,
  part: readonly [number, number, number, number],
  width: number,
  height: number,
): ImageData {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, ...part, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

async function codesIn(picture: ImageData): Promise<string[]> {
  const results = await readBarcodes(picture, OPTIONS);
  return Array.from(new Set(results.filter(({ isValid }) => isValid).map(({ text }) => text)));
}

loaded.then(
  () => {
    postMessage({ id: null, texts: [] } satisfies ReadAnswer);
  },
  (e: unknown) => {
    postMessage({ id: null, texts: [], fault: String(e) } satisfies ReadAnswer);
  },
);

addEventListener("message", ({ data: { id, picture, how } }: MessageEvent<ReadRequest>) => {
  const answer = (what: ReadAnswer): void => {
    if (what.picture) {
      postMessage(what, { transfer: [what.picture] });
    } else {
      picture.close();
      postMessage(what);
    }
  };
  read(picture, how).then(
    (found) => {
      const isLeft = how === "as it is" && found.texts.length === 0;
      answer({ id, ...found, picture: isLeft ? picture : null });
    },
    (e: unknown) => {
      answer({ id, texts: [], fault: String(e) });
    },
  );
});
