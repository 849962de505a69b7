/** vim-1 (Kay et al. 2008, Naselaris et al. 2009; CRCNS): 1,750 training and 120 validation pictures, two subjects. */
import { join } from "node:path";
import type { Dataset, ImageSet, Matrix, RawDataset } from "./dataset.js";
import { DataError } from "./errors.js";
import { fileOrFolder, listFiles } from "./files.js";
import { toFloat32 } from "./fmri-table.js";
import { type MatReader, matEntry, readMatMatrix, readMatNumeric, withMat } from "./mat.js";
import { averagedRecordings, type GreyRange, regionsOfCodes, VIM1_REGIONS } from "./natural-images.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { checkSize } from "./resample.js";
import { joinImages } from "./stimuli.js";
import { findStimuli, readGreyPictures, type StimulusFile, trainingRange } from "./vim1-stimuli.js";

/** Which subject and voxels, and how the pictures are shown. */
export interface Vim1Options {
  /** 1 or 2. Default 1. */
  readonly subject?: number;
  /** Folder of the stimuli, or `Stimuli.mat`. Default the folder of the responses. */
  readonly stimuli?: string;
  /** Regions of interest, as {@link voxelsOfChoice}. Default all that are named: V1 to V4 and LatOcc. */
  readonly roi?: string;
  /** Height and width in pixels. Default 112. */
  readonly resolution?: number;
  /** 1 = grey, 3 = three equal channels. Default 1. */
  readonly channels?: 1 | 3;
}

/** What a file of responses holds of a subject. */
export interface Vim1Responses {
  readonly train: Matrix;
  readonly test: Matrix;
  readonly codes: ArrayLike<number | bigint>;
}

/** The responses' file: `path` itself, or the one in the folder that holds `dataTrnS1` or `dataTrnS2`. */
export async function responsesFile(path: string): Promise<string> {
  if ((await fileOrFolder(path)) === "file") return path;
  for (const name of (await listFiles(path)).filter((candidate) => /\.mat$/i.test(candidate))) {
    const file = join(path, name);
    if (await withMat(file, (mat) => Promise.resolve(subjectsOf(mat).length > 0))) return file;
  }
  throw new DataError(`${path}: no file of responses (dataTrnS1, ...)`, "Put EstimatedResponses.mat there.");
}

/**
 * Reads `EstimatedResponses.mat` and the stimuli: `Stimuli.mat` (128 pixels), or `Stimuli_Trn_FullRes_*.mat` and
 * `Stimuli_Val_FullRes.mat` (500 pixels) where more than 128 are asked for or there is nothing else. Files are told by what they hold;
 * only the order of several files of training pictures is that of their names.
 *
 * The responses are averages, over 2 repeats in training and 13 in validation.
 *
 * @param path - The file of responses, or the folder of all files.
 * @throws {DataError} when a file is missing, damaged or another, or pictures and responses differ in number.
 */
export async function readVim1(path: string, options: Vim1Options = {}): Promise<RawDataset> {
  const { subject = 1, resolution = 112, channels = 1 } = options;
  checkSize("resolution", resolution);
  const file = await responsesFile(path);
  const { train, test, codes } = await withMat(file, (mat) => readVim1Responses(mat, subject));
  const counts = { stimTrn: train.rows, stimVal: test.rows };
  const { training, validation } = await findStimuli(options.stimuli ?? join(file, ".."), counts, resolution);
  const range = await trainingRange(training);
  const images = await pictures([...training, ...validation], range, { resolution, channels });
  const regions = regionsOfCodes(codes, VIM1_REGIONS);
  return averagedRecordings({ name: "vim1", images, train, test, regions, notes: [`subject ${subject}`] }, options.roi);
}

async function pictures(
  files: readonly StimulusFile[],
  range: GreyRange,
  size: { resolution: number; channels: 1 | 3 },
): Promise<ImageSet> {
  const sets: ImageSet[] = [];
  for (const file of files) sets.push(await readGreyPictures(file, range, size));
  return joinImages(sets);
}

/** The subjects that a file of responses holds. */
export function subjectsOf(mat: Pick<MatReader, "entries">): number[] {
  return mat.entries.flatMap(({ name }) => (/^dataTrnS\d$/.test(name) ? [Number(name.slice(-1))] : []));
}

/** The responses of a subject, and the region of each voxel. @throws {DataError} when the file does not hold them. */
export async function readVim1Responses(mat: MatReader, subject: number): Promise<Vim1Responses> {
  const subjects = subjectsOf(mat);
  if (!subjects.includes(subject)) {
    const there = subjects.length === 0 ? "no responses" : `subjects ${subjects.join(" and ")}`;
    throw new DataError(`${mat.file}: no subject ${subject}, it holds ${there}`, "Choose another with --subject.");
  }
  const { values: codes } = await readMatNumeric(mat, `roiS${subject}`);
  const [train, test] = [
    await imagesByVoxels(mat, `dataTrnS${subject}`, codes.length),
    await imagesByVoxels(mat, `dataValS${subject}`, codes.length),
  ];
  return { train, test, codes };
}

/** A variable as `[images, voxels]`, whichever way round it is stored: one of its sides is the number of voxels. */
async function imagesByVoxels(mat: MatReader, name: string, voxels: number): Promise<Matrix> {
  const { dims } = matEntry(mat, name);
  const [rows = 0, columns = 0] = dims;
  if (dims.length === 2 && rows === voxels && columns > 0) {
    // Column-major: one picture's voxels lie together, so the columns are the rows that are wanted.
    return { rows: columns, columns: voxels, values: toFloat32(await mat.columns(name, 0, columns)) };
  }
  if (dims.length === 2 && columns === voxels && rows > 0) return readMatMatrix(mat, name);
  throw new DataError(
    `${mat.file}: ${name} is [${dims.join(", ")}], but there are regions for ${voxels} voxels`,
    "Give the original EstimatedResponses.mat.",
  );
}

/** {@link readVim1} with the published split, z-scored per voxel on the training rows. */
export async function loadVim1(path: string, options: Vim1Options & NormaliseOptions = {}): Promise<Dataset> {
  const raw = await readVim1(path, options);
  return normalise(raw, raw.split, options).dataset;
}
