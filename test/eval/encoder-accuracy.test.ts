import { describe, expect, test } from "vitest";
import { HostRandom } from "../../src/data/random.js";
import { noiseCeiling, regionAccuracy, voxelCorrelations } from "../../src/eval/encoder-accuracy.js";
import { pearson } from "../../src/eval/metrics.js";
import { mean } from "../../src/eval/statistics.js";
import { normalMatrix } from "./helpers.js";

describe("voxelCorrelations", () => {
  test("correlates columns over images", () => {
    const predicted = { rows: 3, columns: 2, values: Float32Array.of(1, 5, 2, 5, 4, 5) };
    const recorded = { rows: 3, columns: 2, values: Float32Array.of(2, 1, 3, 2, 7, 3) };
    const [first, second] = voxelCorrelations(predicted, recorded);
    expect(first).toBeCloseTo(pearson([1, 2, 4], [2, 3, 7]), 12);
    // A voxel predicted constant has no correlation.
    expect(second).toBeNaN();
  });

  test("refuses other shapes", () =>
    expect(() => voxelCorrelations(normalMatrix(3, 2, 1), normalMatrix(3, 4, 1))).toThrow(/got \[3, 2\] and \[3, 4\]/));
});

describe("noiseCeiling", () => {
  test("by hand: two images, two repeats", () => {
    // Averages 1 and 5: variance 8. Within: 2 and 2, of an average 1. Ceiling sqrt(1 - 1 / 8).
    const repeats = [
      { rows: 2, columns: 1, values: Float32Array.of(0, 2) },
      { rows: 2, columns: 1, values: Float32Array.of(4, 6) },
    ];
    expect(noiseCeiling(repeats)[0]).toBeCloseTo(Math.sqrt(7 / 8), 12);
  });

  test.each([
    { snr: 0.3, count: 35 },
    { snr: 1, count: 4 },
    { snr: 0, count: 10 },
  ])("is what the true signal reaches: signal-to-noise $snr, $count repeats", ({ snr, count }) => {
    const rng = new HostRandom(7);
    const [images, voxels] = [120, 40];
    const signal = Float64Array.from({ length: images * voxels }, () => Math.sqrt(snr) * rng.normal());
    const repeats = Array.from({ length: images }, (_, n) => ({
      rows: count,
      columns: voxels,
      values: Float32Array.from(
        { length: count * voxels },
        (__, i) => signal[n * voxels + (i % voxels)]! + rng.normal(),
      ),
    }));
    const averages = repeats.map(({ values }) =>
      Float64Array.from({ length: voxels }, (_, v) =>
        mean(Array.from({ length: count }, (__, r) => values[r * voxels + v]!)),
      ),
    );
    const reached = Array.from({ length: voxels }, (_, v) =>
      snr === 0
        ? 0
        : pearson(
            averages.map((row) => row[v]!),
            averages.map((__, n) => signal[n * voxels + v]!),
          ),
    );
    const ceilings = noiseCeiling(repeats);
    // Of pure noise half the voxels are cut at 0 and the others scatter above it by sqrt of a variance near sqrt(2 / 119).
    if (snr === 0) {
      expect(mean(ceilings)).toBeLessThan(0.25);
      expect(ceilings.filter((ceiling) => ceiling === 0).length).toBeGreaterThan(10);
    } else {
      expect(Math.abs(mean(ceilings) - mean(reached))).toBeLessThan(0.02);
      expect(mean(reached)).toBeCloseTo(Math.sqrt(snr / (snr + 1 / count)), 1);
    }
  });

  test("needs repeats", () =>
    expect(() => noiseCeiling([normalMatrix(2, 3, 1), normalMatrix(1, 3, 2)])).toThrow(/2 images with at least 1/));
});

describe("regionAccuracy", () => {
  test("all voxels first, undefined ones as 0, empty regions left out", () => {
    const result = regionAccuracy(Float64Array.of(0.2, Number.NaN, 0.6, 0.4), Float64Array.of(0.5, 0.5, 1, 1), [
      { name: "V1", voxels: [0, 1] },
      { name: "V2", voxels: [2] },
      { name: "LOC", voxels: [] },
    ]);
    expect(result.map(({ region, voxels }) => [region, voxels])).toEqual([
      ["all voxels", 4],
      ["V1", 2],
      ["V2", 1],
    ]);
    expect(result[0]!.mean).toBeCloseTo(0.3, 12);
    expect(result[0]!.quartiles[1]).toBeCloseTo(0.3, 12);
    expect(result[1]!.mean).toBeCloseTo(0.1, 12);
    expect(result.map(({ ceiling }) => ceiling)).toEqual([0.75, 0.5, 1]);
    expect(regionAccuracy(Float64Array.of(0.2), null, [])[0]!.ceiling).toBeNull();
  });
});
