import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { avgPool2d } from "../../src/tensor/ops/avg-pool2d.js";
import { full } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { checkSecond, expectRejections, poolCases, windowOf } from "../pool.js";
import { avgPoolReference } from "../reference/avg-pool2d.js";

const device = await testDevice();

/** A rounding for each of at most 49 terms, added up in two levels. */
const tolerance = 1e-6;

describe("avgPool2d", () => {
  describe.each([true, false])("countIncludePad %s", (countIncludePad) => {
    test.each(poolCases)("forward and gradient: $shape $options", async ({ shape, options }) => {
      const x = randomTensor(device, shape, 3, [-1, 2], { requiresGrad: true });
      const y = avgPool2d(x, { ...options, countIncludePad });
      const gradOutput = randomTensor(device, y.shape, 4);
      const g = await gradOutput.data();
      const expected = avgPoolReference(await x.data(), shape, windowOf(options, shape), countIncludePad, () => g);
      expect(y.shape).toEqual(expected.shape);
      expectClose(await y.data(), expected.values, tolerance);
      const gradient = backward(y, { gradOutput }).of(x);
      expectClose(await gradient.data(), expected.gradient, tolerance, "gradient");
    });
  });

  test.each([3, -2])("divisorOverride %i", async (divisorOverride) => {
    const options = { kernelSize: 3, stride: 2, padding: 1, ceilMode: true };
    const shape = [2, 6, 5, 4];
    const x = randomTensor(device, shape, 3, [-1, 2], { requiresGrad: true });
    const y = avgPool2d(x, { ...options, divisorOverride });
    const g = randomTensor(device, y.shape, 4);
    const window = windowOf(options, shape);
    const gradient = await g.data();
    const expected = avgPoolReference(await x.data(), shape, window, true, () => gradient, divisorOverride);
    expectClose(await y.data(), expected.values, tolerance);
    expectClose(await backward(y, { gradOutput: g }).of(x).data(), expected.gradient, tolerance, "gradient");
  });

  test("with padding same, what is not in the input does not count unless asked", async () => {
    const x = full(device, [1, 3, 3, 1], 1);
    const options = { kernelSize: 2, stride: 1, padding: "same" } as const;
    expectClose(await avgPool2d(x, options).data(), new Array(9).fill(1), tolerance);
    const counted = await avgPool2d(x, { ...options, countIncludePad: true }).data();
    expectClose(counted, [1, 1, 0.5, 1, 1, 0.5, 0.5, 0.5, 0.25], tolerance);
  });

  test("gradient, and the gradient of the gradient", async () => {
    const options = { kernelSize: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false };
    const x = randomTensor(device, [2, 4, 5, 3], 6, [-1, 1], { requiresGrad: true });
    await gradcheck((t) => avgPool2d(t, options), [x]);
    await checkSecond(x, (t) => avgPool2d(t, options));
  });

  test("rejects what does not fit", () => {
    expectRejections("avgPool2d", avgPool2d);
    for (const divisorOverride of [0, 1.5])
      expect(() => avgPool2d(full(device, [1, 2, 2, 1], 0), { kernelSize: 2, divisorOverride })).toThrow(
        `avgPool2d: divisorOverride must be a whole number other than 0, got ${divisorOverride}`,
      );
  });
});
