/** What a run trains one after the other: a Decoder for each fold, and in variant targetExcluded for each group of its targets. */
import type { Dataset, ImageSet, Matrix, RawDataset, Split } from "../data/dataset.js";
import { kFold } from "../data/folds.js";
import { normalise } from "../data/normalise.js";
import { keepTestRepeats, targetGroups, withoutTargets } from "../data/test-fmri.js";
import { CheckpointError } from "../model/errors.js";
import type { RunConfig } from "./options.js";

/** One Decoder to train, and the test images it is for. */
export interface Unit {
  /** Which fold it belongs to, from 0. */
  readonly fold: number;
  readonly split: Split;
  /** Positions in `split.test` of the images this Decoder reconstructs. */
  readonly targets: readonly number[];
}

/** The splits of a run: the dataset's own, or k folds over all its images. */
export function splitsOf(config: RunConfig, raw: RawDataset): readonly Split[] {
  return config.folds === 0 ? [raw.split] : kFold(raw, config.folds, config.seed);
}

/** The Decoders of a run, in the order they are trained. */
export function unitsOf(config: RunConfig, raw: RawDataset): readonly Unit[] {
  return splitsOf(config, raw).flatMap((split, fold) => {
    const all = split.test.map((_, i) => i);
    const groups =
      config.variant === "targetExcluded" ? targetGroups(all.length, config.targetGroups, config.seed) : [all];
    return groups.map((targets) => ({ fold, split, targets }));
  });
}

/** The recordings of a fold, z-scored, with as many test repeats as the run is to use; and which columns its voxels were. */
export function foldDataset(
  config: RunConfig,
  raw: RawDataset,
  split: Split,
): { dataset: Dataset; voxelIndices: readonly number[] } {
  const kept = config.testRepeats === 0 ? raw : keepTestRepeats(raw, split.test, config.testRepeats, config.seed);
  return normalise(kept, split);
}

/** What a unit's training may see: everything, or everything but its targets' test fMRI. */
export function trainingDataset(config: RunConfig, dataset: Dataset, unit: Unit): Dataset {
  return config.variant === "targetExcluded" ? withoutTargets(dataset, unit.targets) : dataset;
}

/** Images in the order of the split's test images, from those of its units. */
export function joinUnits(
  parts: readonly { readonly targets: readonly number[]; readonly images: ImageSet }[],
): ImageSet {
  const count = parts.reduce((sum, { targets }) => sum + targets.length, 0);
  const first = parts[0]?.images ?? { count: 0, height: 0, width: 0, channels: 1, pixels: new Float32Array() };
  const size = first.height * first.width * first.channels;
  const pixels = new Float32Array(count * size);
  for (const { targets, images } of parts) {
    targets.forEach((target, i) => {
      pixels.set(images.pixels.subarray(i * size, (i + 1) * size), target * size);
    });
  }
  return { ...first, count, pixels };
}

/** What a checkpoint holds must be of these recordings: it may have been copied from another run, or they changed since. */
export function checkOfRun(found: Size, wanted: Size): void {
  const shape = ({ count, height, width, channels }: Size) => `[${count}, ${height}, ${width}, ${channels}]`;
  if (shape(found) === shape(wanted)) return;
  throw new CheckpointError(
    `the checkpoint is of another run, or the recordings are not those it was trained on: it holds images of ${shape(found)}, ${shape(wanted)} are wanted`,
  );
}

type Size = Pick<ImageSet, "count" | "height" | "width" | "channels">;

/** A matrix as an image set of one pixel a row, which is how a checkpoint keeps it. */
export function matrixAsImages({ rows, columns, values }: Matrix): ImageSet {
  return { count: rows, height: 1, width: 1, channels: columns, pixels: values };
}

/** `fold 2 of 10, group 1 of 3`; empty where there is one unit. */
export function placeOf(units: readonly Unit[], index: number): string {
  const unit = units[index];
  if (unit === undefined) return "";
  const folds = (units.at(-1)?.fold ?? 0) + 1;
  const inFold = units.filter(({ fold }) => fold === unit.fold);
  return [
    ...(folds > 1 ? [`fold ${unit.fold + 1} of ${folds}`] : []),
    ...(inFold.length > 1 ? [`group ${inFold.indexOf(unit) + 1} of ${inFold.length}`] : []),
  ].join(", ");
}
