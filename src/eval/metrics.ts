import type { ImageSet } from "../data/dataset.js";
import { checkImagePairs, imagePixels } from "./checks.js";

/**
 * Values with their mean taken off and scaled to length 1, so that the dot product of two such vectors is their Pearson correlation.
 * `null` when all values are equal: there is no direction to scale. Equality is tested on the values themselves, because the rounded
 * mean of a constant leaves a tiny "variance" that would turn into an arbitrary correlation.
 */
export function standardise(values: ArrayLike<number>): Float64Array | null {
  const n = values.length;
  const first = values[0] ?? 0;
  const centred = Float64Array.from(values);
  if (centred.every((value) => value === first)) return null;
  // Means of values shifted by the first one lose nothing to cancellation when an image is nearly flat.
  const mean = centred.reduce((sum, value) => sum + (value - first), 0) / n;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const value = (centred[i] ?? 0) - first - mean;
    centred[i] = value;
    squares += value * value;
  }
  const scale = 1 / Math.sqrt(squares);
  return Number.isFinite(scale) ? centred.map((value) => value * scale) : null;
}

/** Dot product of two vectors of one length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/**
 * Pearson correlation of two vectors, `sum((x - mean x)(y - mean y)) / sqrt(sum((x - mean x)^2) sum((y - mean y)^2))`.
 *
 * @returns a number in [-1, 1], or NaN when either vector is constant (or empty): its correlation is not defined.
 * @throws {RangeError} when the lengths differ.
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length)
    throw new RangeError(`pearson: vectors must have one length, got ${x.length} and ${y.length}`);
  const a = standardise(x);
  const b = standardise(y);
  if (a === null || b === null) return Number.NaN;
  return Math.min(1, Math.max(-1, dot(a, b)));
}

function perImage(count: number, score: (index: number) => number): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => score(index));
}

/**
 * Pixel correlation: the Pearson correlation of each reconstruction with its stimulus over all pixels and channels, flattened.
 *
 * @returns `[count]`; NaN where either image is constant.
 * @throws {RangeError} when the two sets differ in shape or a pixel is not finite.
 * @see Beliy et al. 2019, section 4: the similarity that identification ranks by.
 */
export function pixelCorrelation(reconstructions: ImageSet, stimuli: ImageSet): Float64Array {
  checkImagePairs("pixelCorrelation", reconstructions, stimuli);
  return perImage(stimuli.count, (i) => pearson(imagePixels(reconstructions, i), imagePixels(stimuli, i)));
}

/**
 * Mean squared error of each reconstruction, `mean((x - y)^2)` over pixels and channels; pixels in [0, 1], so 0 is perfect and 1 the worst.
 *
 * @returns `[count]`.
 * @throws {RangeError} when the two sets differ in shape or a pixel is not finite.
 */
export function meanSquaredError(reconstructions: ImageSet, stimuli: ImageSet): Float64Array {
  checkImagePairs("meanSquaredError", reconstructions, stimuli);
  return perImage(stimuli.count, (i) => {
    const x = imagePixels(reconstructions, i);
    const y = imagePixels(stimuli, i);
    let sum = 0;
    for (let p = 0; p < x.length; p++) sum += ((x[p] ?? 0) - (y[p] ?? 0)) ** 2;
    return sum / x.length;
  });
}
