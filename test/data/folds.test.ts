import { describe, expect, test } from "vitest";
import type { RawDataset } from "../../src/data/dataset.js";
import { kFold, refold } from "../../src/data/folds.js";
import { HostRandom } from "../../src/data/random.js";
import { expectDataError } from "./helpers.js";

/** `count` images of one pixel, five voxels; the last voxel is constant on the even images. */
function recordings(count: number, more: Partial<RawDataset> = {}): RawDataset {
  const random = new HostRandom(9);
  const indices = Array.from({ length: count }, (_, i) => i);
  return {
    name: "tiny",
    images: { count, height: 1, width: 1, channels: 1, pixels: Float32Array.from(indices, (i) => i / count) },
    labels: indices.map(String),
    responses: indices.map((i) => ({
      rows: 1,
      columns: 5,
      values: Float32Array.from([1, 2, 3, 4, 5], (v) => (v < 5 ? random.normal() : i % 2)),
    })),
    classes: null,
    groups: null,
    split: { train: indices.slice(0, count - 1), test: indices.slice(count - 1) },
    unlabeledImages: null,
    notes: [],
    ...more,
  };
}

describe("folds", () => {
  test("every image is tested once and never trains its own fold", () => {
    const folds = kFold(recordings(23), 5, 0);
    expect(folds.map(({ test }) => test.length).sort()).toEqual([4, 4, 5, 5, 5]);
    expect(folds.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i));
    for (const { train, test } of folds) {
      expect(train.filter((i) => test.includes(i))).toEqual([]);
      expect(train.length + test.length).toBe(23);
    }
  });

  test("the seed decides", () => {
    const raw = recordings(23);
    expect(kFold(raw, 5, 1)).toEqual(kFold(raw, 5, 1));
    expect(kFold(raw, 5, 1)).not.toEqual(kFold(raw, 5, 2));
  });

  test("classes are spread evenly", () => {
    const classes = Array.from({ length: 30 }, (_, i) => (i < 20 ? 6 : 9));
    for (const { test } of kFold(recordings(30, { classes }), 5, 3)) {
      expect(test.filter((i) => classes[i] === 6)).toHaveLength(4);
      expect(test.filter((i) => classes[i] === 9)).toHaveLength(2);
    }
  });

  test("groups stay together", () => {
    const groups = Array.from({ length: 24 }, (_, i) => i % 7);
    for (const { train, test } of kFold(recordings(24, { groups }), 3, 0)) {
      const tested = new Set(test.map((i) => groups[i]));
      expect(train.filter((i) => tested.has(groups[i]))).toEqual([]);
      expect(test.length).toBeGreaterThan(0);
    }
  });

  test("each fold chooses and scales its voxels on its own training rows", () => {
    const raw = recordings(8);
    const even = refold(raw, [0, 2, 4, 6], [1, 3]);
    expect(even.train.fmri.columns).toBe(4);
    expect(even.notes[0]).toMatch(/1 constant over the training images; 4 remain/);
    const mixed = refold(raw, [0, 1, 2, 3], [4, 5]);
    expect(mixed.train.fmri.columns).toBe(5);
    expect(mixed.test.labels).toEqual(["4", "5"]);
    const column = Array.from({ length: 4 }, (_, i) => mixed.train.fmri.values[i * 5] ?? 9);
    expect(column.reduce((a, b) => a + b) / 4).toBeCloseTo(0, 6);
    expect(column.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 5);
  });

  test.each([1, 2.5, 9])("rejects k = %s", async (k) => {
    await expectDataError(
      () => kFold(recordings(8), k, 0),
      /tiny: cannot make .* folds of 8 images.*Ask for 2 to 8 folds/,
    );
  });

  test("rejects more folds than groups, and a bad split", async () => {
    const groups = [0, 0, 0, 0, 1, 1, 1, 1];
    await expectDataError(() => kFold(recordings(8, { groups }), 3, 0), /cannot make 3 folds of 2 groups/);
    await expectDataError(() => refold(recordings(8), [0, 1, 2], [2]), /image 2 \(2\) is in training and test/);
  });
});
