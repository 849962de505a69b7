/** 'fMRI on ImageNet' (Generic Object Decoding; Horikawa & Kamitani 2017): 1,200 pictures seen once, 50 others seen 35 times. */
import { type BData, openBData } from "./bdata.js";
import type { Dataset, RawDataset, Region } from "./dataset.js";
import { DataError } from "./errors.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { checkSize } from "./resample.js";
import { selectRois } from "./rois.js";
import { groupRows, zScoreRuns } from "./runs.js";
import { loadStimuli } from "./stimuli.js";
import { stimulusOfNumber } from "./stimulus-id.js";

/** Which voxels, and how the pictures are shown. */
export interface GodOptions {
  /** Folder of ImageNet files, or the .npz of all pictures. */
  readonly stimuli: string;
  /** Regions of interest, as {@link voxelsOfChoice}. Default "VC", the visual cortex, as the paper; all where there is no such region. */
  readonly roi?: string;
  /** Height and width in pixels: pictures are cropped to their centre square and resized. Default 112. */
  readonly resolution?: number;
  /** 3 = RGB, 1 = grey. Default 3. */
  readonly channels?: 1 | 3;
}

/** The three parts of the experiment, as DataType numbers them. */
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

/** What a file says besides the numbers. */
export interface GodTable {
  readonly train: GodTrials;
  readonly test: GodTrials;
  /** Trials of other types: imagery. */
  readonly others: number;
  /** Columns that are voxels. */
  readonly voxels: readonly number[];
  /** As indices into `voxels`. */
  readonly regions: readonly Region[];
}

/** Metadata keys that select columns which are no region. */
const NO_REGION = /^(VoxelData|DataType|Run|Label|stimulus_id|category_index|image_index)$/;

/** Columns that are voxels, and the regions among them: keys of zeros and ones that select voxels only. */
export function voxelsAndRegions(data: BData): Pick<GodTable, "voxels" | "regions"> {
  const flags = data.keys.filter((key) => {
    const values = data.metadata(key);
    return !NO_REGION.test(key) && values.every((value) => Number.isNaN(value) || value === 0 || value === 1);
  });
  const voxels = data.keys.includes("VoxelData")
    ? data.select("VoxelData")
    : [...new Set(flags.flatMap((key) => data.select(key)))].sort((a, b) => a - b);
  const place = new Map(voxels.map((column, i) => [column, i]));
  const regions: Region[] = [];
  for (const key of flags) {
    const columns = data.select(key);
    if (columns.length === 0 || columns.some((column) => !place.has(column))) continue;
    regions.push({ name: key.replace(/^ROI_/, ""), voxels: columns.map((column) => place.get(column) as number) });
  }
  return { voxels, regions };
}

/** The first column of those that `keys` select whose values in `rows` all are the numbers of pictures. */
async function stimulusColumn(data: BData, rows: readonly number[]): Promise<Float64Array> {
  const keys = ["stimulus_id", "Label"].filter((key) => data.keys.includes(key));
  for (const column of keys.flatMap((key) => data.select(key))) {
    const values = await data.column(column);
    if (rows.every((row) => stimulusOfNumber(values[row] ?? 0) !== null)) return values;
  }
  throw new DataError(
    `${data.file}: no column of ${keys.length === 0 ? "stimulus_id or Label" : keys.join(" or ")} says which picture was seen, as 1443537.022563`,
    "Give the Subject file with its labels.",
  );
}

/**
 * Reads types, runs, pictures, voxels and regions of a file: all but the fMRI.
 *
 * @throws {DataError} when a key is missing or no training or test trial or voxel is there.
 */
export async function readGodTable(data: BData): Promise<GodTable> {
  const only = async (key: string) => {
    const [column] = data.select(key);
    if (column === undefined) throw new DataError(`${data.file}: key ${key} selects no column`, "Give a Subject file.");
    return data.column(column);
  };
  const types = await only("DataType");
  const runs = await only("Run");
  const rowsOf = (type: number) => Array.from(types).flatMap((value, row) => (value === type ? [row] : []));
  const [train, test] = [rowsOf(TRAINING), rowsOf(TEST)];
  if (train.length === 0 || test.length === 0) {
    throw new DataError(
      `${data.file}: ${train.length} training and ${test.length} test trials (DataType 1 and 2) of ${data.samples}`,
      "Give the file that holds both.",
    );
  }
  const stimuli = await stimulusColumn(data, [...train, ...test]);
  const places = data.keys.includes("image_index") ? await only("image_index") : null;
  const trials = (rows: readonly number[]): GodTrials => ({
    rows,
    runs: rows.map((row) => runs[row] as number),
    stimuli: rows.map((row) => stimulusOfNumber(stimuli[row] as number) as string),
    places: rows.map((row) => places?.[row] ?? Number.NaN),
  });
  const { voxels, regions } = voxelsAndRegions(data);
  if (voxels.length === 0) {
    throw new DataError(`${data.file}: no column is a voxel (keys VoxelData, ROI_...)`, "Give a Subject file.");
  }
  const others = data.samples - train.length - test.length;
  return { train: trials(train), test: trials(test), others, voxels, regions };
}

/** The pictures of some trials, each once, in the order of their list; by name where there is none. */
function picturesOf({ stimuli, places }: GodTrials): { names: string[]; places: number[] | null } {
  const place = new Map(stimuli.map((name, i) => [name, places[i] as number]));
  const known = [...place.values()].every((value) => Number.isInteger(value) && value >= 1);
  const names = [...place.keys()].sort((a, b) =>
    known ? (place.get(a) as number) - (place.get(b) as number) : a < b ? -1 : 1,
  );
  return { names, places: known ? names.map((name) => (place.get(name) as number) - 1) : null };
}

/**
 * Reads a subject's recordings: Brainliner's `.mat` (MAT 5), figshare's `.mat` (MAT 7.3) or bdpy's `.h5`, told apart by content. Every
 * trial is z-scored per voxel within its run (a run is a pair of DataType and Run); imagery is left out.
 *
 * @param path - The Subject file.
 * @throws {DataError} when it is another file or damaged, a region is unknown, pictures are missing, or one was shown in training and test.
 */
export async function readGod(path: string, options: GodOptions): Promise<RawDataset> {
  const { resolution = 112, channels = 3 } = options;
  checkSize("resolution", resolution);
  const data = await openBData(path);
  try {
    const table = await readGodTable(data);
    const { train, test, others, voxels, regions } = table;
    const [trainPictures, testPictures] = [picturesOf(train), picturesOf(test)];
    checkParts(path, trainPictures.names, testPictures.names);
    const images = await loadStimuli(
      options.stimuli,
      { train: trainPictures, test: testPictures },
      { resolution, channels },
    );
    const fmri = await data.matrix(voxels, [...train.rows, ...test.rows]);
    const runs = [...train.runs.map((run) => `training ${run}`), ...test.runs.map((run) => `test ${run}`)];
    const labels = [...trainPictures.names, ...testPictures.names];
    const whole: RawDataset = {
      name: "god",
      images,
      labels,
      responses: groupRows(zScoreRuns(fmri, runs), [...train.stimuli, ...test.stimuli], labels),
      classes: null,
      groups: null,
      split: splitAt(trainPictures.names.length, labels.length),
      unlabeledImages: null,
      regions,
      notes: [
        `${new Set(runs).size} runs, each z-scored per voxel`,
        ...(others > 0 ? [`${others} trials of other types (imagery) are left out`] : []),
      ],
    };
    return selectRois(whole, options.roi ?? (regions.some(({ name }) => name === "VC") ? "VC" : "all"));
  } finally {
    await data.close();
  }
}

/** The first `train` images train, the rest up to `count` test. */
export function splitAt(train: number, count: number): RawDataset["split"] {
  const indices = Array.from({ length: count }, (_, i) => i);
  return { train: indices.slice(0, train), test: indices.slice(train) };
}

function checkParts(path: string, train: readonly string[], test: readonly string[]): void {
  const tested = new Set(test);
  const both = train.find((name) => tested.has(name));
  if (both === undefined) return;
  throw new DataError(
    `${path}: picture ${both} was shown in training and in test`,
    "A test picture must not be trained on; give the original file.",
  );
}

/** {@link readGod} with the published split, voxels screened; test rows are the mean over all repeats. */
export async function loadGod(path: string, options: GodOptions & NormaliseOptions): Promise<Dataset> {
  const raw = await readGod(path, options);
  return normalise(raw, raw.split, options).dataset;
}
