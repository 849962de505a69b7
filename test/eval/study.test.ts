import { describe, expect, test } from "vitest";
import { HostRandom } from "../../src/data/random.js";
import { bootstrapInterval } from "../../src/eval/statistics.js";
import { compareSeeds, correctComparisons, type SeedScores, summariseSeeds } from "../../src/eval/study.js";
import { wilcoxonSignedRank } from "../../src/eval/wilcoxon.js";

const run = (values: readonly number[], prefix = "image"): SeedScores =>
  new Map(values.map((value, i) => [`${prefix} ${i}`, value]));
const reversed = (scores: SeedScores): SeedScores => new Map([...scores].reverse());
const quick = { resamples: 2000, seed: 3 };

describe("summariseSeeds", () => {
  test("one run: the bootstrap over images", () => {
    const values = [0.1, 0.9, 0.4, 0.7, 0.2];
    const summary = summariseSeeds([run(values)], quick);
    expect(summary).toMatchObject({ seeds: 1, images: 5, seedSd: null });
    expect(summary.mean).toBeCloseTo(0.46, 12);
    expect(summary.interval).toEqual(
      bootstrapInterval(Float64Array.from(values), new HostRandom(3).fork("study"), { resamples: 2000 }),
    );
  });

  test("averages runs, whatever order their images are in, and knows their spread", () => {
    const [a, b] = [run([0, 1, 1]), run([0, 0, 1])];
    const summary = summariseSeeds([a, reversed(b)], quick);
    expect(summary.mean).toBeCloseTo(0.5, 12);
    expect(summary.seedSd).toBeCloseTo(Math.SQRT1_2 / 3, 12);
    expect(summariseSeeds([a, b], quick)).toEqual(summary);
  });

  test("covers the truth about as often as it says, runs and images both random", () => {
    const rng = new HostRandom(9);
    let covered = 0;
    for (let trial = 0; trial < 150; trial++) {
      const images = Array.from({ length: 30 }, () => rng.normal());
      const runs = Array.from({ length: 12 }, () => {
        const shift = 0.3 * rng.normal();
        return run(images.map((value) => value + shift + 0.5 * rng.normal()));
      });
      const { low, high } = summariseSeeds(runs, { resamples: 300, seed: trial }).interval;
      if (low <= 0 && 0 <= high) covered++;
    }
    expect(covered / 150).toBeGreaterThan(0.88);
  });

  test("is wider than the images alone would say when runs differ", () => {
    const values = Array.from({ length: 40 }, (_, i) => (i % 2) * 0.1);
    const alike = summariseSeeds([run(values), run(values)], quick).interval;
    const apart = summariseSeeds([run(values), run(values.map((value) => value + 0.5))], quick).interval;
    expect(apart.high - apart.low).toBeGreaterThan(5 * (alike.high - alike.low));
  });

  test("runs with other images each", () => {
    const summary = summariseSeeds([run([0, 1], "a"), run([1, 1], "b")], quick);
    expect(summary.mean).toBe(0.75);
    expect(summary.interval.low).toBeLessThan(0.75);
  });

  test("needs a run and an image", () => {
    expect(() => summariseSeeds([])).toThrow(/got 0 runs/);
    expect(() => summariseSeeds([run([1]), run([])])).toThrow(/2 runs of 1, 0 images/);
  });
});

describe("compareSeeds", () => {
  const better = [run([0.6, 0.7, 0.9, 0.8]), run([0.7, 0.5, 0.9, 0.9])];
  const worse = [run([0.5, 0.6, 0.5, 0.7]), run([0.4, 0.6, 0.8, 0.8])];

  test("pairs images within seeds, and tests their mean differences", () => {
    const comparison = compareSeeds(better, worse, quick);
    expect(comparison.difference).toBeCloseTo(0.1375, 12);
    expect(comparison.pValue).toBe(wilcoxonSignedRank([0.2, 0, 0.25, 0.1]).pValue);
    expect(comparison).toMatchObject({ seeds: 2, seedsBetter: 2 });
    expect(compareSeeds(worse, better, quick).difference).toBeCloseTo(-0.1375, 12);
    expect(compareSeeds(better, worse.map(reversed), quick)).toEqual(comparison);
  });

  test("a method against itself", () =>
    expect(compareSeeds(better, better, quick)).toEqual({
      difference: 0,
      interval: { low: 0, high: 0 },
      pValue: 1,
      seedsBetter: 0,
      seeds: 2,
    }));

  test("leaves out images that one of them lacks", () => {
    const part = better.map((scores) => new Map([...scores].slice(1)));
    expect(compareSeeds(part, worse, quick).difference).toBeCloseTo(0.7 / 6, 12);
    expect(() => compareSeeds(better, [run([1], "other"), run([1], "other")])).toThrow(/at least one image/);
    expect(() => compareSeeds(better, worse.slice(1))).toThrow(/got 2 and 1/);
  });
});

test("correctComparisons is Holm's over all that are given", () => {
  const corrected = correctComparisons([{ pValue: 0.01 }, { pValue: 0.04 }, { pValue: 0.03 }]);
  expect(corrected.map(({ correctedPValue }) => correctedPValue)).toEqual([0.03, 0.06, 0.06]);
});
