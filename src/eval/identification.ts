import type { ImageSet } from "../data/dataset.js";
import { checkImagePairs, checkLength, imagePixels } from "./checks.js";
import { dot, standardise } from "./metrics.js";

/** What a distractor that correlates exactly as well as the truth does: beats it, loses to it, or shares the choice with it evenly. */
export type TiePolicy = "wrong" | "right" | "split";

/** Who competes with the truth, and how ties count. */
export interface IdentificationOptions {
  /** Candidates to choose from, the truth included; default `[2, 5, 10]`. */
  readonly ways?: readonly number[];
  /** One key per image: distractors come only from images with the same key. Folds of a cross-validation go here. */
  readonly groups?: readonly (string | number)[];
  /** A second such key: with the image's class here, every distractor shows the same class and the test is within-class. */
  readonly classes?: readonly (string | number)[];
  /** Default "wrong": a tie is no identification. */
  readonly ties?: TiePolicy;
}

/** Accuracy of one n-way test, or the reason why it cannot be run. */
export type WayResult =
  | {
      readonly n: number;
      readonly chance: number;
      readonly mean: number;
      readonly perImage: Float64Array;
      readonly reason: null;
    }
  | {
      readonly n: number;
      readonly chance: number;
      readonly mean: null;
      readonly perImage: null;
      readonly reason: string;
    };

/** Result of `identify`. */
export interface Identification {
  readonly ways: readonly WayResult[];
  /** `[count]`: distractors that correlate less with the reconstruction than the truth does. */
  readonly beaten: Int32Array;
  /** `[count]`: distractors of each image. */
  readonly distractors: Int32Array;
  /** What the scores were computed from, for a permutation test: `correlationMatrix` and `candidateSets`. */
  readonly correlations: Float64Array;
  readonly candidates: readonly Int32Array[];
}

/**
 * Correlation of every reconstruction with every stimulus, over all pixels and channels.
 *
 * @returns row-major `[count, count]`: entry `[i, j]` is the Pearson correlation of reconstruction i with stimulus j, and -Infinity where
 *   either image is constant: an undefined correlation ranks below every defined one.
 * @throws {RangeError} when the two sets differ in shape or a pixel is not finite.
 */
export function correlationMatrix(reconstructions: ImageSet, stimuli: ImageSet): Float64Array {
  checkImagePairs("correlationMatrix", reconstructions, stimuli);
  const { count } = stimuli;
  const directions = Array.from({ length: count }, (_, j) => standardise(imagePixels(stimuli, j)));
  const matrix = new Float64Array(count * count).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < count; i++) {
    const reconstruction = standardise(imagePixels(reconstructions, i));
    if (reconstruction === null) continue;
    directions.forEach((stimulus, j) => {
      if (stimulus !== null) matrix[i * count + j] = dot(reconstruction, stimulus);
    });
  }
  return matrix;
}

/** `C(a, k) / C(b, k)` for a <= b, as a product of ratios: binomials of a thousand images overflow a double. */
function choiceRatio(a: number, b: number, k: number): number {
  if (a < k) return 0;
  let ratio = 1;
  for (let i = 0; i < k; i++) ratio *= (a - i) / (b - i);
  return ratio;
}

/** `C(n, k)` for small k. */
function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 0; i < k; i++) value *= (n - i) / (i + 1);
  return k > n ? 0 : value;
}

/**
 * Probability that the truth is picked among n candidates, the n - 1 distractors drawn without replacement from `distractors`.
 *
 * Strictly better than every drawn distractor: `C(beaten, n-1) / C(distractors, n-1)`, the exact expectation of the sampled test, with
 * no sampling noise. Of the `tied` distractors, "right" counts each as beaten, and "split" picks the truth with probability
 * `1 / (t + 1)` when t ties were drawn and nothing better was.
 *
 * @param counts - `beaten` and `tied` of `distractors` images.
 * @param n - Candidates, 2 <= n <= distractors + 1.
 * @throws {RangeError} when n is out of that range or not a whole number.
 */
export function identificationProbability(
  counts: { readonly beaten: number; readonly tied: number; readonly distractors: number },
  n: number,
  ties: TiePolicy = "wrong",
): number {
  const { beaten, tied, distractors } = counts;
  if (!Number.isInteger(n) || n < 2 || n > distractors + 1) {
    throw new RangeError(
      `identificationProbability: n must be a whole number from 2 to distractors + 1 = ${distractors + 1}, got ${n}`,
    );
  }
  if (ties === "wrong") return choiceRatio(beaten, distractors, n - 1);
  if (ties === "right") return choiceRatio(beaten + tied, distractors, n - 1);
  let probability = 0;
  for (let t = 0; t <= Math.min(tied, n - 1); t++) {
    const rest = n - 1 - t;
    // Hypergeometric: C(tied, t) C(beaten, rest) / C(distractors, n-1), every factor a ratio of moderate size.
    const drawn =
      (choiceRatio(beaten, distractors, rest) * choiceRatio(tied, distractors - rest, t) * binomial(n - 1, t)) /
      (t + 1);
    probability += drawn;
  }
  return probability;
}

/** For each image, the images it may compete with: those with its group and its class, itself included. */
export function candidateSets(count: number, { groups, classes }: IdentificationOptions = {}): readonly Int32Array[] {
  if (groups !== undefined) checkLength("identify", "groups", groups.length, count);
  if (classes !== undefined) checkLength("identify", "classes", classes.length, count);
  const members = new Map<string, number[]>();
  const keys = Array.from({ length: count }, (_, i) => JSON.stringify([groups?.[i] ?? null, classes?.[i] ?? null]));
  keys.forEach((key, i) => {
    const list = members.get(key);
    if (list === undefined) members.set(key, [i]);
    else list.push(i);
  });
  const sets = new Map([...members].map(([key, list]) => [key, Int32Array.from(list)]));
  return keys.map((key) => sets.get(key) ?? new Int32Array());
}

// Correlations closer than this are a tie. Equal ones, of copies or of one picture at two contrasts, differ by float64 rounding only
// (about 1e-14 for 100,000 pixels); rounding must not decide who wins.
const ROUNDING = 1e-12;

/** Correlations of reconstruction i with its candidates, ascending. */
function sortedCorrelations(
  correlations: Float64Array,
  i: number,
  candidates: Int32Array,
  count: number,
): Float64Array {
  return Float64Array.from(candidates, (j) => correlations[i * count + j] ?? Number.NEGATIVE_INFINITY).sort();
}

/** How many of the ascending values come before the first for which `reached` holds. */
function countBefore(sorted: Float64Array, reached: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(sorted[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How many candidates correlate less than, and exactly as well as, the one whose correlation is `own`; `sorted` contains it too. */
function compare(sorted: Float64Array, own: number) {
  const distractors = sorted.length - 1;
  // An undefined correlation identifies nothing, whatever the tie policy: a constant image must not score by tying with everything.
  if (own === Number.NEGATIVE_INFINITY) return { beaten: 0, tied: 0, distractors };
  const beaten = countBefore(sorted, (other) => other >= own - ROUNDING);
  const notBetter = countBefore(sorted, (other) => other > own + ROUNDING);
  return { beaten, tied: notBetter - beaten - 1, distractors };
}

/** The first image with fewer than n - 1 distractors, as a sentence; `null` when every image has enough. */
function shortage(n: number, sets: readonly Int32Array[]): string | null {
  if (!Number.isInteger(n) || n < 2) throw new RangeError(`identify: ways must be whole numbers >= 2, got ${n}`);
  const short = sets.findIndex((set) => set.length < n);
  if (short < 0) return null;
  return `needs ${n} candidates, and image ${short} has ${sets[short]?.length ?? 0} with itself`;
}

/**
 * Score of every possible pairing: entry `[i, t]` is the n-way score of reconstruction i if stimulus t were its truth, for t among the
 * candidates of i (0 elsewhere). The diagonal is the accuracy per image; the rest is what a permutation test draws from.
 *
 * @returns row-major `[count, count]`.
 */
export function pairingScores(
  correlations: Float64Array,
  sets: readonly Int32Array[],
  n: number,
  ties: TiePolicy = "wrong",
): Float64Array {
  const count = sets.length;
  const scores = new Float64Array(count * count);
  sets.forEach((candidates, i) => {
    const sorted = sortedCorrelations(correlations, i, candidates, count);
    for (const truth of candidates) {
      const own = correlations[i * count + truth] ?? Number.NEGATIVE_INFINITY;
      scores[i * count + truth] = identificationProbability(compare(sorted, own), n, ties);
    }
  });
  return scores;
}

/**
 * n-way identification by pixel correlation: is the stimulus that was seen the candidate most like the reconstruction?
 *
 * Per image, the exact probability of picking the truth among n candidates, over all sets of n - 1 distractors:
 * `P = C(w, n-1) / C(N-1, n-1)` with w of the N - 1 distractors less correlated than the truth. Chance is 1/n. A tie (within 1e-12)
 * counts as wrong unless `ties` says otherwise. A constant reconstruction or a constant true stimulus has no correlation and scores 0;
 * a constant distractor loses to every defined correlation. When an image has fewer than n - 1 distractors, that n is reported as
 * `null` with the reason rather than averaged over the images that have enough.
 *
 * For pooled reconstructions of a k-fold run, give the folds as `groups` for the test each fold had on its own. Without, images of other
 * folds are distractors, and the training set leaks backwards: each fold's model was trained on them and not on its own images, so
 * that the mean training image, which knows nothing, scores below chance.
 *
 * @param reconstructions - `[N, H, W, C]`, one per stimulus and in the same order.
 * @param stimuli - `[N, H, W, C]`.
 * @param options - `ways` `[2, 5, 10]`, `groups` and `classes` none (every other image is a distractor), `ties` "wrong".
 * @throws {RangeError} when shapes or lengths disagree, a pixel is not finite, or a way is not a whole number >= 2.
 * @see Beliy et al. 2019, section 4 (n = 2, 5, 10), there by random draws; the strict comparison is bdpy's `pairwise_identification`.
 */
export function identify(
  reconstructions: ImageSet,
  stimuli: ImageSet,
  options: IdentificationOptions = {},
): Identification {
  const { ways = [2, 5, 10], ties = "wrong" } = options;
  const { count } = stimuli;
  const correlations = correlationMatrix(reconstructions, stimuli);
  const sets = candidateSets(count, options);
  const counts = sets.map((candidates, i) =>
    compare(
      sortedCorrelations(correlations, i, candidates, count),
      correlations[i * count + i] ?? Number.NEGATIVE_INFINITY,
    ),
  );
  return {
    ways: ways.map((n) => {
      const chance = 1 / n;
      const reason = shortage(n, sets);
      if (reason !== null) return { n, chance, mean: null, perImage: null, reason };
      const perImage = Float64Array.from(counts, (image) => identificationProbability(image, n, ties));
      return { n, chance, mean: perImage.reduce((sum, score) => sum + score, 0) / count, perImage, reason: null };
    }),
    beaten: Int32Array.from(counts, (image) => image.beaten),
    distractors: Int32Array.from(counts, (image) => image.distractors),
    correlations,
    candidates: sets,
  };
}
