/** What vim-1 (Kay et al. 2008) and its open part have in common: grey pictures around 0, and regions as one code for each voxel. */
import { type Matrix, type RawDataset, type Region, selectRows } from "./dataset.js";
import { DataError } from "./errors.js";
import { splitAt } from "./god.js";
import { selectRois } from "./rois.js";

/** Least and greatest pixel of the training pictures. */
export interface GreyRange {
  readonly low: number;
  readonly high: number;
}

/** The range that holds both. */
export function widen(range: GreyRange | null, values: ArrayLike<number | bigint>): GreyRange {
  let low = range?.low ?? Number.POSITIVE_INFINITY;
  let high = range?.high ?? Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/**
 * Pixels brought to [0, 1] by the range of the training pictures; what a test picture has beyond it is cut off.
 *
 * @throws {DataError} when the range is not one of pictures.
 */
export function toUnit(values: ArrayLike<number | bigint>, { low, high }: GreyRange, file: string): Float32Array {
  if (!(high > low && Number.isFinite(high - low))) {
    throw new DataError(`${file}: pixels from ${low} to ${high} are no pictures`, "Give the original file.");
  }
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, (Number(values[i]) - low) / (high - low)));
  return out;
}

/** Codes of voxels as regions, without those that no voxel has. */
export function regionsOfCodes(codes: ArrayLike<number | bigint>, names: readonly string[]): Region[] {
  const all = Array.from({ length: codes.length }, (_, v) => Number(codes[v]));
  return names.flatMap((name, code) => {
    const voxels = all.flatMap((value, v) => (value === code ? [v] : []));
    return voxels.length === 0 ? [] : [{ name, voxels }];
  });
}

/** Names of the regions by code in vim-1. */
export const VIM1_REGIONS = ["Other", "V1", "V2", "V3", "V3A", "V3B", "V4", "LatOcc"] as const;

const rowsOf = (matrix: Matrix) => Array.from({ length: matrix.rows }, (_, row) => selectRows(matrix, [row]));

/** Recordings whose responses are averages already, with the voxels of `roi`: by default all that belong to a named region. */
export function averagedRecordings(
  parts: Pick<RawDataset, "name" | "images"> & {
    readonly train: Matrix;
    readonly test: Matrix;
    readonly regions: readonly Region[];
    readonly notes: readonly string[];
  },
  roi: string | undefined,
): RawDataset {
  const { name, images, train, test, regions, notes } = parts;
  const raw: RawDataset = {
    name,
    images,
    labels: [
      ...Array.from({ length: train.rows }, (_, i) => `training ${i + 1}`),
      ...Array.from({ length: test.rows }, (_, i) => `validation ${i + 1}`),
    ],
    responses: [...rowsOf(train), ...rowsOf(test)],
    classes: null,
    groups: null,
    regions,
    split: splitAt(train.rows, train.rows + test.rows),
    unlabeledImages: null,
    notes: [...notes, "one averaged response per image: there are no repeats, so no signal-to-noise ratio"],
  };
  const other = regions.find((region) => region.name === "Other");
  return selectRois(raw, roi ?? (other !== undefined && regions.length > 1 ? "all-Other" : "all"));
}
