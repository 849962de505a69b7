import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { type MaxPool2dOptions, maxPool2d } from "../../src/tensor/ops/max-pool2d.js";
import { full, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { checkSecond, expectRejections, poolCases, windowOf } from "../pool.js";
import { maxPoolReference } from "../reference/max-pool2d.js";

const device = await testDevice();

/** Values are exact; a gradient adds up at most 16 terms here. */
const tolerance = 1e-6;

const dilated = [
  { shape: [2, 9, 7, 3], options: { kernelSize: [3, 2], stride: 2, padding: 1, dilation: [2, 3] } },
  { shape: [1, 8, 6, 4], options: { kernelSize: 2, stride: 1, padding: 1, dilation: 3, ceilMode: true } },
  { shape: [2, 7, 6, 3], options: { kernelSize: [2, 3], stride: [1, 2], padding: "same", dilation: [3, 2] } },
] as const;

describe("maxPool2d", () => {
  test.each<{ shape: readonly number[]; options: MaxPool2dOptions }>([...poolCases, ...dilated])(
    "forward and gradient: $shape $options",
    async ({ shape, options }) => {
      const x = randomTensor(device, shape, 3, [-2, -1], { requiresGrad: true });
      const y = maxPool2d(x, options);
      const expected = maxPoolReference(await x.data(), shape, windowOf(options, shape));
      expect(y.shape).toEqual(expected.shape);
      expectClose(await y.data(), expected.values, 0);
      expectClose(await device.noGrad(() => maxPool2d(x, options)).data(), expected.values, 0, "without indices");
      const gradOutput = randomTensor(device, y.shape, 4);
      const gradient = backward(y, { gradOutput }).of(x);
      const g = await gradOutput.data();
      const expectedGradient = new Float64Array(x.size);
      expected.winners.forEach((from, to) => {
        expectedGradient[from]! += g[to]!;
      });
      expectClose(await gradient.data(), expectedGradient, tolerance, "gradient");
    },
  );

  test.each([1, 4])("among equals the first in row-major order gets the gradient, %i channels", async (C) => {
    const x = full(device, [1, 3, 3, C], 5, { requiresGrad: true });
    const y = maxPool2d(x, { kernelSize: 3, stride: 1, padding: 1 });
    const gradient = await backward(y, { gradOutput: full(device, y.shape, 1) })
      .of(x)
      .data();
    // The first valid element of the nine windows: a corner for four of them, and so on.
    const plane = [4, 2, 0, 2, 1, 0, 0, 0, 0];
    expect([...gradient]).toEqual(plane.flatMap((value) => new Array<number>(C).fill(value)));
  });

  test("the lowest float wins over padding, and NaN over everything", async () => {
    const lowest = -3.4028234663852886e38;
    const x = tensor(device, [lowest, Number.NaN, 1, Number.POSITIVE_INFINITY, lowest, lowest], [1, 1, 6, 1], {
      requiresGrad: true,
    });
    const y = maxPool2d(x, { kernelSize: [3, 2], stride: [1, 1], padding: [1, 1] });
    expectClose(
      await y.data(),
      [lowest, Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, lowest, lowest],
      0,
    );
    const gradient = await backward(y, { gradOutput: full(device, y.shape, 1) })
      .of(x)
      .data();
    expect([...gradient]).toEqual([1, 2, 0, 2, 1, 1]);
    const wide = tensor(device, [1, Number.NaN, 3, 4, 5, 6, Number.NaN, 2], [1, 2, 1, 4]);
    expectClose(await maxPool2d(wide, { kernelSize: [2, 1] }).data(), [5, Number.NaN, Number.NaN, 4], 0);
  });

  test("gradient, and the gradient of the gradient", async () => {
    // Distinct values 0.2 apart, so that the differences change no winner.
    const order = uniform(72, 5).map((_, i) => ((i * 31) % 72) * 0.2);
    const x = tensor(device, order, [2, 4, 3, 3], { requiresGrad: true });
    const options = { kernelSize: 2, stride: 1, padding: 1 };
    await gradcheck((t) => maxPool2d(t, options), [x]);
    await checkSecond(x, (t) => maxPool2d(t, options));
  });

  test("rejects what does not fit", () => {
    expectRejections("maxPool2d", maxPool2d);
    expect(() => maxPool2d(full(device, [1, 1, 5, 2], 0), { kernelSize: 2, padding: 1, dilation: 2 })).toThrow(
      "maxPool2d: every window must hold an element of the input, got one that holds none (kernel 2 x 2, padding 1 x 1, dilation 2 x 2)\n  x NHWC [1, 1, 5, 2]",
    );
  });
});
