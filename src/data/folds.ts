/** New splits of a dataset: k folds over all its recordings, and the dataset that a split makes. */
import type { Dataset, RawDataset, Split } from "./dataset.js";
import { DataError } from "./errors.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { HostRandom } from "./random.js";

/**
 * The dataset of another split of the same recordings. Voxels are chosen and scaled anew, from the new training images alone.
 *
 * @param train - Indices into `raw.images`.
 * @param test - Indices into `raw.images`, none of them in `train`.
 * @throws {DataError} as {@link normalise}.
 */
export function refold(
  raw: RawDataset,
  train: readonly number[],
  test: readonly number[],
  options: NormaliseOptions = {},
): Dataset {
  return normalise(raw, { train, test }, options).dataset;
}

/**
 * Splits all recordings, training and test alike, into k folds; every image is in the test part of exactly one. Images are dealt out
 * at random, each class evenly over the folds, and a group stays in one fold.
 *
 * @param k - 2 to the number of images (of groups, where there are any).
 * @param seed - The same seed gives the same folds.
 * @returns k splits, indices in ascending order, for {@link refold}.
 * @throws {DataError} when k is not such a number.
 */
export function kFold(raw: RawDataset, k: number, seed: number): Split[] {
  const units = unitsOf(raw);
  if (!Number.isInteger(k) || k < 2 || k > units.length) {
    throw new DataError(
      `${raw.name}: cannot make ${k} folds of ${units.length} ${raw.groups === null ? "images" : "groups"}`,
      `Ask for 2 to ${units.length} folds.`,
    );
  }
  const random = new HostRandom(seed).fork("folds");
  const classOf = (unit: readonly number[]) => raw.classes?.[unit[0] ?? 0] ?? 0;
  const classes = [...new Set(units.map(classOf))].sort((a, b) => a - b);
  const folds = Array.from({ length: k }, (): number[] => []);
  for (const value of classes) {
    const members = units.filter((unit) => classOf(unit) === value);
    const counts = new Array<number>(k).fill(0);
    for (const i of random.permutation(members.length)) {
      const unit = members[i] ?? [];
      const fold = emptiest(counts, folds);
      folds[fold]?.push(...unit);
      counts[fold] = (counts[fold] ?? 0) + unit.length;
    }
  }
  return folds.map((test) => {
    const held = new Set(test);
    const train = Array.from({ length: raw.images.count }, (_, i) => i).filter((i) => !held.has(i));
    return { train, test: test.sort((a, b) => a - b) };
  });
}

/** Images that must stay together: the groups, or each image by itself. */
function unitsOf(raw: RawDataset): number[][] {
  const units = new Map<number, number[]>();
  for (let i = 0; i < raw.images.count; i++) {
    const group = raw.groups === null ? i : (raw.groups[i] ?? i);
    units.set(group, [...(units.get(group) ?? []), i]);
  }
  return [...units.values()];
}

/** The fold with the fewest images of a class, and among those the fewest images at all. */
function emptiest(counts: readonly number[], folds: readonly (readonly number[])[]): number {
  let best = 0;
  for (let f = 1; f < folds.length; f++) {
    const fewer = (counts[f] ?? 0) - (counts[best] ?? 0) || (folds[f]?.length ?? 0) - (folds[best]?.length ?? 0);
    if (fewer < 0) best = f;
  }
  return best;
}
