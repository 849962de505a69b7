import type { ImageSet } from "../data/dataset.js";
import { checkImagePairs, imagePixels } from "./checks.js";

/** Side of the SSIM window in pixels; smaller images have no SSIM. */
export const SSIM_WINDOW = 11;
const SIGMA = 1.5;
// (K1 L)^2 and (K2 L)^2 of Wang et al. with K1 = 0.01, K2 = 0.03 and data range L = 1.
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

const WINDOW: Float64Array = (() => {
  const radius = (SSIM_WINDOW - 1) / 2;
  const weights = Float64Array.from({ length: SSIM_WINDOW }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * SIGMA * SIGMA)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
})();

/**
 * An image as grey levels, `[height * width]`: itself with one channel, `0.2125 R + 0.7154 G + 0.0721 B` with three. These are
 * scikit-image's weights (Rec. 709), which the published SSIM scores of reconstructions use.
 *
 * @throws {RangeError} when there are neither one nor three channels.
 */
export function luma(pixels: ArrayLike<number>, channels: number): Float64Array {
  if (channels === 1) return Float64Array.from(pixels);
  if (channels !== 3) throw new RangeError(`luma: needs 1 or 3 channels, got ${channels}`);
  return Float64Array.from(
    { length: pixels.length / 3 },
    (_, i) => 0.2125 * (pixels[3 * i] ?? 0) + 0.7154 * (pixels[3 * i + 1] ?? 0) + 0.0721 * (pixels[3 * i + 2] ?? 0),
  );
}

/** Gaussian-weighted means over every whole window: `[height, width]` -> `[height - 10, width - 10]`. */
function windowMeans(values: Float64Array, height: number, width: number): Float64Array {
  const columns = width - SSIM_WINDOW + 1;
  const rows = height - SSIM_WINDOW + 1;
  const across = new Float64Array(height * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < SSIM_WINDOW; k++) sum += (WINDOW[k] ?? 0) * (values[y * width + x + k] ?? 0);
      across[y * columns + x] = sum;
    }
  }
  const means = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < SSIM_WINDOW; k++) sum += (WINDOW[k] ?? 0) * (across[(y + k) * columns + x] ?? 0);
      means[y * columns + x] = sum;
    }
  }
  return means;
}

const product = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value * (b[i] ?? 0));

/** Mean SSIM of two grey images `[height * width]` with values in [0, 1]. */
function greySsim(x: Float64Array, y: Float64Array, height: number, width: number): number {
  const mean = (values: Float64Array) => windowMeans(values, height, width);
  const meanX = mean(x);
  const meanY = mean(y);
  const meanXX = mean(product(x, x));
  const meanYY = mean(product(y, y));
  const meanXY = mean(product(x, y));
  let sum = 0;
  for (let i = 0; i < meanX.length; i++) {
    const mx = meanX[i] ?? 0;
    const my = meanY[i] ?? 0;
    const spread = (meanXX[i] ?? 0) - mx * mx + (meanYY[i] ?? 0) - my * my;
    const covariance = (meanXY[i] ?? 0) - mx * my;
    sum += ((2 * mx * my + C1) * (2 * covariance + C2)) / ((mx * mx + my * my + C1) * (spread + C2));
  }
  return sum / meanX.length;
}

/**
 * Structural similarity of each reconstruction with its stimulus, on grey levels.
 *
 * `SSIM = mean over windows of (2 mx my + C1)(2 cov + C2) / ((mx^2 + my^2 + C1)(vx + vy + C2))`: 11 x 11 Gaussian window of sigma 1.5,
 * population moments, data range 1, only windows wholly inside the image. Same numbers as scikit-image's
 * `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)`.
 *
 * @returns `[count]`, 1 for identical images.
 * @throws {RangeError} when the shapes differ, a pixel is not finite, or an image is smaller than the window (11 x 11).
 * @see Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
 */
export function ssim(reconstructions: ImageSet, stimuli: ImageSet): Float64Array {
  checkImagePairs("ssim", reconstructions, stimuli);
  const { count, height, width, channels } = stimuli;
  if (height < SSIM_WINDOW || width < SSIM_WINDOW) {
    throw new RangeError(
      `ssim: images must be at least ${SSIM_WINDOW} x ${SSIM_WINDOW} pixels, got ${height} x ${width}`,
    );
  }
  return Float64Array.from({ length: count }, (_, i) => {
    const x = luma(imagePixels(reconstructions, i), channels);
    const y = luma(imagePixels(stimuli, i), channels);
    return greySsim(x, y, height, width);
  });
}
