import { describe, expect, test } from "vitest";
import { type InstanceNormOptions, instanceNorm } from "../../src/tensor/ops/instance-norm.js";
import { full, type Tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import {
  checkLargeMean,
  checkNorm,
  checkNormDerivatives,
  checkSameGradient,
  normInputs,
  tolerance,
} from "../group-norm.js";
import { batchNormReference } from "../reference/batch-norm2d.js";
import { normalise } from "../reference/group-norm.js";

const device = await testDevice();

describe("instanceNorm", () => {
  test.each(
    [
      [2, 5, 7, 3],
      [2, 3, 4, 8],
      [3, 11, 5],
      [1, 67, 61, 1],
      [2, 2, 1, 4],
    ].map((shape) => ({ shape })),
  )("forward and gradients: $shape", async ({ shape }) => {
    const C = shape.at(-1)!;
    const sizes = { N: shape[0]!, P: shape.slice(1, -1).reduce((a, b) => a * b, 1), G: C, D: 1 };
    await checkNorm((x, w, b) => instanceNorm(x, w, b), shape, [C], sizes, 1e-5);
  });
  test("gradients against differences, and second derivatives", async () => {
    await checkNormDerivatives((x, w, b) => instanceNorm(x, w, b, { eps: 1e-2 }), [2, 2, 3, 2], [2]);
    await checkSameGradient((x, w, b) => instanceNorm(x, w, b), [2, 3, 3, 2], [2]);
  });
  test("a large mean is no danger", async () => {
    await checkLargeMean((x) => instanceNorm(x), [2, 61, 67, 3], { N: 2, P: 61 * 67, G: 3, D: 1 }, 1e-5);
  });
  test("running statistics over three steps", async () => {
    const [N, P, C] = [3, 10, 4];
    const running = { runningMean: full(device, [C], 0), runningVar: full(device, [C], 1) };
    const mean = new Float64Array(C).fill(0);
    const variance = new Float64Array(C).fill(1);
    for (let step = 0; step < 3; step++) {
      const x = randomTensor(device, [N, 2, 5, C], step, [0, 5]);
      instanceNorm(x, null, null, { ...running, momentum: 0.3 });
      const own = normalise(await x.data(), { N, P, G: C, D: 1 }, 0);
      for (let c = 0; c < C; c++) {
        const average = (values: Float64Array) => (values[c]! + values[C + c]! + values[2 * C + c]!) / 3;
        mean[c] = 0.7 * mean[c]! + 0.3 * average(own.mean);
        variance[c] = 0.7 * variance[c]! + (0.3 * average(own.variance) * P) / (P - 1);
      }
    }
    expectClose(await running.runningMean.data(), mean, tolerance);
    expectClose(await running.runningVar.data(), variance, tolerance);
    expect(running.runningVar.storage.version).toBe(3);
  });
  test("in mode eval it normalises with given statistics, one pixel or many", async () => {
    for (const shape of [
      [2, 3, 5, 4],
      [3, 1, 1, 4],
    ]) {
      const { x, weight, bias } = normInputs(shape, [4]);
      const [runningMean, runningVar] = [randomTensor(device, [4], 8), randomTensor(device, [4], 9, [1, 2])];
      const y = instanceNorm(x, weight, bias, { mode: "eval", runningMean, runningVar, eps: 1e-3 });
      const [a, b, c, mean, variance] = await Promise.all(
        [x, weight, bias, runningMean, runningVar].map((tensor) => tensor.data()),
      );
      const expected = batchNormReference(a!, b!, c!, { mean: mean!, variance: variance! }, 1e-3);
      expectClose(await y.data(), expected, tolerance);
    }
  });
  test("no images leave the running statistics as they are", async () => {
    const running = { runningMean: full(device, [2], 4), runningVar: full(device, [2], 5) };
    expect(instanceNorm(full(device, [0, 3, 2, 2], 1), null, null, running).shape).toEqual([0, 3, 2, 2]);
    expect([...(await running.runningMean.data())]).toEqual([4, 4]);
  });
  test("rejects what does not fit", () => {
    const x = full(device, [2, 3, 5, 4], 1);
    const [four, three] = [full(device, [4], 1), full(device, [3], 1)];
    const of = (tensor: Tensor, options: InstanceNormOptions, text: string) =>
      expect(() => instanceNorm(tensor, null, null, options)).toThrow(`instanceNorm: ${text}`);
    of(full(device, [2, 4], 1), {}, "x must have at least 3 axes, images first and channels last, got 2\n  x [2, 4]");
    of(full(device, [2, 1, 1, 4], 1), {}, "needs more than one pixel an image, got 1\n  x [2, 1, 1, 4]");
    of(x, { runningMean: four }, "runningMean and runningVar must be given together, got only one");
    of(x, { runningMean: four, runningVar: three }, "runningVar must have one element for each channel, [4], got [3]");
    of(
      x,
      { runningMean: full(device, [4], 1, { dtype: "i32" }), runningVar: four },
      "runningMean must be f32, got i32",
    );
    expect(() => instanceNorm(x, three)).toThrow("instanceNorm: weight must have the shape [4], got [3]");
    expect(() => instanceNorm(null as unknown as Tensor)).toThrow("instanceNorm: x must be a tensor, got null");
  });
});
