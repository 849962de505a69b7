import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { avgPool2d } from "../../src/tensor/ops/avg-pool2d.js";
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
      const expected = avgPoolReference(await x.data(), shape, windowOf(options), countIncludePad, () => g);
      expect(y.shape).toEqual(expected.shape);
      expectClose(await y.data(), expected.values, tolerance);
      const gradient = backward(y, { gradOutput }).of(x);
      expectClose(await gradient.data(), expected.gradient, tolerance, "gradient");
    });
  });

  test("gradient, and the gradient of the gradient", async () => {
    const options = { kernelSize: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false };
    const x = randomTensor(device, [2, 4, 5, 3], 6, [-1, 1], { requiresGrad: true });
    await gradcheck((t) => avgPool2d(t, options), [x]);
    await checkSecond(x, (t) => avgPool2d(t, options));
  });

  test("rejects what does not fit", () => {
    expectRejections("avgPool2d", avgPool2d);
  });
});
