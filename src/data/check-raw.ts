/** Whether recordings can be made a dataset of. */
import type { ImageSet, RawDataset, Split } from "./dataset.js";
import { DataError } from "./errors.js";
import { checkLeaks } from "./leaks.js";

/**
 * Checks that there is one image per row of fMRI.
 *
 * @throws {DataError} when the counts differ, or there is nothing at all.
 */
export function checkPairing(source: string, images: ImageSet, fmriRows: number): void {
  if (images.count !== fmriRows || fmriRows === 0) {
    throw new DataError(
      `${source}: ${images.count} images but fMRI of ${fmriRows}`,
      "Row i of the fMRI must belong to image i, and there must be at least one.",
    );
  }
}

/**
 * Checks that recordings fit together: an image for each response, voxels alike, a split of both kinds, and no test image that is
 * trained on.
 *
 * @throws {DataError} naming the first thing that does not fit.
 */
export function checkRaw(raw: RawDataset, split: Split): void {
  checkPairing(raw.name, raw.images, raw.responses.length);
  const columns = raw.responses[0]?.columns ?? 0;
  raw.responses.forEach((response, i) => {
    if (response.rows === 0 || response.columns !== columns || columns === 0) {
      throw new DataError(
        `${raw.name}: image ${i} (${raw.labels[i]}) has fMRI [${response.rows}, ${response.columns}], expected at least one row of ${columns} voxels`,
        "Every image needs at least one recording of the same voxels.",
      );
    }
  });
  // Three, because the baseline, ridge regression, chooses its penalty by leaving one out.
  if (split.train.length < 3 || split.test.length < 1) {
    throw new DataError(
      `${raw.name}: ${split.train.length} training and ${split.test.length} test images`,
      "At least 3 training images and 1 test image are needed.",
    );
  }
  const bad = [...split.train, ...split.test].find((i) => !Number.isInteger(i) || i < 0 || i >= raw.images.count);
  if (bad !== undefined)
    throw new DataError(`${raw.name}: the split names image ${bad} of ${raw.images.count}`, "Correct it.");
  const train = new Set(split.train);
  const both = split.test.find((i) => train.has(i));
  if (both !== undefined) {
    throw new DataError(
      `${raw.name}: image ${both} (${raw.labels[both]}) is in training and test`,
      "Put it into one of them.",
    );
  }
  checkLeaks(raw.name, { images: raw.images, labels: raw.labels, ...split, unlabeled: raw.unlabeledImages });
}
