/** How much of the test fMRI a training may see: fewer repeats, or some test items not at all. */
import { type Dataset, type RawDataset, selectImages, selectRows } from "./dataset.js";
import { DataError } from "./errors.js";
import { signalToNoise } from "./normalise.js";
import { HostRandom } from "./random.js";

/**
 * Recordings as if each test image had been shown `count` times only. Which repeats are kept is drawn at random for each image; with
 * the same seed a smaller count keeps a part of what a larger one keeps, so that counts can be compared pair by pair.
 *
 * @param test - Indices of the test images in `raw`.
 * @param count - Repeats to keep, from 1.
 * @param seed - Seed of the draw.
 * @throws {DataError} when a test image has fewer repeats.
 */
export function keepTestRepeats(raw: RawDataset, test: readonly number[], count: number, seed: number): RawDataset {
  const random = new HostRandom(seed).fork("test repeats");
  const responses = [...raw.responses];
  for (const image of test) {
    const response = raw.responses[image];
    if (response === undefined || response.rows < count) {
      throw new DataError(
        `${raw.name}: test image ${image} (${raw.labels[image]}) has ${response?.rows ?? 0} repeats, ${count} were asked for`,
        "Ask for fewer, or leave the number of repeats out to use all.",
      );
    }
    responses[image] = selectRows(response, random.permutation(response.rows).slice(0, count));
  }
  return { ...raw, responses };
}

/**
 * Deals test items into groups of nearly equal size, at random.
 *
 * @param count - Test items.
 * @param groups - Groups asked for, from 2; no more than items are made, so that none is empty.
 * @returns Positions of each group's items, ascending; every item is in one group.
 * @throws {DataError} when there are fewer than 2 items or groups.
 */
export function targetGroups(count: number, groups: number, seed: number): number[][] {
  if (!Number.isInteger(groups) || count < 2 || groups < 2) {
    throw new DataError(
      `target groups: cannot deal ${count} test images into ${groups} groups`,
      "Both must be at least 2, so that test fMRI of others is left to train on.",
    );
  }
  const order = new HostRandom(seed).fork("target groups").permutation(count);
  const made = Math.min(groups, count);
  return Array.from({ length: made }, (_, g) => order.filter((__, i) => i % made === g).sort((a, b) => a - b));
}

/**
 * The dataset as a training may see it whose targets' own test fMRI must stay out: the test part holds the other items only, and the
 * signal-to-noise ratio is theirs. What is left serves to train on; the targets are decoded from the whole dataset afterwards.
 *
 * @param targets - Positions in `dataset.test`.
 * @throws {DataError} when no item would be left.
 */
export function withoutTargets(dataset: Dataset, targets: readonly number[]): Dataset {
  const out = new Set(targets);
  const kept = dataset.test.labels.flatMap((_, i) => (out.has(i) ? [] : [i]));
  if (kept.length === 0) {
    throw new DataError(`${dataset.name}: every test image is a target, no test fMRI is left`, "Make more groups.");
  }
  const { images, fmri, labels } = dataset.test;
  const testRepeats = dataset.testRepeats && kept.flatMap((i) => dataset.testRepeats?.[i] ?? []);
  const measurable = testRepeats !== null && testRepeats.length > 1 && testRepeats.every(({ rows }) => rows > 1);
  return {
    ...dataset,
    test: {
      images: selectImages(images, kept),
      fmri: selectRows(fmri, kept),
      labels: kept.map((i) => labels[i] ?? String(i)),
    },
    testRepeats,
    snr: dataset.snr && (measurable ? signalToNoise(testRepeats) : null),
  };
}
