import { describe, expect, test } from "vitest";
import { HostRandom } from "../../src/data/random.js";
import { candidateSets, correlationMatrix, pairingScores } from "../../src/eval/identification.js";
import { bootstrapInterval, holm, mean, permutationTest, quantile, summarise } from "../../src/eval/statistics.js";
import { wilcoxonSignedRank } from "../../src/eval/wilcoxon.js";
import { blend, golden, noiseImages } from "./helpers.js";

describe("summaries", () => {
  test("mean and sample SD", () => {
    const { n, mean: centre, sd } = summarise([2, 4, 4, 4, 5, 5, 7, 9]);
    expect([n, centre]).toEqual([8, 5]);
    expect(sd).toBeCloseTo(Math.sqrt(32 / 7), 14);
    expect(summarise([3]).sd).toBeNaN();
  });

  test("quantile interpolates as numpy does", () => {
    expect([0, 0.25, 0.5, 1].map((q) => quantile([1, 2, 4, 8], q))).toEqual([1, 1.75, 3, 8]);
  });

  test("rejects no values", () => {
    expect(() => mean([])).toThrow("mean: needs at least one value");
  });
});

describe("bootstrapInterval", () => {
  test("covers the true mean about as often as it says", () => {
    const rng = new HostRandom(11);
    const runs = 300;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      const values = Float64Array.from({ length: 50 }, () => 3 + rng.normal());
      const { low, high } = bootstrapInterval(values, rng, { resamples: 400 });
      if (low <= 3 && 3 <= high) covered++;
    }
    // Percentile intervals of 50 values cover about 93.5 %; three standard errors of 300 runs are 4.3 points.
    expect(covered / runs).toBeGreaterThan(0.885);
    expect(covered / runs).toBeLessThan(0.985);
  });

  test("has the width of the normal interval on many values", () => {
    const rng = new HostRandom(5);
    const values = Float64Array.from({ length: 400 }, () => rng.normal());
    const { low, high } = bootstrapInterval(values, rng);
    expect((high - low) / ((2 * 1.96 * summarise(values).sd) / 20)).toBeCloseTo(1, 1);
  });

  test("is the same for the same seed, and a point for constant values", () => {
    const values = [0, 0, 1, 0.5, 0.25, 1];
    const once = bootstrapInterval(values, new HostRandom(1));
    expect(bootstrapInterval(values, new HostRandom(1))).toEqual(once);
    expect(bootstrapInterval(values, new HostRandom(2), { resamples: 99 })).not.toEqual(once);
    expect(bootstrapInterval([1, 1, 1], new HostRandom(1))).toEqual({ low: 1, high: 1 });
  });

  test.each([
    { options: { level: 1 }, text: "level must lie between 0 and 1, got 1" },
    { options: { resamples: 0 }, text: "resamples must be at least 1, got 0" },
  ])("rejects $options", ({ options, text }) => {
    expect(() => bootstrapInterval([1], new HostRandom(0), options)).toThrow(text);
  });
});

describe("permutationTest", () => {
  const pValue = (amount: number, seed: number, groups?: number[]) => {
    const seen = noiseImages(20, 6, 6, 1, seed);
    const made = blend(seen, noiseImages(20, 6, 6, 1, seed + 1000), amount);
    const sets = candidateSets(20, groups === undefined ? {} : { groups });
    const scores = pairingScores(correlationMatrix(made, seen), sets, 2);
    return permutationTest(scores, sets, new HostRandom(seed), 500).pValue;
  };

  test("is the smallest possible for good reconstructions", () => {
    expect(pValue(0.3, 1)).toBe(1 / 501);
    expect(
      pValue(
        0.3,
        1,
        Array.from({ length: 20 }, (_, i) => i % 4),
      ),
    ).toBe(1 / 501);
  });

  test("is uniform when reconstructions have nothing to do with the images", () => {
    const pValues = Array.from({ length: 60 }, (_, seed) => pValue(1, seed + 50));
    expect(Math.abs(mean(pValues) - 0.5)).toBeLessThan(3 * Math.sqrt(1 / 12 / 60));
    expect(pValues.filter((p) => p <= 0.05).length).toBeLessThan(10);
  });

  test("agrees with all 4! pairings", () => {
    const table = [0.9, 0.1, 0.4, 0.3, 0.2, 0.5, 0.6, 0.1, 0.7, 0.2, 0.3, 0.8, 0.1, 0.9, 0.2, 0.4];
    const sets = candidateSets(4);
    let asGood = 0;
    const orders = [0, 1, 2, 3].flatMap((a) =>
      [0, 1, 2, 3].flatMap((b) => [0, 1, 2, 3].map((c) => [a, b, c, 6 - a - b - c])),
    );
    const permutations = orders.filter(
      (order) => new Set(order).size === 4 && order.every((value) => value >= 0 && value < 4),
    );
    const total = (order: number[]) => order.reduce((sum, truth, i) => sum + table[4 * i + truth]!, 0);
    for (const order of permutations) if (total(order) >= total([0, 1, 2, 3]) - 1e-9) asGood++;
    expect(permutations.length).toBe(24);
    const exact = permutationTest(Float64Array.from(table), sets, new HostRandom(3));
    expect(exact).toEqual({ pValue: asGood / 24, method: "exact", pairings: 24 });
    const sampled = permutationTest(Float64Array.from(table), sets, new HostRandom(3), 23);
    expect(sampled).toMatchObject({ method: "sampled", pairings: 23 });
  });

  test("agrees with all 3! x 2! pairings of two sets, and sampling agrees with both", () => {
    const rng = new HostRandom(8);
    const table = Float64Array.from({ length: 25 }, () => rng.uniform());
    const sets = candidateSets(5, { groups: ["a", "b", "a", "b", "a"] });
    const at = (i: number, t: number) => table[5 * i + t]!;
    const threes = [
      [0, 2, 4],
      [0, 4, 2],
      [2, 0, 4],
      [2, 4, 0],
      [4, 0, 2],
      [4, 2, 0],
    ];
    const totals = threes.flatMap(([a, b, c]) =>
      [
        [1, 3],
        [3, 1],
      ].map(([d, e]) => at(0, a!) + at(2, b!) + at(4, c!) + at(1, d!) + at(3, e!)),
    );
    const asGood = totals.filter((total) => total >= totals[0]! - 1e-9).length;
    expect(permutationTest(table, sets, new HostRandom(3)).pValue).toBe(asGood / 12);
    // Seven images have 5,040 pairings, eight 40,320: above the default of 10,000 they are sampled.
    const seven = Float64Array.from({ length: 49 }, (_, i) => (i % 8 === 0 ? 0.7 : rng.uniform()));
    const exact = permutationTest(seven, candidateSets(7), new HostRandom(4));
    const sampled = permutationTest(seven, candidateSets(7), new HostRandom(4), 5039);
    expect([exact.method, exact.pairings, sampled.method]).toEqual(["exact", 5040, "sampled"]);
    expect(Math.abs(exact.pValue - sampled.pValue)).toBeLessThan(4 * Math.sqrt(0.25 / 5039));
  });

  test("rejects a table of another size", () => {
    expect(() => permutationTest(new Float64Array(5), candidateSets(2), new HostRandom(1))).toThrow(
      "got 5 for 2 images",
    );
  });
});

describe("wilcoxonSignedRank", () => {
  test.each(golden.wilcoxon)("as scipy: $name", ({ differences, method, pValues }) => {
    for (const alternative of ["two-sided", "greater", "less"] as const) {
      const result = wilcoxonSignedRank(differences, alternative);
      expect(result.method).toBe(method === "exact" ? "exact" : "normal");
      expect(Math.abs(result.pValue / pValues[alternative] - 1)).toBeLessThan(1e-6);
    }
  });

  // Critical values of W = min(W+, W-), two-sided alpha 0.05: n = 6: 0, 8: 3, 10: 8, 15: 25, 20: 52, 30: 137.
  test.each([
    { n: 6, critical: 0 },
    { n: 8, critical: 3 },
    { n: 10, critical: 8 },
    { n: 15, critical: 25 },
    { n: 20, critical: 52 },
    { n: 30, critical: 137 },
  ])("as the printed table: n = $n", ({ n, critical }) => {
    const withSum = (sum: number) => {
      let left = sum;
      const differences: number[] = [];
      for (let rank = n; rank >= 1; rank--) {
        const positive = rank <= left;
        differences.push(positive ? rank : -rank);
        if (positive) left -= rank;
      }
      const result = wilcoxonSignedRank(differences);
      expect(result.statistic).toBe(sum);
      return result.pValue;
    };
    expect(withSum(critical)).toBeLessThanOrEqual(0.05);
    expect(withSum(critical + 1)).toBeGreaterThan(0.05);
  });

  test("ties: all signs of equal differences are a sign test", () => {
    expect(wilcoxonSignedRank([1, 1, 1, 1, 1, -1], "greater").pValue).toBeCloseTo(7 / 64, 14);
  });

  test("leaves out equal pairs", () => {
    expect(wilcoxonSignedRank([0, 0, 3, -1, 2])).toEqual(wilcoxonSignedRank([3, -1, 2]));
    expect(wilcoxonSignedRank([0, 0])).toEqual({ n: 0, statistic: 0, pValue: 1, method: "exact" });
  });

  test("rejects NaN", () => {
    expect(() => wilcoxonSignedRank([1, Number.NaN])).toThrow("got NaN");
  });
});

test("holm adjusts in order and never past 1", () => {
  expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});
