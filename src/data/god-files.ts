/** A subject of 'fMRI on ImageNet' in one file, or in one for each part of the experiment, as the fMRIPrep release has it. */
import { basename, dirname, join } from "node:path";
import { type BData, openBData } from "./bdata.js";
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { fileOrFolder, listFiles } from "./files.js";
import { type GodPart, type GodTable, readGodTable } from "./god-table.js";
import { subjectFile, subjectFiles } from "./subject-file.js";

/** An open file and what it says. */
interface Opened {
  readonly data: BData;
  readonly table: GodTable;
}

/** What is added up over the files of a subject. */
export interface GodFiles extends Pick<GodTable, "train" | "test" | "others" | "unlabeled" | "regions"> {
  /** Paths, that of the training trials first. */
  readonly files: readonly string[];
  readonly format: string;
  /** How many. */
  readonly voxels: number;
  /** Samples and columns of each file. */
  readonly tables: readonly (readonly [number, number])[];
  /** fMRI of the training trials, then of the test trials; of some voxels only, when told which. */
  matrix(voxels?: readonly number[]): Promise<Matrix>;
  close(): Promise<void>;
}

const PART = /training|train|test|imagery/i;

function partOf(path: string): GodPart | null {
  const word = PART.exec(basename(path))?.[0].toLowerCase();
  if (word === undefined) return null;
  return word.startsWith("train") ? "training" : word === "test" ? "test" : "imagery";
}

async function openFile(path: string): Promise<Opened> {
  const data = await openBData(path);
  try {
    return { data, table: await readGodTable(data, partOf(path)) };
  } catch (error) {
    await data.close();
    throw error;
  }
}

const holds = ({ table }: Opened, part: "train" | "test") => table[part].rows.length > 0;

/** The file beside `path` whose name differs in the part alone: Subject3_ImageNetTest.h5 of Subject3_ImageNetTraining.h5. */
async function otherPart(path: string, wanted: GodPart): Promise<string | null> {
  const stem = (name: string) => name.replace(PART, "*");
  const names = await listFiles(dirname(path));
  const found = names.find((name) => partOf(name) === wanted && stem(name) === stem(basename(path)));
  return found === undefined ? null : join(dirname(path), found);
}

/** The file to begin with: of a folder with one subject in several files, that of the training. */
async function firstFile(path: string, subject: number | null): Promise<string> {
  if ((await fileOrFolder(path)) === "file") return path;
  const files = (await subjectFiles(path)).filter(({ number }) => subject === null || number === subject);
  const training = files.filter(({ name }) => partOf(name) === "training");
  const [first] = training;
  const oneSubject = new Set(files.map(({ number }) => number)).size === 1;
  const inParts = oneSubject && training.length === 1 && files.every(({ name }) => partOf(name) !== null);
  return first !== undefined && inParts ? join(path, first.name) : subjectFile(path, subject);
}

/** Positions of the voxels, where a file gives them: what tells voxels of two files to be the same. */
function positionsOf({ data, table }: Opened, key: string): readonly number[] | null {
  if (!data.keys.includes(key)) return null;
  const values = data.metadata(key);
  return table.voxels.map((column) => values[column] as number);
}

/** Parts of one subject hold the same voxels in the same order. */
function checkSameVoxels(first: Opened, other: Opened): void {
  const remedy = "Give files of one subject and one release.";
  const [a, b] = [first.data.file, other.data.file];
  if (first.table.voxels.length !== other.table.voxels.length) {
    throw new DataError(
      `${a} has ${first.table.voxels.length} voxels, ${basename(b)} ${other.table.voxels.length}`,
      remedy,
    );
  }
  for (const key of ["voxel_x", "voxel_y", "voxel_z", "voxel_i", "voxel_j", "voxel_k", "vertex_index"]) {
    const [mine, theirs] = [positionsOf(first, key), positionsOf(other, key)];
    if (mine === null || theirs === null) continue;
    const at = mine.findIndex((value, i) => value !== theirs[i] && !(Number.isNaN(value) && Number.isNaN(theirs[i])));
    if (at < 0) continue;
    throw new DataError(
      `${a}: ${key} of voxel ${at + 1} is ${mine[at]}, in ${basename(b)} it is ${theirs[at]}`,
      remedy,
    );
  }
}

function joined(parts: readonly Opened[]): GodFiles {
  const [first] = parts as [Opened];
  for (const other of parts.slice(1)) checkSameVoxels(first, other);
  const trialsOf = (part: "train" | "test") => (parts.find((file) => holds(file, part)) ?? first).table[part];
  const sum = (count: (table: GodTable) => number) => parts.reduce((total, { table }) => total + count(table), 0);
  const matrixOf = async (part: "train" | "test", voxels?: readonly number[]) => {
    const { data, table } = parts.find((file) => holds(file, part)) ?? first;
    const columns = voxels === undefined ? table.voxels : voxels.map((voxel) => table.voxels[voxel] as number);
    return data.matrix(columns, table[part].rows);
  };
  return {
    files: parts.map(({ data }) => data.file),
    format: first.data.format,
    voxels: first.table.voxels.length,
    tables: parts.map(({ data }) => [data.samples, data.columns] as const),
    train: trialsOf("train"),
    test: trialsOf("test"),
    others: sum(({ others }) => others),
    unlabeled: sum(({ unlabeled }) => unlabeled),
    regions: first.table.regions,
    async matrix(voxels) {
      const [train, test] = [await matrixOf("train", voxels), await matrixOf("test", voxels)];
      const values = new Float32Array(train.values.length + test.values.length);
      values.set(train.values);
      values.set(test.values, train.values.length);
      return { rows: train.rows + test.rows, columns: train.columns, values };
    },
    async close() {
      for (const { data } of parts) await data.close();
    },
  };
}

/**
 * Opens the file of a subject, and where it holds one part of the experiment only, the other part beside it; close it when done.
 *
 * @param path - The file, or the folder of several.
 * @param subject - Which, in a folder; `null` for the only one.
 * @param whole - Whether both parts are wanted. Default true; false opens what is named and no other file.
 * @throws {DataError} when a file is missing, damaged or another, or the files are not of the same voxels.
 */
export async function openGodFiles(path: string, subject: number | null = null, whole = true): Promise<GodFiles> {
  const file = await firstFile(path, subject);
  const parts = [await openFile(file)];
  try {
    const [first] = parts as [Opened];
    const missing = (["train", "test"] as const).filter((part) => !holds(first, part));
    const other = whole && missing.length < 2 && missing[0] !== undefined ? missing[0] : null;
    const beside = other === null ? null : await otherPart(file, other === "train" ? "training" : "test");
    if (beside !== null) parts.push(await openFile(beside));
    return joined(other === "train" ? parts.reverse() : parts);
  } catch (error) {
    for (const { data } of parts) await data.close();
    throw error;
  }
}
