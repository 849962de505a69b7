/** Scores of a run beside its baselines: the printed table, `metrics.json` and `reconstructions.png`. */
import type { Dataset, ImageSet } from "../data/dataset.js";
import { type Evaluation, evaluate, meanImageBaseline, ridgeBaseline, textTable } from "../eval/index.js";
import { writeReconstructionGrid } from "../report/grid.js";

/** One fold, or the dataset's own split: which images were reconstructed, by the run and by the baselines. */
export interface FoldImages {
  /** Indices of the test images among all recordings. */
  readonly test: readonly number[];
  readonly stimuli: ImageSet;
  readonly labels: readonly string[];
  readonly reconstructed: ImageSet;
  readonly ridge: ImageSet;
  readonly mean: ImageSet;
}

/** The baselines on one fold: ridge regression from voxels to pixels, and the mean training image. */
export function foldImages(dataset: Dataset, test: readonly number[], reconstructed: ImageSet): FoldImages {
  return {
    test,
    stimuli: dataset.test.images,
    labels: dataset.test.labels,
    reconstructed,
    ridge: ridgeBaseline(dataset.train, dataset.test.fmri).images,
    mean: meanImageBaseline(dataset.train.images, dataset.test.images.count),
  };
}

/** Scores of one method. */
export interface MethodResult {
  readonly method: string;
  /** Distractors are all other test images. */
  readonly pooled: Evaluation;
  /** Distractors are the other test images of the same fold; `null` without folds. */
  readonly withinFold: Evaluation | null;
}

function joined(sets: readonly ImageSet[]): ImageSet {
  const first = sets[0] as ImageSet;
  const pixels = new Float32Array(sets.reduce((n, set) => n + set.pixels.length, 0));
  let offset = 0;
  for (const set of sets) {
    pixels.set(set.pixels, offset);
    offset += set.pixels.length;
  }
  return { ...first, count: sets.reduce((n, set) => n + set.count, 0), pixels };
}

const methods = [
  ["voxpix", "reconstructed"],
  ["ridge regression", "ridge"],
  ["mean training image", "mean"],
] as const;

/** Scores the run and its baselines on the same images. */
export function scoreFolds(folds: readonly FoldImages[], seed: number): MethodResult[] {
  const stimuli = joined(folds.map((fold) => fold.stimuli));
  const labels = folds.flatMap((fold) => [...fold.labels]);
  const groups = folds.flatMap((fold, i) => fold.test.map(() => i));
  return methods.map(([method, key]) => {
    const images = joined(folds.map((fold) => fold[key]));
    const pooled = evaluate(images, stimuli, { labels, seed });
    const withinFold = folds.length > 1 ? evaluate(images, stimuli, { labels, seed, groups }) : null;
    return { method, pooled, withinFold };
  });
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

function row(method: string, { identification, pixelCorrelation, ssim }: Evaluation): string[] {
  const cells = [2, 5, 10].map((n) => {
    const way = identification[n];
    if (!way || way.mean === null || way.interval === null) return "-";
    return `${percent(way.mean)} (${(100 * way.interval.low).toFixed(0)}-${(100 * way.interval.high).toFixed(0)})`;
  });
  return [method, ...cells, pixelCorrelation.mean.toFixed(3), ssim ? ssim.mean.toFixed(3) : "-"];
}

/** The table that a run prints: identification with 95 % intervals against chance, pixel correlation and SSIM. */
export function resultTable(results: readonly MethodResult[]): string {
  const head = ["", "2-way", "5-way", "10-way", "correlation", "SSIM"];
  const chance = ["chance", "50.0 %", "20.0 %", "10.0 %", "0", "-"];
  const align = ["left", "right", "right", "right", "right", "right"] as const;
  const rows = [head, ...results.map((result) => row(result.method, result.pooled)), chance];
  const within = results.some((result) => result.withinFold)
    ? results.map((result) => row(`${result.method}, within fold`, result.withinFold ?? result.pooled))
    : [];
  return textTable([...rows, ...within], align);
}

const shown = 50;

/** Writes the figure: stimuli over reconstructions, each captioned with its pixel correlation; the first 50 images. */
export async function writeFigure(
  path: string,
  folds: readonly FoldImages[],
  results: readonly MethodResult[],
): Promise<void> {
  const take = (set: ImageSet): ImageSet => {
    const count = Math.min(shown, set.count);
    return { ...set, count, pixels: set.pixels.subarray(0, count * set.height * set.width * set.channels) };
  };
  const captions = (index: number) =>
    results[index]?.pooled.images.slice(0, shown).map((score) => `r ${(score.pixelCorrelation ?? 0).toFixed(2)}`) ?? [];
  const stimuli = joined(folds.map((fold) => fold.stimuli));
  const title =
    stimuli.count > shown ? `Test images 1 to ${shown} of ${stimuli.count}` : `All ${stimuli.count} test images`;
  await writeReconstructionGrid(path, {
    title,
    rows: [
      { label: "seen", images: take(stimuli) },
      { label: "reconstructed", images: take(joined(folds.map((fold) => fold.reconstructed))), captions: captions(0) },
      { label: "ridge regression", images: take(joined(folds.map((fold) => fold.ridge))), captions: captions(1) },
    ],
  });
}
