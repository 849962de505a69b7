import { describe, expect, test } from "vitest";
import { evaluate, formatTable } from "../../src/eval/evaluate.js";
import { identify } from "../../src/eval/identification.js";
import { pixelCorrelation } from "../../src/eval/metrics.js";
import { mean } from "../../src/eval/statistics.js";
import { textTable } from "../../src/eval/table.js";
import { blend, noiseImages } from "./helpers.js";

const quick = { resamples: 300, permutations: 300 };
const seen = noiseImages(12, 13, 11, 3, 1);
const made = blend(seen, noiseImages(12, 13, 11, 3, 2), 0.8);

describe("evaluate", () => {
  test("reports the scores of its parts, per image and in the mean", () => {
    const labels = Array.from({ length: 12 }, (_, i) => `picture ${i}`);
    const result = evaluate(made, seen, { ...quick, labels });
    const five = identify(made, seen).ways[1]!;
    expect(result.identification[5]!.mean).toBe(five.mean);
    expect(result.images.map((image) => image.identification[5])).toEqual([...five.perImage!]);
    expect(result.pixelCorrelation.mean).toBe(mean(pixelCorrelation(made, seen)));
    expect(result.images[3]!.label).toBe("picture 3");
    expect(Object.keys(result.identification)).toEqual(["2", "5", "10"]);
    expect(result.distractors).toEqual({ least: 11, most: 11 });
    for (const { mean: centre, interval, pValue } of Object.values(result.identification)) {
      expect(interval!.low).toBeLessThanOrEqual(centre!);
      expect(interval!.high).toBeGreaterThanOrEqual(centre!);
      expect(pValue).toBeLessThan(0.05);
    }
  });

  test("survives JSON unchanged, and repeats with its seed", () => {
    const result = evaluate(made, seen, { ...quick, seed: 5 });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(evaluate(made, seen, { ...quick, seed: 5 })).toEqual(result);
    expect(evaluate(made, seen, { ...quick, seed: 6 })).not.toEqual(result);
  });

  test("undefined scores are null with a reason, and count against the mean", () => {
    const small = noiseImages(4, 5, 6, 1, 3);
    const pixels = small.pixels.slice();
    pixels.fill(0.25, 0, 30);
    const result = evaluate({ ...small, pixels }, small, quick);
    expect(result.images[0]).toMatchObject({
      pixelCorrelation: null,
      ssim: null,
      identification: { 2: 0, 5: null, 10: null },
    });
    expect(result.pixelCorrelation.mean).toBeCloseTo(0.75, 12);
    expect(result.undefinedCorrelations).toBe(1);
    expect(result.ssim).toBeNull();
    expect(result.identification[10]).toMatchObject({
      mean: null,
      interval: null,
      pValue: null,
      pMethod: null,
      chance: 0.1,
    });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  test("groups restrict distractors", () => {
    const groups = Array.from({ length: 12 }, (_, i) => i % 3);
    const result = evaluate(made, seen, { ...quick, groups, ways: [2, 4] });
    expect(result.distractors).toEqual({ least: 3, most: 3 });
    expect(result.identification[4]!.mean).toBe(identify(made, seen, { ways: [4], groups }).ways[0]!.mean);
  });

  test("rejects labels of another length", () => {
    expect(() => evaluate(made, seen, { labels: ["a"] })).toThrow(
      "evaluate: labels needs one entry per image, got 1 for 12 images",
    );
  });
});

describe("formatTable", () => {
  test("aligns accuracy, interval, chance and p", () => {
    const lines = formatTable(evaluate(made, seen, { ...quick, ways: [2, 20] })).split("\n");
    expect(lines[0]).toBe("12 images, 13 x 11 x 3, 11 distractors each");
    expect(lines[1]).toMatch(/^ {20,}mean {2,}95 % interval {2}chance {2,}p$/);
    expect(lines[2]).toMatch(/^2-way +\d+\.\d % +\d+\.\d to \d+\.\d % {2}50\.0 % {2}0\.\d{4}$/);
    expect(lines[3]).toMatch(/^20-way +- +- +5\.0 % +-$/);
    expect(lines.at(-1)).toBe("20-way not computed: needs 20 candidates, and image 0 has 12 with itself.");
    const end = lines[1]!.length;
    expect(lines.slice(2, 4).map((line) => line.length)).toEqual([end, end]);
  });

  test("says what is undefined", () => {
    const small = noiseImages(3, 4, 4, 1, 3);
    const grey = { ...small, pixels: small.pixels.map(() => 0.5) };
    const text = formatTable(evaluate(grey, small, { ...quick, ways: [2] }));
    expect(text).toContain("SSIM not computed: images are smaller than 11 x 11 pixels.");
    expect(text).toContain("3 of 3 correlations are undefined (a constant image) and count as 0.");
  });
});

test("textTable aligns columns, counting characters", () => {
  const rows = [["naïve 🦊", "1"], ["b", "10", "end"], ["c"]];
  expect(textTable(rows, ["left", "right"])).toBe("naïve 🦊   1\nb        10  end\nc");
  expect(textTable([])).toBe("");
});
