import { describe, expect, test } from "vitest";
import { completeConfig } from "../../src/cli/options.js";
import { trainingDataset, unitsOf } from "../../src/cli/units.js";
import type { RawDataset } from "../../src/data/dataset.js";
import { normalise, signalToNoise } from "../../src/data/normalise.js";
import { keepTestRepeats, targetGroups, withoutTargets } from "../../src/data/test-fmri.js";
import { uniform } from "../device.js";
import { expectDataError } from "./helpers.js";

/** 5 training images with one recording, 4 test images with 7 repeats, 3 voxels. */
function recordings(): RawDataset {
  const rows = [1, 1, 1, 1, 1, 7, 7, 7, 7];
  return {
    name: "made",
    images: { count: 9, height: 2, width: 1, channels: 1, pixels: uniform(18, 1, 0, 1) },
    labels: rows.map((_, i) => `image ${i}`),
    responses: rows.map((count, i) => ({ rows: count, columns: 3, values: uniform(3 * count, 10 + i) })),
    classes: null,
    groups: null,
    split: { train: [0, 1, 2, 3, 4], test: [5, 6, 7, 8] },
    unlabeledImages: null,
    notes: [],
  };
}

const rowTexts = (matrix: { rows: number; columns: number; values: Float32Array }) =>
  Array.from({ length: matrix.rows }, (_, r) => matrix.values.slice(3 * r, 3 * r + 3).join());

describe("keepTestRepeats", () => {
  const raw = recordings();

  test("keeps different rows of each test image, and leaves the training images alone", () => {
    const kept = keepTestRepeats(raw, raw.split.test, 4, 1);
    for (const image of raw.split.test) {
      const rows = rowTexts(kept.responses[image]!);
      expect(new Set(rows).size).toBe(4);
      for (const row of rows) expect(rowTexts(raw.responses[image]!)).toContain(row);
    }
    for (const image of raw.split.train) expect(kept.responses[image]).toBe(raw.responses[image]);
  });

  test("fewer are a part of more with the same seed; another seed draws others", () => {
    const [two, five, other] = [
      keepTestRepeats(raw, raw.split.test, 2, 1),
      keepTestRepeats(raw, raw.split.test, 5, 1),
      keepTestRepeats(raw, raw.split.test, 2, 2),
    ];
    for (const image of raw.split.test) {
      for (const row of rowTexts(two.responses[image]!)) expect(rowTexts(five.responses[image]!)).toContain(row);
    }
    expect(other.responses).not.toEqual(two.responses);
  });

  test("all of them are the same recordings, in another order", () => {
    const all = keepTestRepeats(raw, raw.split.test, 7, 1);
    expect(rowTexts(all.responses[6]!).sort()).toEqual(rowTexts(raw.responses[6]!).sort());
  });

  test("refuses more than there are", () =>
    expectDataError(
      () => keepTestRepeats(raw, raw.split.test, 8, 1),
      /image 5 \(image 5\) has 7 repeats, 8 were asked/,
    ));
});

describe("targetGroups", () => {
  test.each([
    { count: 50, groups: 10, sizes: [5, 5, 5, 5, 5, 5, 5, 5, 5, 5] },
    { count: 7, groups: 3, sizes: [3, 2, 2] },
    { count: 3, groups: 10, sizes: [1, 1, 1] },
  ])("$count images into $groups groups: $sizes", ({ count, groups, sizes }) => {
    const dealt = targetGroups(count, groups, 4);
    expect(dealt.map(({ length }) => length)).toEqual(sizes);
    expect(dealt.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(targetGroups(count, groups, 4)).toEqual(dealt);
  });

  test.each([
    [1, 10],
    [10, 1],
    [10, 2.5],
  ])("refuses %d images in %d groups", (count, groups) =>
    expectDataError(() => targetGroups(count, groups, 0), /Both must be|cannot deal/),
  );
});

describe("withoutTargets", () => {
  const { dataset } = normalise(recordings());
  const left = withoutTargets(dataset, [1, 2]);

  test("nothing of the targets is left, and the rest is as it was", () => {
    expect(left.test.labels).toEqual(["image 5", "image 8"]);
    expect(rowTexts(left.test.fmri)).toEqual([0, 3].map((i) => rowTexts(dataset.test.fmri)[i]));
    expect(left.testRepeats).toEqual([dataset.testRepeats![0], dataset.testRepeats![3]]);
    expect(left.train).toBe(dataset.train);
  });

  test("the signal-to-noise ratio is measured without them", () => {
    expect(left.snr).toEqual(signalToNoise([dataset.testRepeats![0]!, dataset.testRepeats![3]!]));
    expect(left.snr).not.toEqual(dataset.snr);
    expect(withoutTargets(dataset, [0, 1, 2]).snr).toBeNull();
  });

  test("one at a time: as many trainings as test images, each without one of them and with all others", () => {
    const config = completeConfig({ variant: "targetExcluded", targetGroups: 1000 }, "test");
    const raw = recordings();
    const units = unitsOf(config, raw);
    expect(units.map(({ targets }) => targets.length)).toEqual([1, 1, 1, 1]);
    const { labels } = dataset.test;
    for (const unit of units) {
      const target = labels[unit.targets[0] ?? -1];
      const seen = trainingDataset(config, dataset, unit).test.labels;
      expect([...seen].sort()).toEqual(labels.filter((label) => label !== target).sort());
    }
    expect(units.map(({ targets: [target = -1] }) => labels[target]).sort()).toEqual([...labels].sort());
  });

  test("refuses to leave nothing", () =>
    expectDataError(() => withoutTargets(dataset, [0, 1, 2, 3]), /no test fMRI is left/));
});
