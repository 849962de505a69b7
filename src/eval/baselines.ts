import type { ImageSet, Matrix, Recordings } from "../data/dataset.js";
import { selectImages } from "../data/dataset.js";
import { checkPixels, imageSize } from "./checks.js";
import { dot, standardise } from "./metrics.js";
import type { RidgeOptions } from "./ridge.js";
import { fitRidge } from "./ridge.js";

/** Reconstructions by `ridgeBaseline`, and the penalty that training rows chose. */
export interface RidgeReconstruction {
  readonly images: ImageSet;
  readonly lambda: number;
}

/** A set's pixels as a matrix `[count, height * width * channels]`, sharing its memory. */
function asMatrix(images: ImageSet): Matrix {
  return { rows: images.count, columns: imageSize(images), values: images.pixels };
}

/**
 * The linear baseline: ridge regression from voxels to pixels, fitted on the training recordings only.
 *
 * @param train - Images and fMRI `[n, voxels]`.
 * @param fmri - `[m, voxels]`, fMRI to reconstruct from.
 * @param options - As `fitRidge`, and `clip` true: pixels below 0 and above 1 are set to 0 and 1.
 * @returns m images of the size of the training images.
 * @throws {RangeError} as `fitRidge`, and when `fmri` has another number of voxels.
 */
export function ridgeBaseline(
  train: Recordings,
  fmri: Matrix,
  options: RidgeOptions & { readonly clip?: boolean } = {},
): RidgeReconstruction {
  const { clip = true, ...ridge } = options;
  checkPixels("ridgeBaseline", "images", train.images);
  const model = fitRidge(train.fmri, asMatrix(train.images), ridge);
  const { values } = model.predict(fmri);
  const pixels = clip ? values.map((value) => Math.min(1, Math.max(0, value))) : values;
  return { images: { ...train.images, count: fmri.rows, pixels }, lambda: model.lambda };
}

/**
 * The baseline that looks at no fMRI: the mean training image, `count` times. Its n-way accuracy is chance by construction, its pixel
 * correlation and SSIM are not, and show how much of a score the images' common look explains.
 *
 * @throws {RangeError} when there are no training images or a pixel is not finite.
 */
export function meanImageBaseline(train: ImageSet, count: number): ImageSet {
  checkPixels("meanImageBaseline", "train", train);
  if (train.count < 1) throw new RangeError("meanImageBaseline: needs at least one training image, got 0");
  const size = imageSize(train);
  const sum = new Float64Array(size);
  train.pixels.forEach((value, i) => {
    sum[i % size] = (sum[i % size] ?? 0) + value;
  });
  const pixels = Float32Array.from({ length: count * size }, (_, i) => (sum[i % size] ?? 0) / train.count);
  return { ...train, count, pixels };
}

/**
 * The baseline that can only repeat: for each fMRI row, the training image whose fMRI correlates best with it. A method that scores no
 * better than this may be retrieving training images rather than reconstructing.
 *
 * @param train - Images and fMRI `[n, voxels]`.
 * @param fmri - `[m, voxels]`.
 * @returns m training images, repeats allowed; the first one where no correlation is defined.
 * @throws {RangeError} when there are no training images or the numbers of voxels differ.
 */
export function nearestTrainingImageBaseline(train: Recordings, fmri: Matrix): ImageSet {
  const { columns } = train.fmri;
  if (train.images.count < 1 || fmri.columns !== columns) {
    throw new RangeError(
      `nearestTrainingImageBaseline: needs training images and fMRI with their ${columns} voxels, got ${train.images.count} images and ${fmri.columns} voxels`,
    );
  }
  const row = (matrix: Matrix, r: number) => standardise(matrix.values.subarray(r * columns, (r + 1) * columns));
  const known = Array.from({ length: train.fmri.rows }, (_, r) => row(train.fmri, r));
  const nearest = Array.from({ length: fmri.rows }, (_, r) => {
    const response = row(fmri, r);
    const similarity = known.map((other) => (response === null || other === null ? -2 : dot(response, other)));
    return similarity.indexOf(Math.max(...similarity));
  });
  return selectImages(train.images, nearest);
}
