/** 'fMRI on ImageNet' (Generic Object Decoding; Horikawa & Kamitani 2017): 1,200 pictures seen once, 50 others seen 35 times. */
import { basename } from "node:path";
import type { Dataset, RawDataset } from "./dataset.js";
import { DataError } from "./errors.js";
import { type GodFiles, openGodFiles } from "./god-files.js";
import type { GodTrials } from "./god-table.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { checkSize } from "./resample.js";
import { reindexRegions, roiNote, voxelsOfChoice } from "./rois.js";
import { groupRows, zScoreRuns } from "./runs.js";
import { loadStimuli } from "./stimuli.js";

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
  /** Which subject, where a folder of several is given. */
  readonly subject?: number;
}

/**
 * The pictures of some trials, each once, in the order of their list; by name where there is none, or where it contradicts itself: two
 * places of one picture or two pictures at one place.
 */
function picturesOf({ stimuli, places }: GodTrials): { names: string[]; places: number[] | null } {
  const place = new Map(stimuli.map((name, i) => [name, places[i] as number]));
  const known = [...place.values()].every((value) => Number.isInteger(value) && value >= 1);
  const single = stimuli.every((name, i) => place.get(name) === places[i]);
  const listed = known && single && new Set(place.values()).size === place.size;
  const names = [...place.keys()].sort((a, b) =>
    listed ? (place.get(a) as number) - (place.get(b) as number) : a < b ? -1 : 1,
  );
  return { names, places: listed ? names.map((name) => (place.get(name) as number) - 1) : null };
}

/** What a user should know of how the files were read. */
function notesOf({ files, others, unlabeled }: GodFiles, runs: number): string[] {
  return [
    ...(files.length > 1 ? [`training and test from ${files.map((file) => basename(file)).join(" and ")}`] : []),
    `${runs} runs, each z-scored per voxel`,
    ...(others > 0 ? [`${others} trials of other types (imagery) are left out`] : []),
    ...(unlabeled > 0 ? [`${unlabeled} trials without a picture are left out`] : []),
  ];
}

/**
 * Reads a subject's recordings: Brainliner's `.mat` (MAT 5), figshare's `.mat` (MAT 7.3) or bdpy's `.h5`, told apart by content. Training
 * and test may stand in two files that lie side by side, as in the fMRIPrep release. Every trial is z-scored per voxel within its run (a
 * run is a pair of DataType and Run); imagery is left out.
 *
 * @param path - The Subject file, one of its parts, or the folder they are in.
 * @throws {DataError} when it is another file or damaged, a region is unknown, pictures are missing, or one was shown in training and test.
 */
export async function readGod(path: string, options: GodOptions): Promise<RawDataset> {
  const { resolution = 112, channels = 3 } = options;
  checkSize("resolution", resolution);
  const recording = await openGodFiles(path, options.subject ?? null);
  try {
    const { train, test, regions, voxels } = recording;
    checkTrials(recording);
    const roi = options.roi ?? (regions.some(({ name }) => name === "VC") ? "VC" : "all");
    const chosen = voxelsOfChoice(roi, regions, voxels);
    const [trainPictures, testPictures] = [picturesOf(train), picturesOf(test)];
    checkParts(path, trainPictures.names, testPictures.names);
    const images = await loadStimuli(
      options.stimuli,
      { train: trainPictures, test: testPictures },
      { resolution, channels },
    );
    // Other voxels are not read: a file may hold the whole brain.
    const fmri = await recording.matrix(chosen);
    const runs = [...train.runs.map((run) => `training ${run}`), ...test.runs.map((run) => `test ${run}`)];
    const labels = [...trainPictures.names, ...testPictures.names];
    return {
      name: "god",
      images,
      labels,
      responses: groupRows(zScoreRuns(fmri, runs), [...train.stimuli, ...test.stimuli], labels),
      classes: null,
      groups: null,
      split: splitAt(trainPictures.names.length, labels.length),
      unlabeledImages: null,
      regions: reindexRegions(regions, chosen),
      notes: [...notesOf(recording, new Set(runs).size), ...roiNote(roi, chosen.length, voxels)],
    };
  } finally {
    await recording.close();
  }
}

/** The first `train` images train, the rest up to `count` test. */
export function splitAt(train: number, count: number): RawDataset["split"] {
  const indices = Array.from({ length: count }, (_, i) => i);
  return { train: indices.slice(0, train), test: indices.slice(train) };
}

function checkTrials({ files, train, test, tables }: GodFiles): void {
  if (train.rows.length > 0 && test.rows.length > 0) return;
  const samples = tables.reduce((sum, [rows]) => sum + rows, 0);
  throw new DataError(
    `${files.join(", ")}: ${train.rows.length} training and ${test.rows.length} test trials of ${samples} samples`,
    "Give the file that holds both, or put the other part beside it, as Subject3_ImageNetTraining.h5 and Subject3_ImageNetTest.h5.",
  );
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
