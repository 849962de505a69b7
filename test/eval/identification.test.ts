import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectImages } from "../../src/data/dataset.js";
import type { TiePolicy } from "../../src/eval/identification.js";
import {
  correlationMatrix,
  identificationProbability,
  identify,
  pairingScores,
} from "../../src/eval/identification.js";
import { pearson } from "../../src/eval/metrics.js";
import { blend, images, noiseImages } from "./helpers.js";

/** All subsets of `size` of `items`. */
function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));
}

/** The score of one trial: is the truth picked out of these? */
function trial(own: number, others: readonly number[], ties: TiePolicy): number {
  if (Number.isNaN(own)) return 0;
  const defined = others.filter((other) => !Number.isNaN(other));
  if (defined.some((other) => other > own)) return 0;
  const tied = defined.filter((other) => other === own).length;
  if (tied === 0) return 1;
  return { wrong: 0, right: 1, split: 1 / (tied + 1) }[ties];
}

/** Enumerates every set of distractors. */
function bruteForce(own: number, others: readonly number[], n: number, ties: TiePolicy): number {
  const sets = subsets(others, n - 1);
  return sets.reduce((sum, set) => sum + trial(own, set, ties), 0) / sets.length;
}

const policies: TiePolicy[] = ["wrong", "right", "split"];
// Few grey levels and four pixels, so that ties and constant images are common.
const pixel = fc.integer({ min: 0, max: 2 }).map((level) => level / 2);
const image = fc.array(pixel, { minLength: 4, maxLength: 4 });

describe("identify", () => {
  test("is the average over every set of distractors", () => {
    const property = fc.property(
      fc.array(fc.tuple(image, image, fc.integer({ min: 0, max: 1 })), { minLength: 2, maxLength: 7 }),
      fc.constantFrom(...policies),
      fc.boolean(),
      (pairs, ties, grouped) => {
        const groups = pairs.map(([, , group]) => (grouped ? group : 0));
        const seen = pairs.map(([, stimulus]) => stimulus);
        const result = identify(
          images(
            pairs.map(([r]) => r),
            2,
            2,
          ),
          images(seen, 2, 2),
          { ways: [2, 3, 4, 5], groups, ties },
        );
        for (const { n, perImage } of result.ways) {
          const enough = groups.every((group) => groups.filter((other) => other === group).length >= n);
          expect(perImage !== null).toBe(enough);
          perImage?.forEach((score, i) => {
            const reconstruction = pairs[i]![0];
            // Equal correlations may differ in the last bits, and rounding decides no tie.
            const r = (j: number) => Math.round(pearson(reconstruction, seen[j]!) * 1e9) / 1e9;
            const others = groups.flatMap((group, j) => (j !== i && group === groups[i] ? [r(j)] : []));
            expect(score).toBeCloseTo(bruteForce(r(i), others, n, ties), 12);
          });
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test("perfect reconstructions score 1, inverted ones 0", () => {
    const seen = noiseImages(12, 5, 4, 3, 7);
    const inverted = { ...seen, pixels: seen.pixels.map((value) => 1 - value) };
    expect(identify(seen, seen).ways.map((way) => way.mean)).toEqual([1, 1, 1]);
    expect(identify(inverted, seen).ways.map((way) => way.mean)).toEqual([0, 0, 0]);
  });

  test("one reconstruction for all scores exactly chance when there are no ties", () => {
    const seen = noiseImages(13, 5, 4, 1, 3);
    const one = noiseImages(1, 5, 4, 1, 4).pixels;
    const same = images(
      Array.from({ length: 13 }, () => [...one]),
      5,
      4,
    );
    for (const { n, mean, chance } of identify(same, seen).ways) {
      expect(chance).toBe(1 / n);
      expect(mean).toBeCloseTo(1 / n, 12);
    }
  });

  test.each(policies)("a constant reconstruction identifies nothing (ties %s)", (ties) => {
    const seen = noiseImages(10, 5, 4, 1, 3);
    const grey = { ...seen, pixels: new Float32Array(seen.pixels.length).fill(0.1) };
    expect(identify(grey, seen, { ties }).ways.map((way) => way.mean)).toEqual([0, 0, 0]);
  });

  test("a constant distractor loses, a constant truth is never found", () => {
    const seen = images(
      [
        [0, 1, 1, 0],
        [0.5, 0.5, 0.5, 0.5],
      ],
      2,
      2,
    );
    const made = images(
      [
        [1, 0, 0, 1],
        [0, 1, 0, 0],
      ],
      2,
      2,
    );
    expect([...identify(made, seen, { ways: [2] }).ways[0]!.perImage!]).toEqual([1, 0]);
  });

  test("a duplicated stimulus is a tie", () => {
    const seen = images(
      [
        [0, 1, 0, 0],
        [0, 1, 0, 0],
      ],
      2,
      2,
    );
    const score = (ties: TiePolicy) => identify(seen, seen, { ways: [2], ties }).ways[0]!.mean;
    expect([score("wrong"), score("right"), score("split")]).toEqual([0, 1, 0.5]);
  });

  test("too few candidates give null and the reason, within the smallest group", () => {
    const seen = noiseImages(8, 5, 4, 1, 3);
    const [two, five, ten] = identify(seen, seen, { groups: ["a", "a", "a", "a", "a", "b", "b", "b"] }).ways;
    expect(two!.mean).toBe(1);
    expect(five).toEqual({
      n: 5,
      chance: 0.2,
      mean: null,
      perImage: null,
      reason: "needs 5 candidates, and image 5 has 3 with itself",
    });
    expect(ten!.reason).toContain("needs 10 candidates");
  });

  test("classes and groups restrict distractors together", () => {
    const seen = noiseImages(8, 5, 4, 1, 3);
    const groups = [0, 0, 0, 0, 1, 1, 1, 1];
    const classes = ["six", "nine", "six", "nine", "six", "nine", "six", "nine"];
    expect([...identify(seen, seen, { groups, classes }).distractors]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect([...identify(seen, seen, { classes }).distractors]).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
  });

  test("does not change when a reconstruction is scaled and shifted", () => {
    const seen = noiseImages(11, 6, 5, 1, 3);
    const made = blend(seen, noiseImages(11, 6, 5, 1, 9), 0.7);
    const dim = { ...made, pixels: made.pixels.map((value) => 0.25 * value + 0.5) };
    expect(identify(dim, seen).beaten).toEqual(identify(made, seen).beaten);
  });

  test.each([1, 0, 2.5, -2])("rejects ways: [%d]", (n) => {
    const seen = noiseImages(3, 2, 2, 1, 3);
    expect(() => identify(seen, seen, { ways: [n] })).toThrow(`whole numbers >= 2, got ${n}`);
  });

  test("rejects groups of another length", () => {
    const seen = noiseImages(3, 2, 2, 1, 3);
    expect(() => identify(seen, seen, { groups: [1, 2] })).toThrow(
      "groups needs one entry per image, got 2 for 3 images",
    );
  });
});

describe("identificationProbability", () => {
  test("stays exact for thousands of distractors", () => {
    // C(4999, 499) is far beyond a double; the expected value is from log-gamma.
    expect(Math.log10(identificationProbability({ beaten: 2499, tied: 0, distractors: 4999 }, 500))).toBeCloseTo(
      -162.27707589689865,
      9,
    );
    // n = N: only the best of all is right, C(w, w) / C(w, w).
    expect(identificationProbability({ beaten: 4999, tied: 0, distractors: 4999 }, 5000)).toBe(1);
    expect(identificationProbability({ beaten: 4998, tied: 0, distractors: 4999 }, 5000)).toBe(0);
  });

  test("split sums to chance when everything ties", () => {
    for (const n of [2, 5, 10, 40]) {
      expect(identificationProbability({ beaten: 0, tied: 49, distractors: 49 }, n, "split")).toBeCloseTo(1 / n, 12);
    }
  });

  test("rejects n beyond the candidates", () => {
    expect(() => identificationProbability({ beaten: 1, tied: 0, distractors: 3 }, 5)).toThrow(
      "from 2 to distractors + 1 = 4, got 5",
    );
  });
});

test("pairingScores hold what identify says of each pairing", () => {
  const seen = noiseImages(6, 4, 5, 1, 1);
  const made = blend(seen, noiseImages(6, 4, 5, 1, 2), 0.6);
  const { correlations, candidates, ways } = identify(made, seen, { ways: [3] });
  const scores = pairingScores(correlations, candidates, 3);
  expect(Array.from({ length: 6 }, (_, i) => scores[7 * i])).toEqual([...ways[0]!.perImage!]);
  // Shown in another order, the images are the candidates they were; only the truth of each reconstruction is another one.
  const order = [3, 0, 5, 1, 2, 4];
  const moved = identify(made, selectImages(seen, order), { ways: [3] }).ways[0]!.perImage!;
  order.forEach((truth, i) => {
    expect(scores[6 * i + truth]).toBe(moved[i]);
  });
});

test("correlationMatrix holds pearson of every pair", () => {
  const a = noiseImages(3, 4, 5, 3, 1);
  const b = noiseImages(3, 4, 5, 3, 2);
  const matrix = correlationMatrix(a, b);
  expect(matrix[1 * 3 + 2]).toBeCloseTo(pearson(a.pixels.subarray(60, 120), b.pixels.subarray(120, 180)), 14);
});
