/**
 * Other looks at a picture in which the reader saw no code, much as `movepass_verifier/reading/image.py` takes them:
 * of its middle, where the officer holds the code, drawn at one size, so that a look takes as long on every camera.
 *
 * Pictures are RGBA as a canvas has them; a look leaves grey. `make bench-phone` measures what they are good for.
 */

export interface Look {
  /** The side of the square that the middle is drawn at, in pixels. */
  readonly side: number;
  readonly change: (picture: ImageData) => void;
}

/** How much of the picture's shorter side the middle is. */
export const MIDDLE = 0.75;
const AS_IT_IS = 540;
const ENLARGED = 2 * AS_IT_IS;
/** Pixels, on each side; twice a box comes close to a bell. */
const BLUR_RADIUS = 8;
const SHARPENING = 2;

/** In the order of how many codes each reads that those before it don't. */
export const MORE_LOOKS: readonly Look[] = [
  { side: ENLARGED, change: sharpen }, // what blur or wet ink ran together parts again
  { side: ENLARGED, change: equalise }, // shade and faint ink get contrast, and a shadow's edge falls between modules
  { side: AS_IT_IS, change: equalise }, // noise, dirt and a screen's grid are no longer enlarged
];

/** Stretch the greys, so that each is as frequent as any other. */
export function equalise(picture: ImageData): void {
  const grey = greyOf(picture);
  const counts = new Uint32Array(256);
  for (const value of grey) counts[value] = (counts[value] ?? 0) + 1;
  let below = 0;
  const stretched = counts.map((count) => {
    below += count;
    return ((below - count / 2) * 255) / grey.length;
  });
  paint(picture, (i) => stretched[grey[i] ?? 0] ?? 0);
}

/** Take away what a blur leaves, some times over (unsharp masking). */
export function sharpen(picture: ImageData): void {
  const { width, height } = picture;
  const grey = greyOf(picture);
  const once = averaged(averaged(grey, width, height), height, width);
  const blurred = averaged(averaged(once, width, height), height, width);
  paint(picture, (i) => {
    const value = grey[i] ?? 0;
    return value + SHARPENING * (value - (blurred[i] ?? 0));
  });
}

/** Average along the rows; gives the picture with rows and columns changed over, so that twice is both ways. */
function averaged(from: ArrayLike<number>, width: number, height: number): Float32Array {
  const to = new Float32Array(width * height);
  const many = 2 * BLUR_RADIUS + 1;
  for (let row = 0; row < height; row++) {
    const at = (column: number): number => from[row * width + Math.max(0, Math.min(width - 1, column))] ?? 0;
    let sum = 0;
    for (let column = -BLUR_RADIUS; column <= BLUR_RADIUS; column++) sum += at(column);
    for (let column = 0; column < width; column++) {
      to[column * height + row] = sum / many;
      sum += at(column + BLUR_RADIUS + 1) - at(column - BLUR_RADIUS);
    }
  }
  return to;
}

function greyOf({ data }: ImageData): Uint8ClampedArray {
  const grey = new Uint8ClampedArray(data.length / 4);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * (data[4 * i] ?? 0) + 0.587 * (data[4 * i + 1] ?? 0) + 0.114 * (data[4 * i + 2] ?? 0);
  }
  return grey;
}

/** Put a grey into each pixel; what is beyond black and white is cut off. */
function paint({ data }: ImageData, grey: (pixel: number) => number): void {
  for (let i = 0; i < data.length; i += 4) data[i] = data[i + 1] = data[i + 2] = grey(i / 4);
}
