import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { rmsNorm } from "../../src/tensor/ops/rms-norm.js";
import { full } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();

describe("rmsNorm", () => {
  test.each<{ shape: number[]; last: number }>([
    { shape: [5, 7], last: 1 },
    { shape: [2, 3, 67], last: 1 },
    { shape: [3, 4, 5], last: 2 },
    { shape: [1, 1], last: 1 },
    { shape: [0, 4], last: 1 },
  ])("forward: the last $last of $shape", async ({ shape, last }) => {
    const trailing = shape.slice(-last);
    const length = trailing.reduce((a, b) => a * b, 1);
    const x = randomTensor(device, shape, 1, [-2, 3]);
    const weight = randomTensor(device, trailing, 2);
    const y = rmsNorm(x, weight, { eps: 1e-3 });
    const [a, w] = [await x.data(), await weight.data()];
    const expected = Float64Array.from(a, (value, i) => {
      const start = Math.floor(i / length) * length;
      const row = Array.from(a.slice(start, start + length));
      const power = row.reduce((total, v) => total + v * v, 0) / length;
      return (value * w[i % length]!) / Math.sqrt(power + 1e-3);
    });
    expectClose(await y.data(), expected, 2e-6);
    expect(y.shape).toEqual(shape);
  });
  test("gradients against differences, and second derivatives", async () => {
    const inputs = [randomTensor(device, [3, 5], 1), randomTensor(device, [5], 2)];
    await gradcheck((x, w) => rmsNorm(x!, w!), inputs);
    await checkSecondGradient((x, w) => rmsNorm(x!, w!, { eps: 1e-2 }), inputs);
  });
  test("without a weight it is 1, and eps is f32's rounding unit", async () => {
    const x = full(device, [1, 2], 2 ** -12, { requiresGrad: true });
    const y = rmsNorm(x);
    const expected = 2 ** -12 / Math.sqrt(2 ** -24 + 2 ** -23);
    expectClose(await y.data(), [expected, expected], 1e-6);
    expect(backward(y, { gradOutput: full(device, [1, 2], 1) }).of(x).shape).toEqual([1, 2]);
  });
  test("rejects what does not fit", () => {
    const x = full(device, [2, 3, 5], 1);
    expect(() => rmsNorm(x, null, { shape: [3] })).toThrow(
      "rmsNorm: x must end with the shape that is normalised, [3], got [2, 3, 5]\n  x [2, 3, 5]",
    );
    expect(() => rmsNorm(x, full(device, [5], 1), { shape: [3, 5] })).toThrow(
      "rmsNorm: weight must have the shape [3, 5], got [5]\n  x      [2, 3, 5]\n  weight [5]",
    );
  });
});
