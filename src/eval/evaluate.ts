import type { ImageSet } from "../data/dataset.js";
import { HostRandom } from "../data/random.js";
import { checkLength } from "./checks.js";
import type { Identification, IdentificationOptions, TiePolicy, WayResult } from "./identification.js";
import { identify, pairingScores } from "./identification.js";
import { meanSquaredError, pixelCorrelation } from "./metrics.js";
import { SSIM_WINDOW, ssim } from "./ssim.js";
import type { Interval } from "./statistics.js";
import { bootstrapInterval, mean, permutationTest } from "./statistics.js";
import { textTable } from "./table.js";

/** Settings of `evaluate`. */
export interface EvaluateOptions extends IdentificationOptions {
  /** One name per image; default "0", "1", ... */
  readonly labels?: readonly string[];
  /** Seed of the bootstrap and of the permutation test; default 0. */
  readonly seed?: number;
  /** Bootstrap resamples; default 10,000. */
  readonly resamples?: number;
  /** Shuffles of the permutation test; default 10,000. */
  readonly permutations?: number;
}

/** A mean over images and its 95 % bootstrap interval. */
export interface Estimate {
  readonly mean: number;
  readonly interval: Interval;
}

/** Accuracy of an n-way test: all but `chance` are `null` when it could not be run, and `reason` says why. */
export interface WayEvaluation {
  readonly chance: number;
  readonly mean: number | null;
  readonly interval: Interval | null;
  /** One-sided, from other pairings of reconstructions and images: all of them (exact) or random ones (sampled). */
  readonly pValue: number | null;
  readonly pMethod: "exact" | "sampled" | null;
  readonly reason: string | null;
}

/** Scores of one image; `null` where a score is not defined. */
export interface ImageScore {
  readonly label: string;
  readonly pixelCorrelation: number | null;
  readonly ssim: number | null;
  readonly mse: number;
  /** Keyed by n. */
  readonly identification: Readonly<Record<number, number | null>>;
}

/** Everything `evaluate` finds, as plain values that survive JSON. */
export interface Evaluation {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly seed: number;
  readonly resamples: number;
  readonly permutations: number;
  readonly ties: TiePolicy;
  /** Fewest and most distractors that an image has. */
  readonly distractors: { readonly least: number; readonly most: number };
  /** Keyed by n. */
  readonly identification: Readonly<Record<number, WayEvaluation>>;
  /** Images with an undefined correlation count as 0 in this mean. */
  readonly pixelCorrelation: Estimate;
  readonly undefinedCorrelations: number;
  /** `null` when images are smaller than the 11 x 11 window. */
  readonly ssim: Estimate | null;
  readonly mse: Estimate;
  readonly images: readonly ImageScore[];
}

/**
 * All scores of reconstructions: n-way identification with chance level and permutation p-value, pixel correlation, SSIM and mean
 * squared error, per image and as means with 95 % percentile bootstrap intervals over images.
 *
 * @param reconstructions - `[N, H, W, C]`, one per stimulus in the same order.
 * @param stimuli - `[N, H, W, C]`, pixels in [0, 1], 1 or 3 channels.
 * @param options - `ways` `[2, 5, 10]`, `groups` and `classes` (see `identify`), `ties` "wrong", `labels`, `seed` 0, `resamples` and
 *   `permutations` 10,000.
 * @returns plain values; the same seed gives the same numbers. Undefined scores are `null`, never NaN.
 * @throws {RangeError} when shapes or lengths disagree, or a pixel is not finite.
 */
export function evaluate(reconstructions: ImageSet, stimuli: ImageSet, options: EvaluateOptions = {}): Evaluation {
  const { seed = 0, resamples = 10_000, permutations = 10_000, ties = "wrong" } = options;
  const { count, height, width, channels } = stimuli;
  const labels = options.labels ?? Array.from({ length: count }, (_, i) => String(i));
  checkLength("evaluate", "labels", labels.length, count);
  const { byWay: identification, identified } = identificationOf(reconstructions, stimuli, options);
  const correlations = [...pixelCorrelation(reconstructions, stimuli)];
  const similarities = Math.min(height, width) < SSIM_WINDOW ? null : ssim(reconstructions, stimuli);
  const errors = meanSquaredError(reconstructions, stimuli);
  const estimate = estimator(seed, resamples);
  return {
    ...{ count, height, width, channels, seed, resamples, permutations, ties },
    distractors: { least: Math.min(...identified.distractors), most: Math.max(...identified.distractors) },
    identification,
    pixelCorrelation: estimate(correlations.map((r) => (Number.isNaN(r) ? 0 : r))),
    undefinedCorrelations: correlations.filter(Number.isNaN).length,
    ssim: similarities === null ? null : estimate(similarities),
    mse: estimate(errors),
    images: labels.map((label, i) => ({
      label,
      pixelCorrelation: orNull(correlations[i]),
      ssim: orNull(similarities?.[i]),
      mse: errors[i] ?? 0,
      identification: Object.fromEntries(identified.ways.map(({ n, perImage }) => [n, orNull(perImage?.[i])])),
    })),
  };
}

/** Means with bootstrap intervals. Every score is resampled with the same draws, so that intervals of one evaluation can be compared. */
const estimator =
  (seed: number, resamples: number) =>
  (values: ArrayLike<number>): Estimate => ({
    mean: mean(values),
    interval: bootstrapInterval(values, new HostRandom(seed).fork("bootstrap"), { resamples }),
  });

/**
 * n-way identification with interval, chance and p-value; the part of `evaluate` that can be had by features as well as by pixels: rows of
 * features are images of one pixel.
 *
 * @param reconstructions - `[N, H, W, C]`, one per stimulus in the same order.
 * @param stimuli - `[N, H, W, C]`.
 * @param options - As `evaluate`.
 * @returns `byWay`, keyed by n, and `identified`, what it was computed from.
 * @throws {RangeError} as `identify`.
 */
export function identificationOf(
  reconstructions: ImageSet,
  stimuli: ImageSet,
  options: EvaluateOptions = {},
): { readonly byWay: Readonly<Record<number, WayEvaluation>>; readonly identified: Identification } {
  const { seed = 0, resamples = 10_000, permutations = 10_000, ties = "wrong" } = options;
  const identified = identify(reconstructions, stimuli, options);
  const context = { ties, permutations, random: new HostRandom(seed), estimate: estimator(seed, resamples) };
  const byWay = Object.fromEntries(identified.ways.map((way) => [way.n, evaluateWay(way, identified, context)]));
  return { byWay, identified };
}

const orNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

function evaluateWay(
  way: WayResult,
  { correlations, candidates }: Identification,
  context: {
    readonly ties: TiePolicy;
    readonly permutations: number;
    readonly random: HostRandom;
    readonly estimate: (values: ArrayLike<number>) => Estimate;
  },
): WayEvaluation {
  const { n, chance, reason } = way;
  if (way.perImage === null) return { chance, mean: null, interval: null, pValue: null, pMethod: null, reason };
  const scores = pairingScores(correlations, candidates, n, context.ties);
  const { pValue, method } = permutationTest(
    scores,
    candidates,
    context.random.fork("permutation"),
    context.permutations,
  );
  return { chance, ...context.estimate(way.perImage), pValue, pMethod: method, reason };
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const decimal = (value: number): string => value.toFixed(3);

function intervalText({ low, high }: Interval, format: (value: number) => string): string {
  return `${format(low).replace(" %", "")} to ${format(high)}`;
}

function wayRow(n: string, way: WayEvaluation): string[] {
  const chance = percent(way.chance);
  if (way.mean === null || way.interval === null || way.pValue === null) return [`${n}-way`, "-", "-", chance, "-"];
  const p = way.pValue < 0.0001 ? "< 0.0001" : way.pValue.toFixed(4);
  return [`${n}-way`, percent(way.mean), intervalText(way.interval, percent), chance, p];
}

/**
 * An evaluation as a plain text table: identification accuracy with interval, chance and p-value, then the other scores, then a line for
 * each thing that could not be computed.
 */
export function formatTable(evaluation: Evaluation): string {
  const { count, height, width, channels, distractors, identification, undefinedCorrelations } = evaluation;
  const { least, most } = distractors;
  const score = (name: string, { mean, interval }: Estimate) => [name, decimal(mean), intervalText(interval, decimal)];
  const rows = [
    ["", "mean", "95 % interval", "chance", "p"],
    ...Object.entries(identification).map(([n, way]) => wayRow(n, way)),
    score("pixel correlation", evaluation.pixelCorrelation),
    evaluation.ssim === null ? ["SSIM", "-", "-"] : score("SSIM", evaluation.ssim),
    score("mean squared error", evaluation.mse),
  ];
  const notes = Object.entries(identification).flatMap(([n, { reason }]) =>
    reason === null ? [] : [`${n}-way not computed: ${reason}.`],
  );
  if (evaluation.ssim === null)
    notes.push(`SSIM not computed: images are smaller than ${SSIM_WINDOW} x ${SSIM_WINDOW} pixels.`);
  if (undefinedCorrelations > 0) {
    notes.push(`${undefinedCorrelations} of ${count} correlations are undefined (a constant image) and count as 0.`);
  }
  const competitors = least === most ? `${most}` : `${least} to ${most}`;
  const title = `${count} images, ${height} x ${width} x ${channels}, ${competitors} distractors each`;
  return [title, textTable(rows, ["left", "right", "right", "right", "right"]), ...notes].join("\n");
}
