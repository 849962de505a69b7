import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { type LocalResponseNormOptions, localResponseNorm } from "../../src/tensor/ops/local-response-norm.js";
import { full } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";

const device = await testDevice();

describe("localResponseNorm", () => {
  test.each<{ shape: number[]; options: LocalResponseNormOptions }>([
    { shape: [2, 3, 5, 7], options: { size: 5 } },
    { shape: [2, 4, 6], options: { size: 4, alpha: 0.5, beta: 1.25, k: 2 } },
    { shape: [3, 2], options: { size: 7, alpha: 1 } },
    { shape: [5], options: { size: 1, alpha: 3, beta: 0.5 } },
    { shape: [0, 4], options: { size: 2 } },
  ])("forward: $shape $options", async ({ shape, options }) => {
    const { size, alpha = 1e-4, beta = 0.75, k = 1 } = options;
    const x = randomTensor(device, shape, 1, [-3, 3]);
    const values = await x.data();
    const C = shape.at(-1)!;
    const expected = Float64Array.from(values, (value, i) => {
      let squares = 0;
      for (let d = (i % C) - Math.floor(size / 2); d <= (i % C) + Math.floor((size - 1) / 2); d++)
        if (d >= 0 && d < C) squares += values[i - (i % C) + d]! ** 2;
      return value / (k + (alpha * squares) / size) ** beta;
    });
    const y = localResponseNorm(x, options);
    expect(y.shape).toEqual(shape);
    expectClose(await y.data(), expected, 4e-6);
  });
  test("gradient against differences", async () => {
    const options = { size: 3, alpha: 0.7, beta: 0.75, k: 1 };
    await gradcheck((x) => localResponseNorm(x!, options), [randomTensor(device, [2, 3, 5], 1)]);
  });
  test("rejects what has no answer", () => {
    expect(() => localResponseNorm(full(device, [2, 3], 1), { size: 0 })).toThrow(
      "localResponseNorm: size must be whole and at least 1, got 0\n  x [2, 3]",
    );
    expect(() => localResponseNorm(full(device, [], 1), { size: 1 })).toThrow(
      "localResponseNorm: x must have at least 1 axis, channels last, got 0\n  x []",
    );
  });
});
