import { HostRandom } from "../data/random.js";
import type { Interval } from "./statistics.js";
import { bootstrapInterval, holm, mean, quantile } from "./statistics.js";
import { wilcoxonSignedRank } from "./wilcoxon.js";

/** Scores of one method in one training run, by the name of the test image. */
export type SeedScores = ReadonlyMap<string, number>;

/** A method's score over training runs and test images. */
export interface ScoreSummary {
  /** Mean over runs of the mean over images. */
  readonly mean: number;
  /** 95 %, by resampling runs and images. */
  readonly interval: Interval;
  /** Sample standard deviation of the runs' means; `null` for a single run. */
  readonly seedSd: number | null;
  readonly seeds: number;
  /** Test images of a run. */
  readonly images: number;
}

/** Two methods on the same images and seeds. */
export interface ScoreComparison {
  /** Mean of first minus second. */
  readonly difference: number;
  /** 95 %, by resampling runs and images in pairs. */
  readonly interval: Interval;
  /** Two-sided Wilcoxon signed-rank test over images. */
  readonly pValue: number;
  /** Seeds whose mean difference is positive, and how many there are. */
  readonly seedsBetter: number;
  readonly seeds: number;
}

/** Settings of the resampling. */
export interface StudyOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default 10,000. */
  readonly resamples?: number;
}

/** The names that every run has, in the order of the first; `null` when the runs have other test images. */
function commonImages(runs: readonly SeedScores[]): string[] | null {
  const names = [...(runs[0]?.keys() ?? [])];
  const same = runs.every((run) => run.size === names.length && names.every((name) => run.has(name)));
  return same ? names : null;
}

/** Runs and images resampled with replacement: images the same in every run when they were the same, else by run. */
function twoWayInterval(runs: readonly Float64Array[], crossed: boolean, rng: HostRandom, resamples: number): Interval {
  const [first] = runs;
  if (first !== undefined && runs.length === 1) return bootstrapInterval(first, rng, { resamples });
  const pick = (n: number) => Math.floor(rng.uniform() * n);
  const means = Float64Array.from({ length: resamples }, () => {
    const shared = crossed && first ? Int32Array.from(first, () => pick(first.length)) : null;
    let total = 0;
    for (let r = 0; r < runs.length; r++) {
      const run = runs[pick(runs.length)] ?? new Float64Array();
      let sum = 0;
      for (let i = 0; i < run.length; i++) sum += run[shared?.[i] ?? pick(run.length)] ?? 0;
      total += sum / run.length;
    }
    return total / runs.length;
  });
  means.sort();
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

function checkRuns(operation: string, runs: readonly SeedScores[]): void {
  if (runs.length === 0 || runs.some((run) => run.size === 0)) {
    throw new RangeError(
      `${operation}: needs at least one run with at least one image, got ${runs.length} runs of ${runs.map(({ size }) => size).join(", ")} images`,
    );
  }
}

const standardDeviation = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
};

/**
 * A method's score: the mean over runs (seeds) and images, as the paper reports it.
 *
 * The interval resamples runs and images, both with replacement: it covers another draw of either. Where every run has the same test
 * images the draw of images is shared by the runs; where each seed has its own (another simulated subject), images are drawn within runs.
 * Of few runs the spread between them is known poorly, and the interval is too narrow rather than too wide.
 *
 * @param runs - One map per seed.
 * @throws {RangeError} when there is no run, or one has no image.
 * @see Owen 2007, "The pigeonhole bootstrap".
 */
export function summariseSeeds(runs: readonly SeedScores[], options: StudyOptions = {}): ScoreSummary {
  checkRuns("summariseSeeds", runs);
  const { seed = 0, resamples = 10_000 } = options;
  const names = commonImages(runs);
  const values = runs.map((run) => Float64Array.from(names ?? [...run.keys()], (name) => run.get(name) ?? 0));
  const means = values.map((run) => mean(run));
  return {
    mean: mean(means),
    interval: twoWayInterval(values, names !== null, new HostRandom(seed).fork("study"), resamples),
    seedSd: runs.length > 1 ? standardDeviation(means) : null,
    seeds: runs.length,
    images: values[0]?.length ?? 0,
  };
}

/**
 * Compares two methods in pairs: the same image in runs of the same seed.
 *
 * The test is Wilcoxon's over images, each with its difference averaged over seeds (over images of all seeds, where each seed has its
 * own). It asks whether these trained models differ on images like these; whether another seed would say the same, the interval and
 * `seedsBetter` show.
 *
 * @param first - One map per seed.
 * @param second - Of the same seeds in the same order; images that only one of the two has are left out.
 * @throws {RangeError} when the numbers of runs differ, or no image is common.
 */
export function compareSeeds(
  first: readonly SeedScores[],
  second: readonly SeedScores[],
  options: StudyOptions = {},
): ScoreComparison {
  if (first.length !== second.length)
    throw new RangeError(
      `compareSeeds: needs the same seeds of both methods, got ${first.length} and ${second.length}`,
    );
  const differences = first.map((run, s) => {
    const other = second[s] ?? new Map<string, number>();
    return new Map(
      [...run].flatMap(([name, value]) => (other.has(name) ? [[name, value - (other.get(name) ?? 0)]] : [])),
    );
  });
  checkRuns("compareSeeds", differences);
  const { mean: difference, interval } = summariseSeeds(differences, options);
  const names = commonImages(differences);
  const units = names
    ? names.map((name) => mean(differences.map((run) => run.get(name) ?? 0)))
    : differences.flatMap((run) => [...run.values()]);
  return {
    difference,
    interval,
    // Scores are ratios of whole numbers: equal ones must not differ by the rounding of their averages.
    pValue: wilcoxonSignedRank(units.map((value) => (Math.abs(value) < 1e-12 ? 0 : value))).pValue,
    seedsBetter: differences.filter((run) => mean([...run.values()]) > 0).length,
    seeds: differences.length,
  };
}

/** Adds Holm-corrected p-values over all comparisons that are given together. */
export function correctComparisons<T extends { readonly pValue: number }>(
  comparisons: readonly T[],
): (T & { readonly correctedPValue: number })[] {
  const corrected = holm(comparisons.map(({ pValue }) => pValue));
  return comparisons.map((comparison, i) => ({ ...comparison, correctedPValue: corrected[i] ?? 1 }));
}
