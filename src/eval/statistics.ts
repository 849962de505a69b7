/** Where random numbers come from: uniform in [0, 1). `HostRandom` is one; passing it keeps every draw under a seed the caller sees. */
export interface UniformSource {
  uniform(): number;
}

/** Number of values, their mean, and their sample standard deviation (n - 1; NaN for a single value). */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  readonly sd: number;
}

/** Both ends of a confidence interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

function checkNotEmpty(operation: string, values: ArrayLike<number>): void {
  if (values.length === 0) throw new RangeError(`${operation}: needs at least one value, got none`);
}

/**
 * Arithmetic mean.
 *
 * @throws {RangeError} when there are no values.
 */
export function mean(values: ArrayLike<number>): number {
  checkNotEmpty("mean", values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return sum / values.length;
}

/**
 * Mean and sample standard deviation, `sd = sqrt(sum((x - mean)^2) / (n - 1))`: how scores over seeds or subjects are reported.
 *
 * @throws {RangeError} when there are no values.
 */
export function summarise(values: ArrayLike<number>): Summary {
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] ?? 0) - centre) ** 2;
  return { n: values.length, mean: centre, sd: Math.sqrt(squares / (values.length - 1)) };
}

/**
 * Quantile of sorted values by linear interpolation between order statistics (type 7 of Hyndman & Fan 1996, numpy's default).
 *
 * @param sorted - Ascending, at least one.
 * @param q - In [0, 1].
 * @throws {RangeError} when there are no values.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  checkNotEmpty("quantile", sorted);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low + (position - below) * (high - low);
}

/**
 * Percentile bootstrap interval of a mean over images: the `(1 +- level) / 2` quantiles of the means of resamples with replacement.
 *
 * Images are resampled as if independent. For scores of a k-fold run, whose folds share a model, or of few images, the interval is too
 * narrow rather than too wide. For two methods on the same images, give it the differences per image: that is the paired bootstrap.
 *
 * @param values - One score per image.
 * @param rng - Source of the draws; the same state gives the same interval.
 * @param options - `resamples` 10,000, `level` 0.95.
 * @throws {RangeError} when there are no values, `resamples` < 1 or `level` is outside (0, 1).
 * @see Efron & Tibshirani 1993, chapter 13.
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  rng: UniformSource,
  options: { readonly resamples?: number; readonly level?: number } = {},
): Interval {
  const { resamples = 10_000, level = 0.95 } = options;
  checkNotEmpty("bootstrapInterval", values);
  if (!(resamples >= 1)) throw new RangeError(`bootstrapInterval: resamples must be at least 1, got ${resamples}`);
  if (!(level > 0 && level < 1))
    throw new RangeError(`bootstrapInterval: level must lie between 0 and 1, got ${level}`);
  const n = values.length;
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(rng.uniform() * n)] ?? 0;
    means[r] = sum / n;
  }
  means.sort();
  return { low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2) };
}

/** Shuffles in place, every order equally likely (Fisher-Yates). */
function shuffle(values: Int32Array, rng: UniformSource): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(rng.uniform() * (i + 1));
    const kept = values[i] ?? 0;
    values[i] = values[j] ?? 0;
    values[j] = kept;
  }
}

/** A p-value and how it was found: over all pairings, or over random ones. */
export interface PermutationTest {
  readonly pValue: number;
  readonly method: "exact" | "sampled";
  /** Pairings that were looked at. */
  readonly pairings: number;
}

/** Total score of every order of `members`: the reconstructions stay, the stimuli change places. */
function allTotals(scores: Float64Array, count: number, members: Int32Array): number[] {
  const totals: number[] = [];
  const visit = (position: number, left: readonly number[], total: number) => {
    const image = members[position];
    if (image === undefined) totals.push(total);
    else {
      for (const truth of left) {
        const rest = left.filter((other) => other !== truth);
        visit(position + 1, rest, total + (scores[image * count + truth] ?? 0));
      }
    }
  };
  visit(0, Array.from(members), 0);
  return totals;
}

/** How many choices of one total from each list sum to `threshold` or more. */
function countCombinations(lists: readonly (readonly number[])[], threshold: number): number {
  const [first, ...rest] = lists;
  if (first === undefined) return threshold <= 0 ? 1 : 0;
  return first.reduce((sum, total) => sum + countCombinations(rest, threshold - total), 0);
}

/** Pairings of a shuffle within each set. */
function pairingCount(sets: readonly Int32Array[]): number {
  let product = 1;
  for (const { length } of sets) for (let i = 2; i <= length; i++) product *= i;
  return product;
}

/**
 * Permutation test of identification: how often does a random pairing of reconstructions with images score as well as the true one?
 *
 * The whole pairing is shuffled within each candidate set (a fold, a class, or all images), which keeps the dependence between images
 * that share distractors. Where there are no more than `permutations` pairings (7 images and the default), all are looked at:
 * `p = pairings with a mean >= the observed mean / pairings`, the true one among them. Else
 * `p = (1 + shuffles with a mean >= the observed mean) / (1 + permutations)`. Neither is ever 0.
 *
 * @param scores - `[count, count]` from `pairingScores`: entry `[i, t]` is the score of reconstruction i if stimulus t were the truth.
 * @param sets - From `candidateSets`.
 * @param rng - Source of the shuffles; not drawn from in an exact test.
 * @param permutations - Default 10,000.
 * @returns the one-sided p-value and its method.
 * @throws {RangeError} when there are no images, or the table is not `[count, count]`.
 * @see Phipson & Smyth 2010, "Permutation p-values should never be zero".
 */
export function permutationTest(
  scores: Float64Array,
  sets: readonly Int32Array[],
  rng: UniformSource,
  permutations = 10_000,
): PermutationTest {
  const count = sets.length;
  if (count === 0 || scores.length !== count * count) {
    throw new RangeError(
      `permutationTest: scores must be count x count for count >= 1, got ${scores.length} for ${count} images`,
    );
  }
  let observed = 0;
  for (let i = 0; i < count; i++) observed += scores[i * count + i] ?? 0;
  // The same total summed in another order differs by rounding; a tie must count as a tie.
  const threshold = observed - 1e-9;
  const distinct = [...new Set(sets)];
  const all = pairingCount(distinct);
  if (all <= permutations) {
    const lists = distinct.map((members) => allTotals(scores, count, members));
    return { pValue: countCombinations(lists, threshold) / all, method: "exact", pairings: all };
  }
  const asGood = countShuffles(scores, distinct, rng, { count, threshold, permutations });
  return { pValue: (1 + asGood) / (1 + permutations), method: "sampled", pairings: permutations };
}

/** Random pairings whose total reaches the threshold. */
function countShuffles(
  scores: Float64Array,
  sets: readonly Int32Array[],
  rng: UniformSource,
  { count, threshold, permutations }: { count: number; threshold: number; permutations: number },
): number {
  const groups = sets.map((members) => ({ members, truth: Int32Array.from(members) }));
  let asGood = 0;
  for (let p = 0; p < permutations; p++) {
    let total = 0;
    for (const { members, truth } of groups) {
      shuffle(truth, rng);
      members.forEach((image, position) => {
        total += scores[image * count + (truth[position] ?? 0)] ?? 0;
      });
    }
    if (total >= threshold) asGood++;
  }
  return asGood;
}

/**
 * Holm's step-down correction: p-values adjusted so that the chance of any false rejection among them stays below the level tested at.
 * Sorted ascending, `adjusted_(k) = max over j <= k of min(1, (m - j + 1) p_(j))`. For identification at several n, or several regions.
 *
 * @returns adjusted p-values in the order given.
 * @see Holm 1979, "A simple sequentially rejective multiple test procedure".
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => (pValues[a] ?? 0) - (pValues[b] ?? 0));
  const adjusted = new Array<number>(pValues.length).fill(1);
  let running = 0;
  order.forEach((index, position) => {
    running = Math.max(running, Math.min(1, (pValues.length - position) * (pValues[index] ?? 1)));
    adjusted[index] = running;
  });
  return adjusted;
}
