/** Resizing and cropping of images in plain arithmetic: the same numbers in Node and every browser, unlike a canvas. */
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";

/** A rectangle in pixels; fractions are allowed. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** For each output position: the first input position and the weights from there on. */
interface Taps {
  readonly first: Int32Array;
  readonly weights: readonly Float64Array[];
}

/** Keys' cubic with a = -0.5 (Catmull-Rom): what PIL, MATLAB and ImageMagick call bicubic. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return ((-0.5 * t + 2.5) * t - 4) * t + 2;
  return 0;
}

/** Taps from `length` input positions in `[start, start + span)` to `size` outputs; the kernel widens when the image shrinks. */
function cubicTaps(length: number, start: number, span: number, size: number): Taps {
  const scale = span / size;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  const first = new Int32Array(size);
  const weights = Array.from({ length: size }, (_, i) => {
    const center = start + (i + 0.5) * scale;
    const low = Math.max(0, Math.floor(center - support + 0.5));
    const high = Math.max(low + 1, Math.min(length, Math.floor(center + support + 0.5)));
    first[i] = low;
    const raw = Float64Array.from({ length: high - low }, (_, k) => cubic((low + k - center + 0.5) / stretch));
    // Taps that fall outside the image are left out, so the rest must be brought back to a sum of 1.
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((weight) => weight / sum);
  });
  return { first, weights };
}

/** Interleaved pixels `[height, width, channels]` of any range. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels: Float32Array;
}

/**
 * Bicubic resampling of a part of an image, antialiased when it shrinks: PIL's `resize((width, height), BICUBIC, box)` on floats.
 *
 * @param image - `[height, width, channels]`.
 * @param height - Rows of the result.
 * @param width - Columns of the result.
 * @param box - The part to show, default all of it.
 * @returns `[height, width, channels]`, clamped to [0, 1] as a cubic overshoots at edges.
 */
export function resample(image: Pixels, height: number, width: number, box?: Box): Pixels {
  const part = box ?? { x: 0, y: 0, width: image.width, height: image.height };
  const across = cubicTaps(image.width, part.x, part.width, width);
  const down = cubicTaps(image.height, part.y, part.height, height);
  const top = down.first.reduce((a, b) => Math.min(a, b), image.height);
  const bottom = down.weights.reduce((end, w, i) => Math.max(end, (down.first[i] ?? 0) + w.length), 0);
  const rows = resampleRows(image, across, top, bottom, width);
  return resampleColumns(rows, down, top, height, { width, channels: image.channels });
}

function resampleRows(image: Pixels, taps: Taps, top: number, bottom: number, width: number): Float64Array {
  const { channels, pixels } = image;
  const out = new Float64Array((bottom - top) * width * channels);
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < width; x++) {
      const weights = taps.weights[x] as Float64Array;
      const from = (y * image.width + (taps.first[x] as number)) * channels;
      const to = ((y - top) * width + x) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += (weights[k] as number) * (pixels[from + k * channels + c] as number);
        out[to + c] = sum;
      }
    }
  }
  return out;
}

function resampleColumns(
  rows: Float64Array,
  taps: Taps,
  top: number,
  height: number,
  { width, channels }: { width: number; channels: number },
): Pixels {
  const stride = width * channels;
  const pixels = new Float32Array(height * stride);
  for (let y = 0; y < height; y++) {
    const weights = taps.weights[y] as Float64Array;
    const from = ((taps.first[y] as number) - top) * stride;
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += (weights[k] as number) * (rows[from + k * stride + i] as number);
      pixels[y * stride + i] = sum < 0 ? 0 : sum > 1 ? 1 : sum;
    }
  }
  return { height, width, channels, pixels };
}

/** The largest centred square of an image; an odd pixel too many goes to the right or bottom. */
export function centreSquare(image: { readonly width: number; readonly height: number }): Box {
  const side = Math.min(image.width, image.height);
  return {
    x: Math.floor((image.width - side) / 2),
    y: Math.floor((image.height - side) / 2),
    width: side,
    height: side,
  };
}

/** Checks a height or width that a user may have typed. */
export function checkSize(name: string, size: number): void {
  if (!Number.isInteger(size) || size < 1 || size > 8192) {
    throw new DataError(`${name} is ${size}, expected a whole number from 1 to 8192`, "Give such a number of pixels.");
  }
}

/** Image i of a set, sharing its memory. */
export function imageAt(images: ImageSet, i: number): Pixels {
  const { height, width, channels } = images;
  const size = height * width * channels;
  return { height, width, channels, pixels: images.pixels.subarray(i * size, (i + 1) * size) };
}

/** Images of one size and channel count as a set; `images` must not be empty. */
export function stackImages(images: readonly Pixels[]): ImageSet {
  const { height, width, channels } = images[0] ?? { height: 0, width: 0, channels: 0 };
  const size = height * width * channels;
  const pixels = new Float32Array(images.length * size);
  images.forEach((image, i) => {
    pixels.set(image.pixels, i * size);
  });
  return { count: images.length, height, width, channels, pixels };
}

/**
 * All images of a set at another size (bicubic); the set itself when it has that size.
 *
 * @throws {DataError} when a size is not a whole number from 1 to 8192.
 */
export function resizeImages(images: ImageSet, height: number, width: number): ImageSet {
  checkSize("height", height);
  checkSize("width", width);
  if (images.height === height && images.width === width) return images;
  const { count, channels } = images;
  const pixels = new Float32Array(count * height * width * channels);
  for (let i = 0; i < count; i++) {
    pixels.set(resample(imageAt(images, i), height, width).pixels, i * height * width * channels);
  }
  return { count, height, width, channels, pixels };
}

/** RGB images as grey ones, `0.2989 R + 0.5870 G + 0.1140 B` (ITU-R BT.601); grey images as they are. */
export function imagesToGrey(images: ImageSet): ImageSet {
  if (images.channels === 1) return images;
  return { ...images, channels: 1, pixels: toGrey(images.pixels) };
}

/** Grey images as RGB ones with three equal channels; RGB images as they are. */
export function imagesToRgb(images: ImageSet): ImageSet {
  if (images.channels === 3) return images;
  return { ...images, channels: 3, pixels: toRgb(images.pixels) };
}

/** {@link imagesToGrey} or {@link imagesToRgb}. */
export function withChannels(images: ImageSet, channels: 1 | 3): ImageSet {
  return channels === 1 ? imagesToGrey(images) : imagesToRgb(images);
}

/** Interleaved RGB as grey values. */
export function toGrey(rgb: Float32Array): Float32Array {
  const grey = new Float32Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) {
    const sum =
      0.2989 * (rgb[3 * i] as number) + 0.587 * (rgb[3 * i + 1] as number) + 0.114 * (rgb[3 * i + 2] as number);
    // The weights add up to 0.9999; the divisor keeps white at 1.
    grey[i] = Math.min(1, sum / 0.9999);
  }
  return grey;
}

/** Grey values as interleaved RGB. */
export function toRgb(grey: Float32Array): Float32Array {
  const rgb = new Float32Array(grey.length * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = grey[Math.floor(i / 3)] as number;
  return rgb;
}

/** Bytes 0 to 255 as values 0 to 1. */
export function unitValues(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = (bytes[i] as number) / 255;
  return values;
}
