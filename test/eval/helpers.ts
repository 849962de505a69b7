import { readFileSync } from "node:fs";
import type { ImageSet, Matrix } from "../../src/data/dataset.js";
import { HostRandom } from "../../src/data/random.js";

export interface ImageCase {
  name: string;
  height: number;
  width: number;
  channels: number;
  reconstruction: string;
  stimulus: string;
  ssim: number;
  mse: number;
  pearson: number | null;
}

export interface WilcoxonCase {
  name: string;
  differences: number[];
  method: "exact" | "approx";
  pValues: Record<"two-sided" | "greater" | "less", number>;
}

/** Numbers of scikit-image and scipy, written by scripts/make-eval-fixtures.py. */
export const golden: { images: ImageCase[]; wilcoxon: WilcoxonCase[] } = JSON.parse(
  readFileSync(new URL("../fixtures/eval/golden.json", import.meta.url), "utf8"),
);

/** One image from base64 bytes. */
export function decodeImage(base64: string, { height, width, channels }: ImageCase): ImageSet {
  const pixels = Float32Array.from(Buffer.from(base64, "base64"), (byte) => byte / 255);
  return { count: 1, height, width, channels, pixels };
}

/** Images of `[height, width, channels]` from nested lists of pixels, one list per image. */
export function images(rows: readonly (readonly number[])[], height: number, width: number, channels = 1): ImageSet {
  return { count: rows.length, height, width, channels, pixels: Float32Array.from(rows.flat()) };
}

/** Uniform random images. */
export function noiseImages(count: number, height: number, width: number, channels: number, seed: number): ImageSet {
  const rng = new HostRandom(seed);
  const pixels = Float32Array.from({ length: count * height * width * channels }, () => rng.uniform());
  return { count, height, width, channels, pixels };
}

/** `(1 - amount) a + amount b`, pixel by pixel. */
export function blend(a: ImageSet, b: ImageSet, amount: number): ImageSet {
  return { ...a, pixels: a.pixels.map((value, i) => (1 - amount) * value + amount * b.pixels[i]!) };
}

/** A matrix of standard normal numbers. */
export function normalMatrix(rows: number, columns: number, seed: number): Matrix {
  const rng = new HostRandom(seed);
  return { rows, columns, values: Float32Array.from({ length: rows * columns }, () => rng.normal()) };
}
