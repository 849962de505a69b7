/** A user's own recordings from a folder: `images/`, a table of fMRI, and which row saw which image. */
import { join } from "node:path";
import { type CsvRow, readCsv } from "./csv.js";
import { type Dataset, type Matrix, type RawDataset, type Region, selectRows } from "./dataset.js";
import { DataError } from "./errors.js";
import { exists, listFiles, readBytes } from "./files.js";
import { readFmriTable } from "./fmri-table.js";
import { isImageName, loadImageFolder } from "./images.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { checkSize } from "./resample.js";
import { zScoreRuns } from "./runs.js";
import { loadUnlabeledImages } from "./unlabeled.js";

/** How the stimuli are shown. */
export interface FolderOptions {
  /** Height and width in pixels: images are cropped to their centre square and resized. Default 112. */
  readonly resolution?: number;
  /** 3 = RGB, 1 = grey. Default 3. */
  readonly channels?: 1 | 3;
}

/** What one row of fMRI was recorded on. */
interface Trial {
  readonly image: number;
  readonly test: boolean;
  /** `null` where the split names no runs. */
  readonly run: string | null;
}

const SPLIT_REMEDY = "Give one row `name,train` or `name,test` for each row of the fMRI, in the same order.";

/**
 * Reads a folder of recordings:
 *
 * - `images/`: the stimuli, one file each;
 * - `fmri.npy`, `fmri.npz`, `fmri.csv`, `fmri.mat` (either format) or `fmri.h5`: `[rows, voxels]`, as {@link readFmriTable};
 * - `split.csv` or `split.json`: for each row of the fMRI the name of its image (with or without extension) and `train` or `test`.
 *   An image that was seen several times stands there several times. A third column, or `run`, names the run of each row: then
 *   every voxel is z-scored within its run;
 * - `rois.csv`, if wanted: a first row of region names, then a row of zeros and ones for each voxel;
 * - `unlabeled/`, if wanted: images nobody was recorded on.
 *
 * @throws {DataError} when something is missing, or names, rows and images do not fit together, with the name or line.
 */
export async function readFolder(path: string, options: FolderOptions = {}): Promise<RawDataset> {
  const { resolution = 112, channels = 3 } = options;
  checkSize("resolution", resolution);
  const imageFolder = join(path, "images");
  const names = (await listFiles(imageFolder)).filter(isImageName);
  const split = await readSplit(path);
  const trials = pairTrials(split, names, imageFolder);
  const fmri = await readFmri(path);
  checkRows(fmri, split.rows.length, split.file);
  const size = { height: resolution, width: resolution, channels };
  const { images } = await loadImageFolder(imageFolder, size);
  const runs = trials.flatMap(({ run }) => run ?? []);
  const scaled = runs.length === 0 ? fmri.matrix : zScoreRuns(fmri.matrix, runs);
  const regions = await readRegions(path, fmri.matrix.columns);
  const unlabeled = join(path, "unlabeled");
  const rowsOf = (image: number) => trials.flatMap((trial, row) => (trial.image === image ? [row] : []));
  const indices = names.map((_, i) => i);
  const tested = new Set(trials.flatMap(({ image, test }) => (test ? [image] : [])));
  return {
    name: "folder",
    images,
    labels: names,
    responses: indices.map((image) => selectRows(scaled, rowsOf(image))),
    classes: null,
    groups: null,
    ...(regions === null ? {} : { regions }),
    split: { train: indices.filter((i) => !tested.has(i)), test: indices.filter((i) => tested.has(i)) },
    unlabeledImages: (await exists(unlabeled)) ? await loadUnlabeledImages(unlabeled, size) : null,
    notes: runs.length === 0 ? [] : [`${new Set(runs).size} runs, each z-scored per voxel`],
  };
}

/** {@link readFolder}, z-scored per voxel on the training rows. */
export async function loadFolder(path: string, options: FolderOptions & NormaliseOptions = {}): Promise<Dataset> {
  const raw = await readFolder(path, options);
  return normalise(raw, raw.split, options).dataset;
}

interface Table {
  readonly file: string;
  readonly matrix: Matrix;
}

interface Split {
  readonly file: string;
  readonly rows: readonly CsvRow[];
}

/** The one file of the folder among `names`. */
async function oneOf(folder: string, names: readonly string[]): Promise<string> {
  const found = (await listFiles(folder)).filter((name) => names.includes(name));
  const [name] = found;
  if (name === undefined)
    throw new DataError(`${folder}: none of ${names.join(", ")} is there`, "Put one of them into it.");
  if (found.length > 1) throw new DataError(`${folder}: both ${found.join(" and ")} are there`, "Keep one of them.");
  return join(folder, name);
}

async function readFmri(folder: string): Promise<Table> {
  const file = await oneOf(folder, ["fmri.npy", "fmri.npz", "fmri.csv", "fmri.mat", "fmri.h5"]);
  return { file, matrix: await readFmriTable(file) };
}

/** Regions by voxel; `null` when there is no such table. */
async function readRegions(folder: string, voxels: number): Promise<Region[] | null> {
  const file = join(folder, "rois.csv");
  if (!(await exists(file))) return null;
  const [header, ...rows] = await readCsv(file);
  if (rows.length !== voxels) {
    throw new DataError(
      `${file}: ${rows.length} rows under its names, but the fMRI has ${voxels} voxels`,
      "Give a first row of region names, then one row of zeros and ones for each voxel.",
    );
  }
  const regions = (header?.cells ?? []).map((name) => ({ name, voxels: [] as number[] }));
  rows.forEach(({ line, cells }, voxel) => {
    const bad = cells.findIndex((cell) => cell !== "0" && cell !== "1");
    if (bad >= 0 || cells.length !== regions.length) {
      const what =
        bad >= 0 ? `"${cells[bad]}", expected 0 or 1` : `${cells.length} cells under ${regions.length} names`;
      throw new DataError(`${file}: line ${line}: ${what}`, "Write 1 where the voxel belongs to the region, else 0.");
    }
    for (const [i, region] of regions.entries()) if (cells[i] === "1") region.voxels.push(voxel);
  });
  return regions;
}

function checkRows({ file, matrix }: Table, splitRows: number, splitFile: string): void {
  if (matrix.rows !== splitRows || matrix.columns === 0) {
    throw new DataError(
      `${file}: [${matrix.rows}, ${matrix.columns}], but ${splitFile} has ${splitRows} rows`,
      "The fMRI is [rows, voxels]; transpose it if it is the other way round.",
    );
  }
  for (let r = 0; r < matrix.rows; r++) {
    const row = matrix.values.subarray(r * matrix.columns, (r + 1) * matrix.columns);
    if (row.every((value) => !Number.isFinite(value))) {
      throw new DataError(`${file}: row ${r + 1} holds no finite number`, "Remove the row here and in the split.");
    }
  }
}

async function readSplit(folder: string): Promise<Split> {
  const file = await oneOf(folder, ["split.csv", "split.json"]);
  if (file.endsWith(".json")) return { file, rows: parseJsonSplit(await readBytes(file), file) };
  const rows = await readCsv(file);
  const header = rows[0]?.cells[1]?.toLowerCase() === "split";
  return { file, rows: header ? rows.slice(1) : rows };
}

/** `[{ "name": "cat.jpg", "split": "train" }, ...]`; the line of a row is its place in the list. */
function parseJsonSplit(bytes: Uint8Array, file: string): CsvRow[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new DataError(`${file}: not JSON (${error instanceof Error ? error.message : String(error)})`, SPLIT_REMEDY);
  }
  const remedy = 'Write a list of { "name": "cat.jpg", "split": "train" }, one for each row of the fMRI.';
  if (!Array.isArray(parsed)) throw new DataError(`${file}: not a list`, remedy);
  return parsed.map((entry: unknown, i) => {
    const { name, split, run } = (typeof entry === "object" && entry !== null ? entry : {}) as Record<string, unknown>;
    if (typeof name !== "string" || typeof split !== "string") {
      throw new DataError(`${file}: entry ${i + 1} has no name or split`, remedy);
    }
    return { line: i + 1, cells: [name, split, ...(run === undefined ? [] : [String(run)])] };
  });
}

/** Finds each row's image, and checks that every image has a row and stands on one side of the split. */
function pairTrials({ file, rows }: Split, names: readonly string[], imageFolder: string): Trial[] {
  const sides = new Map<number, boolean>();
  const trials = rows.map(({ line, cells }) => {
    const [name = "", side = "", run = ""] = cells;
    const where = `${file}: line ${line}`;
    if (side !== "train" && side !== "test") {
      throw new DataError(`${where}: "${side}" for ${name}, expected train or test`, SPLIT_REMEDY);
    }
    const image = findImage(name, names, where, imageFolder);
    const test = side === "test";
    if (sides.has(image) && sides.get(image) !== test) {
      throw new DataError(`${where}: ${name} is in training and test`, "Put all rows of an image into one of them.");
    }
    sides.set(image, test);
    return { image, test, run: run === "" ? null : run };
  });
  const unnamed = trials.findIndex(({ run }) => run === null);
  if (unnamed >= 0 && trials.some(({ run }) => run !== null)) {
    throw new DataError(
      `${file}: line ${rows[unnamed]?.line} names no run, other lines do`,
      "Name the run of every row, or of none.",
    );
  }
  const unused = names.find((_, i) => !sides.has(i));
  if (unused !== undefined) {
    throw new DataError(
      `${join(imageFolder, unused)}: in no row of ${file}`,
      "Add its rows, or move the image to unlabeled/ beside images/.",
    );
  }
  return trials;
}

function findImage(name: string, names: readonly string[], where: string, imageFolder: string): number {
  const exact = names.indexOf(name);
  if (exact >= 0) return exact;
  // macOS takes letters and their accents apart in file names.
  const plain = name.normalize();
  const composed = names.findIndex((candidate) => candidate.normalize() === plain);
  if (composed >= 0) return composed;
  const alike = names.flatMap((candidate, i) => (candidate.normalize().replace(/\.\w+$/, "") === plain ? [i] : []));
  const [found] = alike;
  if (found === undefined)
    throw new DataError(`${where}: no image ${name} in ${imageFolder}`, "Correct the name, or add the image.");
  if (alike.length > 1) {
    throw new DataError(
      `${where}: ${name} may be ${alike.map((i) => names[i]).join(" or ")}`,
      "Write the name with its extension.",
    );
  }
  return found;
}
