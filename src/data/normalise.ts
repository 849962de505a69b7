/** From recordings as measured to a dataset: repeats averaged, unusable voxels dropped, the rest z-scored, and their noise measured. */

import { checkRaw } from "./check-raw.js";
import { type Dataset, type Matrix, type RawDataset, type Split, selectImages } from "./dataset.js";
import { DataError } from "./errors.js";
import { PictureIndex } from "./leaks.js";
import { guardStream } from "./unlabeled-stream.js";

/** Mean and population standard deviation of each voxel. */
export interface VoxelStatistics {
  readonly mean: Float64Array;
  readonly sd: Float64Array;
}

/** Which voxels can be used, and how many cannot. */
export interface UsableVoxels {
  readonly indices: readonly number[];
  /** Voxels with a NaN or infinity in any row. */
  readonly notFinite: number;
  /** Voxels with one and the same value in every training row. */
  readonly constant: number;
}

/** How a dataset is made from recordings. */
export interface NormaliseOptions {
  /** Whose mean and standard deviation scale the test rows: the training rows' (default), or the test rows' own. */
  readonly testStatistics?: "train" | "own";
}

/** A dataset and the columns of the recordings that its voxels were. */
export interface NormalisedDataset {
  readonly dataset: Dataset;
  readonly voxelIndices: readonly number[];
}

/** The mean of the rows, as one row `[columns]`; sums in f64. */
export function meanRow({ rows, columns, values }: Matrix): Float32Array {
  const sum = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) sum[i % columns] = (sum[i % columns] as number) + (values[i] as number);
  return Float32Array.from(sum, (total) => total / rows);
}

/** The mean over the repeats of each image: row i is the mean of the rows of `repeats[i]`. All must have the same columns. */
export function averageRepeats(repeats: readonly Matrix[]): Matrix {
  const columns = repeats[0]?.columns ?? 0;
  const values = new Float32Array(repeats.length * columns);
  repeats.forEach((matrix, i) => {
    values.set(meanRow(matrix), i * columns);
  });
  return { rows: repeats.length, columns, values };
}

/** The columns `indices` of a matrix, in that order, as a new matrix. */
export function selectColumns({ rows, columns, values }: Matrix, indices: readonly number[]): Matrix {
  const out = new Float32Array(rows * indices.length);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < indices.length; i++) {
      out[r * indices.length + i] = values[r * columns + (indices[i] as number)] as number;
    }
  }
  return { rows, columns: indices.length, values: out };
}

/** Finds the voxels that are finite in every row of `train` and `others`, and not constant over `train`. */
export function usableVoxels(train: Matrix, others: readonly Matrix[] = []): UsableVoxels {
  const { columns } = train;
  const finite = new Uint8Array(columns).fill(1);
  for (const { values } of [train, ...others]) {
    for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) finite[i % columns] = 0;
  }
  const varies = variesOverRows(train);
  const all = Array.from({ length: columns }, (_, v) => v);
  return {
    indices: all.filter((v) => finite[v] === 1 && varies[v] === 1),
    notFinite: all.filter((v) => finite[v] === 0).length,
    constant: all.filter((v) => finite[v] === 1 && varies[v] === 0).length,
  };
}

/** Mean and population standard deviation over the rows, in two passes in f64. A constant column has sd 0 exactly, not a rounding error. */
export function voxelStatistics(matrix: Matrix): VoxelStatistics {
  const { rows, columns, values } = matrix;
  const mean = Float64Array.from(values.subarray(0, columns));
  const varies = variesOverRows(matrix);
  const sum = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) sum[i % columns] = (sum[i % columns] as number) + (values[i] as number);
  for (let v = 0; v < columns; v++) if (varies[v] === 1) mean[v] = (sum[v] as number) / rows;
  const squares = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) {
    const off = (values[i] as number) - (mean[i % columns] as number);
    squares[i % columns] = (squares[i % columns] as number) + off * off;
  }
  return { mean, sd: squares.map((square) => Math.sqrt(square / rows)) };
}

/** 1 for each column that holds more than one value. */
function variesOverRows({ columns, values }: Matrix): Uint8Array {
  const varies = new Uint8Array(columns);
  for (let i = columns; i < values.length; i++) if (values[i] !== values[i % columns]) varies[i % columns] = 1;
  return varies;
}

/** `(value - mean) / sd` per voxel. A voxel whose sd is 0 becomes 0. */
export function zScore({ rows, columns, values }: Matrix, { mean, sd }: VoxelStatistics): Matrix {
  const scaled = values.map((value, i) => {
    const spread = sd[i % columns] as number;
    return spread === 0 ? 0 : (value - (mean[i % columns] as number)) / spread;
  });
  return { rows, columns, values: scaled };
}

/**
 * Signal-to-noise ratio per voxel: the variance over images of the repeat-averaged response, divided by the mean over images of the
 * variance across repeats (population variances), as the paper's released code computes it. The averaged response still holds
 * 1/repeats of the noise, so a voxel without any signal scores about 1/repeats, not 0. A voxel whose repeats never differ scores 0:
 * its noise cannot be known, and an infinite weight would drown all others.
 *
 * @param repeats - One `[repeats, voxels]` matrix per image; at least two images with at least two repeats each.
 * @returns `[voxels]`.
 * @throws {DataError} when there are fewer, or every repeat equals the others (averages stored several times).
 */
export function signalToNoise(repeats: readonly Matrix[]): Float32Array {
  const fewest = repeats.reduce((least, { rows }) => Math.min(least, rows), Number.POSITIVE_INFINITY);
  if (repeats.length < 2 || fewest < 2) {
    throw new DataError(
      `signal-to-noise needs 2 images with 2 repeats each, got ${repeats.length} with ${repeats.length === 0 ? 0 : fewest}`,
      "Leave the repeats out, or give them all.",
    );
  }
  const within = noiseVariance(repeats);
  if (within.every((variance) => variance === 0)) {
    throw new DataError(
      "the repeats of every test image are equal, so there is no noise to measure",
      "Give single repeats.",
    );
  }
  const { sd } = voxelStatistics(averageRepeats(repeats));
  return Float32Array.from(within, (variance, v) => (variance === 0 ? 0 : (sd[v] as number) ** 2 / variance));
}

/** The mean over images of the variance across repeats, per voxel. */
function noiseVariance(repeats: readonly Matrix[]): Float64Array {
  const within = new Float64Array(repeats[0]?.columns ?? 0);
  for (const matrix of repeats) {
    voxelStatistics(matrix).sd.forEach((sd, v) => {
      within[v] = (within[v] as number) + (sd * sd) / repeats.length;
    });
  }
  return within;
}

function stackRows(matrices: readonly Matrix[]): Matrix {
  const columns = matrices[0]?.columns ?? 0;
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const values = new Float32Array(rows * columns);
  let at = 0;
  for (const matrix of matrices) {
    values.set(matrix.values, at);
    at += matrix.values.length;
  }
  return { rows, columns, values };
}

function droppedNotes(raw: RawDataset, usable: UsableVoxels): string[] {
  const { notFinite, constant, indices } = usable;
  if (indices.length === 0) {
    throw new DataError(
      `${raw.name}: no usable voxel, ${notFinite} hold NaN or infinity and ${constant} are constant over the training images`,
      "Check the fMRI file.",
    );
  }
  if (notFinite + constant === 0) return [];
  return [
    `dropped ${notFinite} voxels with NaN or infinity and ${constant} constant over the training images; ${indices.length} remain`,
  ];
}

/**
 * Makes a dataset from recordings: training rows are the mean over an image's repeats; voxels that are not finite, or constant over
 * the training rows, are dropped, and of the rest only the best are kept where `raw.bestVoxels` says so; what is left is z-scored with
 * the training rows' statistics.
 *
 * @param split - Training and test images, default the recordings' own split.
 * @throws {DataError} when images, fMRI and split do not fit together, or no voxel is usable.
 */
export function normalise(
  raw: RawDataset,
  split: Split = raw.split,
  options: NormaliseOptions = {},
): NormalisedDataset {
  checkRaw(raw, split);
  const responsesOf = (images: readonly number[]) => images.map((i) => raw.responses[i] as Matrix);
  const trainRaw = averageRepeats(responsesOf(split.train));
  const usable = usableVoxels(trainRaw, responsesOf(split.test));
  const dropped = droppedNotes(raw, usable);
  const best = bestVoxels(raw, split, usable.indices);
  const trainKept = selectColumns(trainRaw, best.indices);
  const testKept = responsesOf(split.test).map((matrix) => selectColumns(matrix, best.indices));
  const trainStatistics = voxelStatistics(trainKept);
  const own = options.testStatistics === "own";
  const testStatistics = own ? voxelStatistics(stackRows(testKept)) : trainStatistics;
  const repeats = testKept.map((matrix) => zScore(matrix, testStatistics));
  const labelled = (images: readonly number[], fmri: Matrix) => ({
    images: selectImages(raw.images, images),
    fmri,
    labels: images.map((i) => raw.labels[i] ?? String(i)),
  });
  const { snr, note } = measureNoise(repeats);
  const dataset: Dataset = {
    name: raw.name,
    train: labelled(split.train, zScore(trainKept, trainStatistics)),
    test: labelled(split.test, averageRepeats(repeats)),
    testRepeats: repeats.some(({ rows }) => rows > 1) ? repeats : null,
    unlabeledImages: raw.unlabeledImages,
    ...guardedStream(raw, split),
    snr,
    notes: [...raw.notes, ...dropped, ...best.note, ...note],
  };
  return { dataset, voxelIndices: best.indices };
}

/** The unlabeled images on the disk, guarded against the test images. */
function guardedStream(raw: RawDataset, split: Split): Pick<Dataset, "unlabeledStream"> {
  if (raw.unlabeledStream === undefined) return {};
  const labels = new Map(split.test.map((i) => [i, raw.labels[i] ?? String(i)]));
  return {
    unlabeledStream: guardStream(raw.unlabeledStream, new PictureIndex(raw.images, split.test), labels, raw.name),
  };
}

const hasRepeats = (responses: readonly Matrix[]) => responses.filter(({ rows }) => rows > 1).length > 1;

/**
 * The voxels with the highest signal-to-noise ratio, from the training images' repeats. Where training images were seen once only, from
 * the test repeats, as the paper: which images they belong to is not used, that they belong to the same image is; a note says so.
 */
function bestVoxels(
  raw: RawDataset,
  split: Split,
  usable: readonly number[],
): { indices: readonly number[]; note: string[] } {
  const count = raw.bestVoxels;
  if (count === undefined || count >= usable.length) return { indices: usable, note: [] };
  const of = (images: readonly number[]) => images.map((i) => raw.responses[i] as Matrix);
  const train = hasRepeats(of(split.train));
  const source = of(train ? split.train : split.test).filter(({ rows }) => rows > 1);
  if (count < 1 || source.length < 2) {
    throw new DataError(
      `${raw.name}: cannot choose the ${count} best voxels: ${source.length} images have repeats to measure noise by`,
      "Choose voxels by region instead.",
    );
  }
  const snr = signalToNoise(source.map((matrix) => selectColumns(matrix, usable)));
  const order = usable.map((_, i) => i).sort((a, b) => (snr[b] as number) - (snr[a] as number) || a - b);
  const chosen = order.slice(0, count).sort((a, b) => a - b);
  const note = `the ${count} voxels of the highest signal-to-noise ratio of ${usable.length}, from ${train ? "training" : "test"} repeats`;
  return { indices: chosen.map((i) => usable[i] as number), note: [train ? note : `${note} (uses test repeats)`] };
}

/** The signal-to-noise ratio where repeats allow one; a note where there are repeats that do not. */
function measureNoise(repeats: readonly Matrix[]): { snr: Float32Array | null; note: string[] } {
  if (repeats.every(({ rows }) => rows === 1)) return { snr: null, note: [] };
  if (repeats.length < 2 || repeats.some(({ rows }) => rows < 2)) {
    return { snr: null, note: ["no signal-to-noise ratio: it needs two test images, and two repeats of each"] };
  }
  if (noiseVariance(repeats).every((variance) => variance === 0)) {
    return { snr: null, note: ["no signal-to-noise ratio: the repeats of every test image are equal"] };
  }
  return { snr: signalToNoise(repeats), note: [] };
}
