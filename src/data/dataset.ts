/** What every dataset reader returns, whatever the files were: images, fMRI, and how they are paired. No engine types here. */

import type { ImageStream } from "./unlabeled-stream.js";

/** A dense row-major matrix of f32, `values[row * columns + column]`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** Images of one size: `pixels` is NHWC `[count, height, width, channels]`, RGB (3 channels) or grey (1), values in [0, 1]. */
export interface ImageSet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels: Float32Array;
  /** Where unlabeled images came from, one name each, for messages. */
  readonly names?: readonly string[];
}

/** Images and the fMRI that was recorded while each was seen: row i of `fmri` belongs to image i. */
export interface Recordings {
  readonly images: ImageSet;
  /** `[count, voxels]`. */
  readonly fmri: Matrix;
  /** One name per image, for figures and per-image scores. */
  readonly labels: readonly string[];
}

/** A subject's data, split as the experiment split it, z-scored and free of NaN and constant voxels. */
export interface Dataset {
  readonly name: string;
  readonly train: Recordings;
  /** fMRI averaged over the repeats of each test image. */
  readonly test: Recordings;
  /** The single repeats: one `[repeats, voxels]` matrix per test image; `null` when the source holds averages only. */
  readonly testRepeats: readonly Matrix[] | null;
  /** Images nobody was recorded on, same size and channels as the stimuli; `null` when none were given. */
  readonly unlabeledImages: ImageSet | null;
  /** The same, left on the disk: in place of `unlabeledImages` where there are too many. */
  readonly unlabeledStream?: ImageStream;
  /** Signal-to-noise ratio per voxel, from test repeats; `null` when there are none. */
  readonly snr: Float32Array | null;
  /** One line for each thing a reader did that a user should know: voxels dropped, images resized, data that is missing. */
  readonly notes: readonly string[];
}

/** The images `indices` of a set, in that order, as a new set. */
export function selectImages(images: ImageSet, indices: readonly number[]): ImageSet {
  const size = images.height * images.width * images.channels;
  const pixels = new Float32Array(indices.length * size);
  indices.forEach((index, i) => {
    pixels.set(images.pixels.subarray(index * size, (index + 1) * size), i * size);
  });
  return { ...images, count: indices.length, pixels };
}

/** The rows `indices` of a matrix, in that order, as a new matrix. */
export function selectRows(matrix: Matrix, indices: readonly number[]): Matrix {
  const { columns } = matrix;
  const values = new Float32Array(indices.length * columns);
  indices.forEach((index, i) => {
    values.set(matrix.values.subarray(index * columns, (index + 1) * columns), i * columns);
  });
  return { rows: indices.length, columns, values };
}

/** A named part of the brain, as columns of the recordings. Regions may overlap. */
export interface Region {
  readonly name: string;
  readonly voxels: readonly number[];
}

/** Which images train and which test, as indices into a {@link RawDataset}'s images. */
export interface Split {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Recordings as measured, before anything was averaged, dropped or scaled: what a new split or fold starts from. */
export interface RawDataset {
  readonly name: string;
  readonly images: ImageSet;
  /** One name per image. */
  readonly labels: readonly string[];
  /** One `[repeats, voxels]` matrix per image, at least one row each. */
  readonly responses: readonly Matrix[];
  /** A class per image; folds hold as much of each class as of the others. `null` when there are none. */
  readonly classes: readonly number[] | null;
  /** A group per image; a group is never torn between training and test (crops of one photograph). `null` when there are none. */
  readonly groups: readonly number[] | null;
  /** Regions of interest, where the source names any. */
  readonly regions?: readonly Region[];
  /** The experiment's own split. */
  readonly split: Split;
  readonly unlabeledImages: ImageSet | null;
  /** The same, left on the disk: in place of `unlabeledImages` where there are too many. */
  readonly unlabeledStream?: ImageStream;
  /** How many voxels a dataset made of these should keep, those with the highest signal-to-noise ratio; left out for all. */
  readonly bestVoxels?: number;
  readonly notes: readonly string[];
}
