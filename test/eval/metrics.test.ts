import { describe, expect, test } from "vitest";
import { meanSquaredError, pearson, pixelCorrelation } from "../../src/eval/metrics.js";
import { luma, ssim } from "../../src/eval/ssim.js";
import { decodeImage, golden, images, noiseImages } from "./helpers.js";

// Both sides work in float64 on the same float32 pixels; only the order of sums differs.
const TOLERANCE = 1e-12;

describe("metrics against scikit-image", () => {
  test.each(golden.images)("$name", (row) => {
    const reconstruction = decodeImage(row.reconstruction, row);
    const stimulus = decodeImage(row.stimulus, row);
    expect(Math.abs(ssim(reconstruction, stimulus)[0]! - row.ssim)).toBeLessThan(TOLERANCE);
    expect(Math.abs(meanSquaredError(reconstruction, stimulus)[0]! - row.mse)).toBeLessThan(TOLERANCE);
    const correlation = pixelCorrelation(reconstruction, stimulus)[0]!;
    if (row.pearson === null) expect(correlation).toBeNaN();
    else expect(Math.abs(correlation - row.pearson)).toBeLessThan(TOLERANCE);
  });
});

describe("pearson", () => {
  test.each([
    { name: "same", x: [1, 2, 4], y: [1, 2, 4], r: 1 },
    { name: "scaled and shifted", x: [1, 2, 4], y: [7, 9, 13], r: 1 },
    { name: "reversed sign", x: [1, 2, 4], y: [-1, -2, -4], r: -1 },
    { name: "orthogonal", x: [1, -1, 1, -1], y: [1, 1, -1, -1], r: 0 },
    { name: "by hand", x: [1, 2, 3], y: [1, 3, 2], r: 0.5 },
    { name: "nearly flat", x: [1e8, 1e8 + 1, 1e8 + 2], y: [1, 2, 3], r: 1 },
  ])("$name", ({ x, y, r }) => {
    expect(pearson(x, y)).toBeCloseTo(r, 14);
    expect(Math.abs(pearson(x, y))).toBeLessThanOrEqual(1);
  });

  test.each([
    { name: "constant whose mean rounds", x: new Array<number>(7).fill(0.1), y: [1, 2, 3, 4, 5, 6, 7] },
    { name: "constant second", x: [1, 2, 3], y: [5, 5, 5] },
    { name: "empty", x: [], y: [] },
    { name: "one value", x: [3], y: [4] },
  ])("is NaN: $name", ({ x, y }) => {
    expect(pearson(x, y)).toBeNaN();
  });

  test("rejects vectors of two lengths", () => {
    expect(() => pearson([1, 2], [1, 2, 3])).toThrow("pearson: vectors must have one length, got 2 and 3");
  });
});

describe("metrics reject", () => {
  const two = noiseImages(2, 3, 4, 1, 1);
  test("another count", () => {
    expect(() => pixelCorrelation(noiseImages(3, 3, 4, 1, 1), two)).toThrow(
      "got 3 and 2\n  reconstructions NHWC [3, 3, 4, 1]",
    );
  });
  test("another size", () => {
    expect(() => meanSquaredError(noiseImages(2, 4, 3, 1, 1), two)).toThrow("one size and number of channels");
  });
  test("no images", () => {
    expect(() => meanSquaredError(noiseImages(0, 4, 3, 1, 1), noiseImages(0, 4, 3, 1, 1))).toThrow("at least one");
  });
  test("pixels that do not fill the shape", () => {
    expect(() => meanSquaredError({ ...two, pixels: two.pixels.subarray(1) }, two)).toThrow("got 23");
  });
  test("a NaN pixel, naming its image", () => {
    const pixels = two.pixels.slice();
    pixels[13] = Number.NaN;
    expect(() => pixelCorrelation({ ...two, pixels }, two)).toThrow("every pixel must be finite, got NaN in image 1");
  });
  test("images smaller than the SSIM window", () => {
    expect(() => ssim(two, two)).toThrow("at least 11 x 11 pixels, got 3 x 4");
  });
  test("two channels as luma", () => {
    expect(() => luma([1, 2], 2)).toThrow("needs 1 or 3 channels, got 2");
  });
});

test("luma of white is 1", () => {
  expect(luma(images([[1, 1, 1]], 1, 1, 3).pixels, 3)[0]).toBeCloseTo(1, 14);
});
