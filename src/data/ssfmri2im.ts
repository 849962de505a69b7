/** The recordings of 'fMRI on ImageNet' as the PyTorch follow-up of Beliy et al. releases them: `sbj_N.npz` beside `images_112.npz`. */
import { dirname } from "node:path";
import type { Dataset, Matrix, RawDataset, Region } from "./dataset.js";
import { DataError } from "./errors.js";
import { splitAt } from "./god.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { npyMatrix } from "./npy.js";
import { type Npz, withNpz } from "./npz.js";
import { checkSize } from "./resample.js";
import { selectRois } from "./rois.js";
import { groupRows } from "./runs.js";
import { archiveIn, loadStimuli } from "./stimuli.js";
import { subjectFile } from "./subject-file.js";

/** Which subject and voxels, and how the pictures are shown. */
export interface Ssfmri2imOptions {
  /** 1 to 5, where a folder is given. Default: the only one there. */
  readonly subject?: number;
  /** The .npz of all pictures. Default the one in the folder of the recordings that holds `train_images`. */
  readonly stimuli?: string;
  /** Regions of interest, as {@link voxelsOfChoice}. Default "VC", the visual cortex; all where there is no such region. */
  readonly roi?: string;
  /** Height and width in pixels. Default 112. */
  readonly resolution?: number;
  /** 3 = RGB, 1 = grey. Default 3. */
  readonly channels?: 1 | 3;
}

const WANTED = ["arr_0", "arr_1", "arr_3", "arr_4"] as const;

/**
 * Reads `sbj_N.npz`: training fMRI `arr_0` and labels `arr_3`, test fMRI `arr_1` and labels `arr_4` (all repeats), regions as masks.
 * Labels are places in `train_images` and `test_images`. How the fMRI was scaled before its release is not known; it is used as it is.
 *
 * @param path - The file, or the folder of several.
 * @throws {DataError} when a file is missing, damaged or another, or labels and pictures do not fit together.
 */
export async function readSsfmri2im(path: string, options: Ssfmri2imOptions = {}): Promise<RawDataset> {
  const { resolution = 112, channels = 3 } = options;
  checkSize("resolution", resolution);
  const file = await subjectFile(path, options.subject ?? null, /^(?!.*images).*\.npz$/i);
  const stimuli = options.stimuli ?? (await picturesBeside(file));
  return withNpz(file, async (npz) => {
    const { train, test } = await readParts(npz);
    const shown = {
      train: { names: null, places: train.places },
      test: { names: null, places: test.places },
    };
    const images = await loadStimuli(stimuli, shown, { resolution, channels });
    const regions = await readMasks(npz, train.fmri.columns);
    const labels = [
      ...train.places.map((place) => `training ${place + 1}`),
      ...test.places.map((place) => `test ${place + 1}`),
    ];
    const raw: RawDataset = {
      name: "ssfmri2im",
      images,
      labels,
      responses: [
        ...groupRows(train.fmri, train.labels, train.places),
        ...groupRows(test.fmri, test.labels, test.places),
      ],
      classes: null,
      groups: null,
      regions,
      split: splitAt(train.places.length, labels.length),
      unlabeledImages: null,
      notes: ["fMRI as released: how it was scaled, and its runs, are not known"],
    };
    return selectRois(raw, options.roi ?? (regions.some(({ name }) => name === "VC") ? "VC" : "all"));
  });
}

async function readParts(npz: Npz): Promise<{ train: Part; test: Part }> {
  const missing = WANTED.find((name) => !npz.names.includes(name));
  if (missing !== undefined) {
    throw new DataError(`${npz.file}: no array ${missing}, it holds ${npz.names.join(", ")}`, "Give a sbj_N.npz.");
  }
  const [train, test] = [await readPart(npz, "arr_0", "arr_3"), await readPart(npz, "arr_1", "arr_4")];
  if (train.fmri.columns === test.fmri.columns) return { train, test };
  throw new DataError(
    `${npz.file}: arr_0 has ${train.fmri.columns} voxels, arr_1 ${test.fmri.columns}`,
    "Give the original sbj_N.npz.",
  );
}

interface Part {
  readonly fmri: Matrix;
  /** The picture of each row, from 0. */
  readonly labels: readonly number[];
  /** The pictures that occur, ascending. */
  readonly places: readonly number[];
}

async function readPart(npz: Npz, fmriName: string, labelName: string): Promise<Part> {
  const fmri = npyMatrix(await npz.read(fmriName), `${npz.file}/${fmriName}.npy`);
  const labels = Array.from((await npz.read(labelName)).values as ArrayLike<number>, Number);
  if (labels.length !== fmri.rows || fmri.rows * fmri.columns === 0) {
    throw new DataError(
      `${npz.file}: ${labelName} has ${labels.length} labels for ${fmriName} of [${fmri.rows}, ${fmri.columns}]`,
      "Give the original sbj_N.npz.",
    );
  }
  const places = [...new Set(labels)].sort((a, b) => a - b);
  const bad = places.find((place) => !Number.isInteger(place) || place < 0);
  if (bad === undefined) return { fmri, labels, places };
  throw new DataError(`${npz.file}: ${labelName} holds ${bad}, expected places from 0`, "Give the original sbj_N.npz.");
}

/** Arrays of booleans, one value for each voxel. */
async function readMasks(npz: Npz, voxels: number): Promise<Region[]> {
  const regions: Region[] = [];
  for (const name of npz.names.filter((candidate) => !candidate.startsWith("arr_"))) {
    const { descr, shape } = await npz.header(name);
    if (!descr.endsWith("b1") || shape.length !== 1 || shape[0] !== voxels) continue;
    const { values } = await npz.read(name);
    regions.push({ name, voxels: Array.from({ length: voxels }, (_, v) => v).filter((v) => values[v] === 1) });
  }
  return regions;
}

async function picturesBeside(file: string): Promise<string> {
  const folder = dirname(file);
  const archive = await archiveIn(folder);
  if (archive !== null) return archive;
  throw new DataError(`${folder}: no .npz with train_images beside ${file}`, "Give images_112.npz with --stimuli.");
}

/** {@link readSsfmri2im} with the published split; test rows are the mean over all repeats. */
export async function loadSsfmri2im(path: string, options: Ssfmri2imOptions & NormaliseOptions = {}): Promise<Dataset> {
  const raw = await readSsfmri2im(path, options);
  return normalise(raw, raw.split, options).dataset;
}
