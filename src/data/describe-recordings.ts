/** What is in recordings: who, how often, which voxels, and what is missing. */
import type { Matrix, RawDataset, Region } from "./dataset.js";
import type { Facts } from "./describe.js";
import { readDigit69 } from "./digit69.js";
import { fileOrFolder } from "./files.js";
import { readFolder } from "./folder.js";
import { openGodFiles } from "./god-files.js";
import type { GodTrials } from "./god-table.js";
import type { FileKind } from "./identify.js";
import { readKay } from "./kay.js";
import { withMat } from "./mat.js";
import { regionsOfCodes, VIM1_REGIONS } from "./natural-images.js";
import { npyMatrix } from "./npy.js";
import { withNpz } from "./npz.js";
import { subjectFile, subjectFiles } from "./subject-file.js";
import { readVim1Responses, responsesFile, subjectsOf } from "./vim1.js";

/** Describes recordings of a kind that {@link identify} tells. */
export async function describeFacts(path: string, kind: FileKind): Promise<Facts> {
  const several = await severalSubjects(path, kind);
  if (several !== null) return several;
  if (kind === "god") return godFacts(path);
  if (kind === "vim1") return vim1Facts(await responsesFile(path));
  if (kind === "ssfmri2im") return npzRecordingFacts(await subjectFile(path, null, /^(?!.*images).*\.npz$/i));
  // Pictures are decoded small: only their number is told.
  const small = { resolution: 8 };
  if (kind === "kay") return rawFacts(await readKay(path, { ...small, roi: "all" }));
  return rawFacts(await (kind === "digit69" ? readDigit69(path) : readFolder(path, small)));
}

/** A folder of several subjects is described by their files; each is worth a look of its own. */
async function severalSubjects(path: string, kind: FileKind): Promise<Facts | null> {
  if ((kind !== "god" && kind !== "ssfmri2im") || (await fileOrFolder(path)) === "file") return null;
  const files = await subjectFiles(path);
  const subjects = [...new Set(files.map(({ number }) => number))].sort((a, b) => a - b);
  if (subjects.length < 2) return null;
  return {
    subjects: subjects.join(", "),
    files: files.map(({ name }) => name).join(", "),
  };
}

/** Values that are NaN or infinite, and in how many columns. */
function missingIn(matrices: readonly Matrix[]): Facts {
  const columns = new Set<number>();
  let values = 0;
  for (const matrix of matrices) {
    matrix.values.forEach((value, i) => {
      if (Number.isFinite(value)) return;
      values++;
      columns.add(i % matrix.columns);
    });
  }
  return { "missing values": values === 0 ? "none" : `${values} in ${columns.size} voxels` };
}

const sizes = (regions: readonly Region[]) =>
  Object.fromEntries(regions.map(({ name, voxels }) => [name, voxels.length]));

/** How often, in words. */
const times = (counts: readonly number[]) => {
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  if (low !== high) return `${low} to ${high} times`;
  return low === 1 ? "once" : `${low} times`;
};

function repeatsOf(seen: readonly (string | number)[]): number[] {
  const counts = new Map<string | number, number>();
  for (const item of seen) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts.values()];
}

function trialFacts({ stimuli, runs }: GodTrials): string {
  if (stimuli.length === 0) return "none in this file";
  const repeats = repeatsOf(stimuli);
  return `${stimuli.length} trials in ${new Set(runs).size} runs, ${repeats.length} pictures, each ${times(repeats)}`;
}

async function godFacts(path: string): Promise<Facts> {
  // A file is described alone, a folder with all parts of its subject.
  const recording = await openGodFiles(path, null, (await fileOrFolder(path)) === "folder");
  try {
    const { files, format, tables, train, test, others, unlabeled, voxels, regions } = recording;
    const fmri = await recording.matrix();
    return {
      file: files.join(", "),
      format,
      table: tables.map(([samples, columns]) => `${samples} samples of ${columns} columns`).join(", "),
      training: trialFacts(train),
      test: trialFacts(test),
      ...(others > 0 ? { "other trials": others } : {}),
      ...(unlabeled > 0 ? { "trials without a picture": unlabeled } : {}),
      voxels,
      regions: sizes(regions),
      ...missingIn([fmri]),
    };
  } finally {
    await recording.close();
  }
}

function vim1Facts(file: string): Promise<Facts> {
  return withMat(file, async (mat) => {
    const facts: Record<string, Facts[string]> = { file, format: mat.format };
    for (const subject of subjectsOf(mat)) {
      const { train, test, codes } = await readVim1Responses(mat, subject);
      const named = { training: train.rows, validation: test.rows, voxels: train.columns };
      const missing = missingIn([train, test]) as Record<string, string>;
      facts[`subject ${subject}`] = { ...named, ...sizes(regionsOfCodes(codes, VIM1_REGIONS)), ...missing };
    }
    return { ...facts, repeats: "averaged: 2 in training, 13 in validation" };
  });
}

function npzRecordingFacts(file: string): Promise<Facts> {
  return withNpz(file, async (npz) => {
    const [train, test] = [npyMatrix(await npz.read("arr_0"), file), npyMatrix(await npz.read("arr_1"), file)];
    const labels = async (name: string) =>
      repeatsOf(Array.from((await npz.read(name)).values as ArrayLike<number>, Number));
    const [trained, tested] = [await labels("arr_3"), await labels("arr_4")];
    const regions: Record<string, number> = {};
    for (const name of npz.names.filter((candidate) => !candidate.startsWith("arr_"))) {
      regions[name] = Array.from((await npz.read(name)).values as ArrayLike<number>).filter(
        (value) => value === 1,
      ).length;
    }
    return {
      file,
      training: `${train.rows} trials, ${trained.length} pictures, each ${times(trained)}`,
      test: `${test.rows} trials, ${tested.length} pictures, each ${times(tested)}`,
      voxels: train.columns,
      regions,
      ...missingIn([train, test]),
    };
  });
}

function rawFacts({ images, split, responses, regions, notes }: RawDataset): Facts {
  const repeats = (indices: readonly number[]) => times(indices.map((i) => responses[i]?.rows ?? 0));
  return {
    images: images.count,
    training: `${split.train.length} images, each seen ${repeats(split.train)}`,
    test: `${split.test.length} images, each seen ${repeats(split.test)}`,
    voxels: responses[0]?.columns ?? 0,
    ...(regions === undefined ? {} : { regions: sizes(regions) }),
    ...missingIn(responses),
    ...(notes.length > 0 ? { notes: notes.join("; ") } : {}),
  };
}
