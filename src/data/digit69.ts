/** The "69" dataset: fMRI of early visual cortex while one subject saw 50 handwritten sixes and 50 nines (van Gerven et al. 2010). */
import type { Dataset, Matrix, RawDataset } from "./dataset.js";
import { DataError } from "./errors.js";
import { fileOfKind } from "./identify.js";
import { readMat5 } from "./mat5.js";
import { type MatFile, matMatrix } from "./mat5-values.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { checkSize, resizeImages, withChannels } from "./resample.js";

/** How the digits are shown. */
export interface Digit69Options {
  /** Height and width in pixels; the recorded digits have 28. Default 28. */
  readonly resolution?: number;
  /** 1 = grey, 3 = three equal channels. Default 1. */
  readonly channels?: 1 | 3;
}

const SIDE = 28;

/**
 * Reads `digit69_28x28.mat` as published with Du et al. 2018: 90 training and 10 test images, one response each of 3,092 voxels.
 *
 * @param path - The file, or the folder that holds it.
 * @throws {DataError} when it is missing, damaged, or another file.
 */
export async function readDigit69(path: string, options: Digit69Options = {}): Promise<RawDataset> {
  const { resolution = SIDE, channels = 1 } = options;
  checkSize("resolution", resolution);
  const file = await fileOfKind(path, "digit69", "digit69_28x28.mat");
  const mat = await readMat5(file);
  const train = readPart(mat, "Trn");
  const test = readPart(mat, "Test");
  if (train.fmri.columns !== test.fmri.columns) {
    throw wrongFile(file, `fmriTrn has ${train.fmri.columns} voxels, fmriTest ${test.fmri.columns}`);
  }
  const digits = [...train.digits, ...test.digits];
  const pixels = Float32Array.from([...train.pixels, ...test.pixels]);
  const grey = { count: digits.length, height: SIDE, width: SIDE, channels: 1, pixels };
  const resized = resolution === SIDE ? [] : [`images resized from ${SIDE} to ${resolution} pixels`];
  return {
    name: "digit69",
    images: withChannels(resizeImages(grey, resolution, resolution), channels),
    labels: digits.map((digit, i) => `${i + 1} (${digit})`),
    responses: [...rowsOf(train.fmri), ...rowsOf(test.fmri)],
    classes: digits,
    groups: null,
    split: {
      train: digits.flatMap((_, i) => (i < 90 ? [i] : [])),
      test: digits.flatMap((_, i) => (i < 90 ? [] : [i])),
    },
    unlabeledImages: null,
    notes: [...resized, "one response per image: there are no repeats, so no signal-to-noise ratio"],
  };
}

/** {@link readDigit69} with the published split, z-scored per voxel on the 90 training rows. */
export async function loadDigit69(path: string, options: Digit69Options & NormaliseOptions = {}): Promise<Dataset> {
  const raw = await readDigit69(path, options);
  return normalise(raw, raw.split, options).dataset;
}

interface Part {
  readonly fmri: Matrix;
  readonly pixels: Float32Array;
  readonly digits: readonly number[];
}

function readPart(mat: MatFile, suffix: "Trn" | "Test"): Part {
  const fmri = matMatrix(mat, `fmri${suffix}`);
  const stimuli = matMatrix(mat, `stim${suffix}`);
  const labels = matMatrix(mat, `label${suffix}`);
  const count = fmri.rows;
  const expected = suffix === "Trn" ? 90 : 10;
  if (
    count !== expected ||
    stimuli.rows !== count ||
    stimuli.columns !== SIDE * SIDE ||
    labels.values.length !== count
  ) {
    const shapes = [fmri, stimuli, labels].map(({ rows, columns }) => `[${rows}, ${columns}]`).join(", ");
    const right = `[${expected}, voxels], [${expected}, 784], [${expected}, 1]`;
    throw wrongFile(mat.file, `fmri${suffix}, stim${suffix} and label${suffix} are ${shapes}, expected ${right}`);
  }
  const digits = Array.from(labels.values, (label) => {
    if (label !== 1 && label !== 2)
      throw wrongFile(mat.file, `label${suffix} holds ${label}, expected 1 (six) or 2 (nine)`);
    return label === 1 ? 6 : 9;
  });
  return { fmri, pixels: uprightPixels(stimuli), digits };
}

/** The file holds each image column by column, with grey levels from 0 to 255. */
function uprightPixels({ rows, values }: Matrix): Float32Array {
  const pixels = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) pixels[(i * SIDE + y) * SIDE + x] = (values[(i * SIDE + x) * SIDE + y] ?? 0) / 255;
    }
  }
  return pixels;
}

function rowsOf({ rows, columns, values }: Matrix): Matrix[] {
  return Array.from({ length: rows }, (_, i) => ({
    rows: 1,
    columns,
    values: values.subarray(i * columns, (i + 1) * columns),
  }));
}

function wrongFile(file: string, what: string): DataError {
  return new DataError(`${file}: ${what}`, "Give the original digit69_28x28.mat of the 69 dataset.");
}
