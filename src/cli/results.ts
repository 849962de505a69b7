/** Scores of a run beside its baselines, and the printed table. */
import type { Dataset, ImageSet, RawDataset } from "../data/dataset.js";
import { selectImages } from "../data/dataset.js";
import type { FolderReconstructions } from "../data/reconstruction-folder.js";
import {
  type Evaluation,
  evaluate,
  identificationOf,
  mean,
  meanImageBaseline,
  noiseCeiling,
  type RegionAccuracy,
  regionAccuracy,
  ridgeBaseline,
  textTable,
  voxelCorrelations,
  type WayEvaluation,
} from "../eval/index.js";
import type { RunConfig } from "./options.js";

/** Accuracy of the Encoder on one fold's test images, by voxel. */
interface EncoderScores {
  /** Which column of the recordings each voxel is. */
  readonly columns: readonly number[];
  readonly correlations: Float64Array;
  readonly ceilings: Float64Array | null;
}

/** One fold, or the dataset's own split: which images were reconstructed, by the run and by the baselines. */
export interface FoldImages {
  /** Indices of the test images among all recordings. */
  readonly test: readonly number[];
  readonly stimuli: ImageSet;
  readonly labels: readonly string[];
  readonly reconstructed: ImageSet;
  readonly ridge: ImageSet;
  readonly mean: ImageSet;
  /** `null` when the Encoder was not trained. */
  readonly encoder: EncoderScores | null;
}

function encoderScores(dataset: Dataset, columns: readonly number[], predictions: ImageSet): EncoderScores {
  const predicted = { rows: predictions.count, columns: predictions.channels, values: predictions.pixels };
  const repeats = dataset.testRepeats;
  const measurable = repeats !== null && repeats.length > 1 && repeats.every(({ rows }) => rows > 1);
  return {
    columns,
    correlations: voxelCorrelations(predicted, dataset.test.fmri),
    ceilings: measurable ? noiseCeiling(repeats) : null,
  };
}

/** A fold's images beside those of the baselines: ridge regression from voxels to pixels, and the mean training image. */
export function foldImages(fold: {
  readonly dataset: Dataset;
  readonly voxelIndices: readonly number[];
  readonly test: readonly number[];
  readonly reconstructed: ImageSet;
  /** The Encoder's predictions `[images, 1, 1, voxels]`. */
  readonly predictions: ImageSet | null;
}): FoldImages {
  const { dataset, voxelIndices, test, reconstructed, predictions } = fold;
  return {
    test,
    stimuli: dataset.test.images,
    labels: dataset.test.labels,
    reconstructed,
    ridge: ridgeBaseline(dataset.train, dataset.test.fmri).images,
    mean: meanImageBaseline(dataset.train.images, dataset.test.images.count),
    encoder: predictions && encoderScores(dataset, voxelIndices, predictions),
  };
}

/** Whether a method has seen the test fMRI (never the test images) in training. */
export type Setting = "transductive" | "inductive" | "not stated";

/** Identification by features of a fixed network. */
export interface FeatureResult {
  readonly layer: string;
  /** Keyed by n. */
  readonly identification: Readonly<Record<number, WayEvaluation>>;
}

/** Scores of one method. */
export interface MethodResult {
  readonly method: string;
  readonly setting: Setting;
  /** Distractors are all other test images. */
  readonly pooled: Evaluation;
  /** Distractors are the other test images of the same fold; `null` without folds. */
  readonly withinFold: Evaluation | null;
  readonly features: readonly FeatureResult[];
  /** Labels of test images that the method has no reconstruction of; they are left out of its scores, as distractors too. */
  readonly missing: readonly string[];
}

/** All folds after each other. */
export interface Reconstructions {
  readonly stimuli: ImageSet;
  readonly labels: readonly string[];
  /** Which fold each image was tested in. */
  readonly groups: readonly number[];
  readonly methods: readonly Method[];
}

/** What a method made of the test images, or of those at `positions`. */
export interface Method {
  readonly method: string;
  readonly setting: Setting;
  readonly images: ImageSet;
  readonly positions: readonly number[];
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

/** How the run itself is called in tables: by its variant's use of test fMRI. */
export function settingOf(variant: RunConfig["variant"]): Setting {
  return variant === "full" || variant === "targetExcluded" ? "transductive" : "inductive";
}

/** Joins the folds, and adds other people's reconstructions. */
export function reconstructionsOf(
  folds: readonly FoldImages[],
  variant: RunConfig["variant"],
  others: readonly { readonly name: string; readonly found: FolderReconstructions }[] = [],
): Reconstructions {
  const stimuli = joined(folds.map((fold) => fold.stimuli));
  const all = Array.from({ length: stimuli.count }, (_, i) => i);
  const own = (method: string, setting: Setting, key: "reconstructed" | "ridge" | "mean"): Method => ({
    method,
    setting,
    images: joined(folds.map((fold) => fold[key])),
    positions: all,
  });
  return {
    stimuli,
    labels: folds.flatMap((fold) => [...fold.labels]),
    groups: folds.flatMap((fold, i) => fold.test.map(() => i)),
    methods: [
      own("voxpix", settingOf(variant), "reconstructed"),
      own("ridge regression", "inductive", "ridge"),
      own("mean training image", "inductive", "mean"),
      ...others.map(({ name, found }) => ({
        method: name,
        setting: "not stated" as const,
        images: found.images,
        positions: found.positions,
      })),
    ],
  };
}

/** Features of images, one set of "images" of one pixel per layer. */
export type FeatureSets = (images: ImageSet) => Promise<readonly { readonly layer: string; readonly rows: ImageSet }[]>;

/** Scores every method on the images it has. */
export async function scoreMethods(
  { stimuli, labels, groups, methods }: Reconstructions,
  options: { readonly seed: number; readonly features: FeatureSets },
): Promise<MethodResult[]> {
  const { seed, features } = options;
  const folded = new Set(groups).size > 1;
  const seen = await features(stimuli);
  const results: MethodResult[] = [];
  for (const { method, setting, images, positions } of methods) {
    const truth = selectImages(stimuli, positions);
    const common = { seed, labels: positions.map((i) => labels[i] ?? String(i)) };
    const within = { ...common, groups: positions.map((i) => groups[i] ?? 0) };
    const made = await features(images);
    results.push({
      method,
      setting,
      pooled: evaluate(images, truth, common),
      withinFold: folded ? evaluate(images, truth, within) : null,
      features: made.map(({ layer, rows }, i) => ({
        layer,
        identification: identificationOf(rows, selectImages(seen[i]?.rows ?? rows, positions), common).byWay,
      })),
      missing: labels.filter((_, i) => !positions.includes(i)),
    });
  }
  return results;
}

/** The mean over folds of a value by column of the recordings, undefined ones counting as 0. */
function meanOfFolds(folds: readonly { readonly columns: readonly number[]; readonly values: Float64Array }[]) {
  const found = new Map<number, number[]>();
  for (const { columns, values } of folds) {
    columns.forEach((column, v) => {
      found.set(column, [...(found.get(column) ?? []), values[v] || 0]);
    });
  }
  return new Map([...found].map(([column, values]) => [column, mean(values)]));
}

/** The Encoder's accuracy by region, averaged over folds; `null` when it was not trained. */
export function encoderAccuracy(folds: readonly FoldImages[], raw: RawDataset): RegionAccuracy[] | null {
  const scores = folds.flatMap(({ encoder }) => (encoder ? [encoder] : []));
  if (scores.length === 0) return null;
  const correlations = meanOfFolds(scores.map((fold) => ({ columns: fold.columns, values: fold.correlations })));
  const ceilings = meanOfFolds(
    scores.flatMap((fold) => (fold.ceilings ? [{ columns: fold.columns, values: fold.ceilings }] : [])),
  );
  const used = [...correlations.keys()].sort((a, b) => a - b);
  const place = new Map(used.map((column, i) => [column, i]));
  const regions = (raw.regions ?? []).map(({ name, voxels }) => ({
    name,
    voxels: voxels.flatMap((column) => place.get(column) ?? []),
  }));
  const pick = (values: ReadonlyMap<number, number>) => Float64Array.from(used, (column) => values.get(column) ?? 0);
  return regionAccuracy(pick(correlations), ceilings.size > 0 ? pick(ceilings) : null, regions);
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** `83.4 % (75-91)`, or `-`. */
export function wayCell(way: WayEvaluation | undefined): string {
  if (!way || way.mean === null || way.interval === null) return "-";
  return `${percent(way.mean)} (${(100 * way.interval.low).toFixed(0)}-${(100 * way.interval.high).toFixed(0)})`;
}

function row(method: string, setting: string, { identification, pixelCorrelation, ssim }: Evaluation): string[] {
  const cells = [2, 5, 10].map((n) => wayCell(identification[n]));
  return [method, setting, ...cells, pixelCorrelation.mean.toFixed(3), ssim ? ssim.mean.toFixed(3) : "-"];
}

const head = ["", "test fMRI", "2-way", "5-way", "10-way", "correlation", "SSIM"];

/** The rows of a run's main table, the head first: identification by pixels with 95 % intervals, pixel correlation, SSIM, chance last. */
export function resultRows(results: readonly MethodResult[]): string[][] {
  const within = results.flatMap(({ method, setting, withinFold }) =>
    withinFold ? [row(`${method}, within fold`, setting, withinFold)] : [],
  );
  const chance = ["chance", "", "50.0 %", "20.0 %", "10.0 %", "0", "-"];
  return [head, ...results.map((result) => row(result.method, result.setting, result.pooled)), ...within, chance];
}

/** Identification by features, one row a method and layer. */
export function featureRows(results: readonly MethodResult[]): string[][] {
  const layers = results[0]?.features.map(({ layer }) => layer) ?? [];
  return layers.flatMap((layer, l) =>
    results.map(({ method, setting, features }) => [
      `${method}, by ${layer}`,
      setting,
      ...[2, 5, 10].map((n) => wayCell(features[l]?.identification[n])),
    ]),
  );
}

/** A line for each method that has no reconstruction of some images. */
export function missingNotes(results: readonly MethodResult[]): string[] {
  return results.flatMap(({ method, missing }) =>
    missing.length > 0 ? [`${method}: no reconstruction of ${missing.length} test images: ${missing.join(", ")}`] : [],
  );
}

/** The table that a run prints: by pixels, then by features, then what is missing. */
export function resultTable(results: readonly MethodResult[]): string {
  const align = ["left", "left", "right", "right", "right", "right", "right"] as const;
  return [textTable([...resultRows(results), ...featureRows(results)], align), ...missingNotes(results)].join("\n");
}
