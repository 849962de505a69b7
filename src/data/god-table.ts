/** What a file of 'fMRI on ImageNet' says besides the numbers: which rows are trials of which part, what they showed, which columns are voxels. */
import type { BData } from "./bdata.js";
import type { Region } from "./dataset.js";
import { DataError } from "./errors.js";
import { stimulusOfName, stimulusOfNumber } from "./stimulus-id.js";

/** A part of the experiment. */
export type GodPart = "training" | "test" | "imagery";

/** The parts as DataType numbers them. */
const TRAINING = 1;
const TEST = 2;

/** Trials of one part: their rows in the file, and what each showed. */
export interface GodTrials {
  readonly rows: readonly number[];
  readonly runs: readonly number[];
  /** ImageNet's name by trial. */
  readonly stimuli: readonly string[];
  /** Place in the list of pictures by trial, from 1; NaN where the file does not say. */
  readonly places: readonly number[];
}

/** What a file says. */
export interface GodTable {
  readonly train: GodTrials;
  readonly test: GodTrials;
  /** Trials of other types: imagery. */
  readonly others: number;
  /** Training and test rows whose label is missing: they showed no picture. */
  readonly unlabeled: number;
  /** Columns that are voxels. */
  readonly voxels: readonly number[];
  /** As indices into `voxels`. */
  readonly regions: readonly Region[];
}

/** Metadata keys that select columns which are no region. */
const NO_REGION = /^(VoxelData|VertexData|DataType|Run|Label|stimulus_id|category_index|image_index)$/;
/** Keys of the columns that say which picture was seen, the surest first. */
const STIMULUS_KEYS = ["stimulus_name", "stimulus_id", "Label"];

/** Columns that are voxels, and the regions among them: keys of zeros and ones that select voxels only. */
export function voxelsAndRegions(data: BData): Pick<GodTable, "voxels" | "regions"> {
  const flags = data.keys.filter((key) => {
    const values = data.metadata(key);
    return !NO_REGION.test(key) && values.every((value) => Number.isNaN(value) || value === 0 || value === 1);
  });
  const all = ["VoxelData", "VertexData"].find((key) => data.keys.includes(key));
  const voxels =
    all === undefined ? [...new Set(flags.flatMap((key) => data.select(key)))].sort((a, b) => a - b) : data.select(all);
  const place = new Map(voxels.map((column, i) => [column, i]));
  const regions: Region[] = [];
  for (const key of flags) {
    const columns = data.select(key);
    if (columns.length === 0 || columns.some((column) => !place.has(column))) continue;
    regions.push({ name: key.replace(/^ROI_/, ""), voxels: columns.map((column) => place.get(column) as number) });
  }
  return { voxels, regions };
}

/** ImageNet's name of the picture of each row, `null` where its label is missing: from names in the file, else from numbers like 1443537.022563. */
async function stimuliOf(data: BData, rows: readonly number[]): Promise<(string | null)[]> {
  const keys = STIMULUS_KEYS.filter((key) => data.keys.includes(key));
  for (const key of keys) {
    const names = data.labels(key);
    for (const column of data.select(key)) {
      const values = await data.column(column);
      const seen = rows.map((row) => values[row] ?? Number.NaN);
      const nameOf = (value: number) => stimulusOfName(names?.get(value) ?? "") ?? stimulusOfNumber(value);
      const found = seen.map((value) => (Number.isNaN(value) ? null : nameOf(value)));
      const readable = found.every((name, i) => name !== null || Number.isNaN(seen[i]));
      if (readable && found.some((name) => name !== null)) return found;
    }
  }
  throw new DataError(
    `${data.file}: no column of ${keys.length === 0 ? "stimulus_name, stimulus_id or Label" : keys.join(" or ")} says which picture was seen, as 1443537.022563`,
    "Give the Subject file with its labels.",
  );
}

/** One column of numbers by its key. */
async function only(data: BData, key: string): Promise<Float64Array> {
  const [column] = data.select(key);
  if (column === undefined) throw new DataError(`${data.file}: key ${key} selects no column`, "Give a Subject file.");
  return data.column(column);
}

/** The part of each row: by DataType where there is one, else the part that the whole file is. */
async function typesOf(data: BData, part: GodPart | null): Promise<ArrayLike<number>> {
  if (data.keys.includes("DataType")) return only(data, "DataType");
  if (part !== null)
    return new Uint8Array(data.samples).fill(part === "training" ? TRAINING : part === "test" ? TEST : 3);
  throw new DataError(
    `${data.file}: no metadata key DataType, there are ${data.keys.join(", ")}`,
    "Give a Subject file; of a subject in several files the part is told by the name, as in Subject3_ImageNetTraining.h5.",
  );
}

/**
 * Reads types, runs, pictures, voxels and regions of a file: all but the fMRI. A file of one part has no trials of the others.
 *
 * @param part - What the file holds, should it have no DataType.
 * @throws {DataError} when a key is missing, or no trial or voxel is there.
 */
export async function readGodTable(data: BData, part: GodPart | null = null): Promise<GodTable> {
  const types = await typesOf(data, part);
  const runs = await only(data, "Run");
  const rowsOf = (type: number) => Array.from(types).flatMap((value, row) => (value === type ? [row] : []));
  const [train, test] = [rowsOf(TRAINING), rowsOf(TEST)];
  const stimuli = train.length + test.length === 0 ? [] : await stimuliOf(data, [...train, ...test]);
  const nameOf = new Map([...train, ...test].map((row, i) => [row, stimuli[i] ?? null]));
  const places = data.keys.includes("image_index") ? await only(data, "image_index") : null;
  const trials = (all: readonly number[]): GodTrials => {
    const rows = all.filter((row) => nameOf.get(row) !== null);
    return {
      rows,
      runs: rows.map((row) => runs[row] as number),
      stimuli: rows.map((row) => nameOf.get(row) as string),
      places: rows.map((row) => places?.[row] ?? Number.NaN),
    };
  };
  const { voxels, regions } = voxelsAndRegions(data);
  if (voxels.length === 0) {
    throw new DataError(`${data.file}: no column is a voxel (keys VoxelData, ROI_...)`, "Give a Subject file.");
  }
  const others = data.samples - train.length - test.length;
  const unlabeled = stimuli.filter((name) => name === null).length;
  return { train: trials(train), test: trials(test), others, unlabeled, voxels, regions };
}
