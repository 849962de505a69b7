/** What goes into a step: rows drawn on the host from streams that depend only on the seed, the phase, the epoch and the step. */
import type { Dataset, ImageSet, Matrix } from "../data/dataset.js";
import { selectImages, selectRows } from "../data/dataset.js";
import type { HostRandom } from "../data/random.js";

/** Which unlabeled data the Decoder trains on: the rows of the paper's Fig. 4. */
export type Variant = "supervised" | "images" | "full" | "targetExcluded";

/** What each variant uses. */
export const variants: Readonly<
  Record<Variant, { readonly images: boolean; readonly testFmri: boolean; readonly title: string }>
> = {
  supervised: { images: false, testFmri: false, title: "supervised only" },
  images: { images: true, testFmri: false, title: "+ unlabeled images" },
  full: { images: true, testFmri: true, title: "full (+ unlabeled test fMRI)" },
  // Trains as `full` on a dataset whose test part lacks the targets: see `withoutTargets`.
  targetExcluded: { images: true, testFmri: true, title: "full, target excluded" },
};

/** The pairs of one epoch, in its order. */
export interface EpochOrder {
  readonly order: readonly number[];
  readonly steps: number;
}

/**
 * A fresh order of `count` pairs, and how many whole batches it makes. As in the released code, the number of steps is
 * `count / batchSize` rounded down (at least 1), and what is left over waits for another epoch.
 */
export function epochOrder(random: HostRandom, count: number, batchSize: number): EpochOrder {
  return { order: Array.from(random.permutation(count)), steps: Math.max(1, Math.floor(count / batchSize)) };
}

/** `size` entries of `order` for one step; wraps around where the order is shorter than the batch. */
export function stepRows(order: readonly number[], step: number, size: number): number[] {
  const rows = Math.min(size, order.length);
  return Array.from({ length: rows }, (_, i) => order[(step * rows + i) % order.length] as number);
}

/** Vertical and horizontal shifts, whole pixels, uniform in [-max, max]. */
export function randomShifts(random: HostRandom, count: number, max: number): { dy: Int32Array; dx: Int32Array } {
  const draw = () => Int32Array.from({ length: count }, () => random.integer(2 * max + 1) - max);
  return { dy: draw(), dx: draw() };
}

/** `count` different numbers from 0 to `of` - 1 (repeated where there are fewer). */
export function drawIndices(random: HostRandom, of: number, count: number): number[] {
  if (of < count) return Array.from({ length: count }, () => random.integer(of));
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(random.integer(of));
  return [...chosen];
}

/** `count` different images of a set (all of it, repeated, where it has fewer). */
export function drawImages(random: HostRandom, images: ImageSet, count: number): ImageSet {
  return selectImages(images, drawIndices(random, images.count, count));
}

/** The mean of the rows of `repeats` that a coin of probability 1/3 picks; drawn again when it picks none. */
function averageOfSome(random: HostRandom, repeats: Matrix): Float32Array {
  const { rows, columns, values } = repeats;
  let picked: number[] = [];
  while (picked.length === 0)
    picked = Array.from({ length: rows }, (_, row) => row).filter(() => random.uniform() < 1 / 3);
  const total = new Float64Array(columns);
  for (const row of picked)
    for (let v = 0; v < columns; v++) total[v] = (total[v] as number) + (values[row * columns + v] as number);
  return Float32Array.from(total, (sum) => sum / picked.length);
}

/**
 * Unlabeled test fMRI: for each row a test item, uniformly, and the average of a random third of its repeats; where there are
 * only averages, the average. No test image is touched.
 */
export function drawTestFmri(random: HostRandom, dataset: Dataset, count: number): Matrix {
  const items = Array.from({ length: count }, () => random.integer(dataset.test.fmri.rows));
  const { testRepeats } = dataset;
  if (testRepeats === null) return selectRows(dataset.test.fmri, items);
  const { columns } = dataset.test.fmri;
  const values = new Float32Array(count * columns);
  items.forEach((item, i) => {
    values.set(averageOfSome(random, testRepeats[item] as Matrix), i * columns);
  });
  return { rows: count, columns, values };
}
