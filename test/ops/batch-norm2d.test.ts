import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { type BatchNorm2dTrainOptions, batchNorm2d } from "../../src/tensor/ops/batch-norm2d.js";
import { mul, square } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { batchNormGradReference, batchNormReference, channelStatistics } from "../reference/batch-norm2d.js";

const device = await testDevice();

/** A few f32 roundings an output. */
const tolerance = 3e-6;
/** Of sums over rows, relative to the sum of the magnitudes: half a rounding of the mean, and about 300 terms a thread. */
const sumTolerance = 3e-7;
const eps = 1e-3;
const train: BatchNorm2dTrainOptions = { mode: "train", eps };

/** As `expectClose`, where what is rounded is of size `scale` and the expected values are what cancellation leaves of it. */
function expectCloseAtScale(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  scale: number,
  allowed: number,
  what: string,
): void {
  expectClose([...Array.from(actual), scale], [...Array.from(expected), scale], allowed, what);
}

/** Inputs with a different mean and spread in every channel. */
function inputs(shape: readonly number[]): { x: Tensor; weight: Tensor; bias: Tensor } {
  const C = shape.at(-1)!;
  const values = uniform(
    shape.reduce((a, b) => a * b, 1),
    7,
  ).map((v, i) => v * (1 + (i % C)) + (i % C) - 1.5);
  return {
    x: tensor(device, values, shape, { requiresGrad: true }),
    weight: randomTensor(device, [C], 1, [0.5, 2], { requiresGrad: true }),
    bias: randomTensor(device, [C], 2, [-1, 1], { requiresGrad: true }),
  };
}

const shapes = [
  [2, 5, 7, 3],
  [2, 5, 7, 4],
  [1, 1, 3, 5],
  [13, 6],
  [2, 9, 5],
  [3, 1, 1, 8],
  [1, 67, 601, 3],
  [2, 131, 127, 4],
  [5, 16, 33, 1],
  // Several channels a workgroup, the last one's not all there.
  [3, 11, 300],
  // More rows than a share has.
  [1, 1031, 1021, 1],
];

describe("batchNorm2d train", () => {
  test.each(shapes.map((shape) => ({ shape })))("forward and gradients: $shape", async ({ shape }) => {
    const { x, weight, bias } = inputs(shape);
    const y = batchNorm2d(x, weight, bias, train);
    const data = await Promise.all([x, weight, bias].map((t) => t.data()));
    const statistics = channelStatistics(data[0]!, weight.size);
    expectClose(await y.data(), batchNormReference(data[0]!, data[1]!, data[2]!, statistics, eps), tolerance);

    const gradOutput = randomTensor(device, shape, 4, [-1, 2]);
    const gradients = backward(y, { gradOutput });
    const g = await gradOutput.data();
    const expected = batchNormGradReference(g, data[0]!, data[1]!, statistics, eps, true);
    const magnitudes = g.length / weight.size;
    expectClose(await gradients.of(x).data(), expected.x, tolerance, "gradient of x");
    expectCloseAtScale(
      await gradients.of(weight).data(),
      expected.weight,
      magnitudes,
      sumTolerance,
      "gradient of weight",
    );
    expectCloseAtScale(await gradients.of(bias).data(), expected.bias, magnitudes, sumTolerance, "gradient of bias");
  });

  test("no rows, or no channels: empty outputs, zero gradients, running statistics untouched", async () => {
    const { x, weight, bias } = inputs([0, 5, 7, 3]);
    const running = { runningMean: full(device, [3], 4), runningVar: full(device, [3], 5) };
    const y = batchNorm2d(x, weight, bias, { ...train, ...running });
    const gradients = backward(y, { gradOutput: full(device, y.shape, 1) });
    expect([...(await gradients.of(weight).data())]).toEqual([0, 0, 0]);
    expect([...(await gradients.of(bias).data())]).toEqual([0, 0, 0]);
    expect([...(await running.runningMean.data())]).toEqual([4, 4, 4]);
    const none = inputs([2, 3, 2, 0]);
    expect((await batchNorm2d(none.x, none.weight, none.bias, train).data()).length).toBe(0);
  });

  test.each([
    { name: "mean 1000, standard deviation 1", mean: 1000, first: 0 },
    { name: "mean -30000, standard deviation 1", mean: -30000, first: 0 },
    { name: "a first row far away from all others", mean: 0, first: 1000 },
  ])("statistics are safe: $name", async ({ mean, first }) => {
    const shape = [4, 61, 67, 3];
    const values = uniform(4 * 61 * 67 * 3, 3, -Math.sqrt(3), Math.sqrt(3)).map((v) => v + mean);
    for (let c = 0; c < 3; c++) values[c]! += first;
    const x = tensor(device, values, shape);
    const running = { runningMean: full(device, [3], 0), runningVar: full(device, [3], 0) };
    const y = batchNorm2d(x, full(device, [3], 1), full(device, [3], 0), {
      ...train,
      ...running,
      momentum: 1,
      unbiased: false,
    });
    const statistics = channelStatistics(await x.data(), 3);
    expectClose(await running.runningVar.data(), statistics.variance, 1e-6, "variance");
    const scale = Math.abs(mean) + Math.abs(first);
    expectCloseAtScale(await running.runningMean.data(), statistics.mean, scale, 1.2e-7, "mean");
    // What is left is the rounding of the mean itself, half a unit in its last place.
    const allowed = tolerance + 2 ** -24 * Math.abs(mean);
    const expected = batchNormReference(await x.data(), [1, 1, 1], [0, 0, 0], statistics, eps);
    expectClose(await y.data(), expected, allowed);
    if (mean === 1000) expect(allowed).toBeLessThan(1e-4);
  });

  test.each([
    { unbiased: true, M: 30, shape: [2, 3, 5, 3], bytes: 2 ** 20 },
    { unbiased: false, M: 30, shape: [2, 3, 5, 3], bytes: 2 ** 20 },
    // Three windows, whose statistics are merged.
    { unbiased: true, M: 256, shape: [4, 8, 8, 3], bytes: 1024 },
  ])("running statistics over three steps, unbiased $unbiased, of $M rows", async ({ unbiased, M, shape, bytes }) => {
    const { weight, bias } = inputs(shape);
    const runningMean = full(device, [3], 0);
    const runningVar = full(device, [3], 1);
    const expectedMean = new Float64Array(3).fill(0);
    const expectedVar = new Float64Array(3).fill(1);
    for (let step = 0; step < 3; step++) {
      const x = randomTensor(device, shape, step, [0, 5]);
      await withBindingLimit(device, bytes, () =>
        batchNorm2d(x, weight, bias, { ...train, runningMean, runningVar, momentum: 0.3, unbiased }),
      );
      const { mean, variance } = channelStatistics(await x.data(), 3);
      for (let c = 0; c < 3; c++) {
        expectedMean[c] = 0.7 * expectedMean[c]! + 0.3 * mean[c]!;
        expectedVar[c] = 0.7 * expectedVar[c]! + 0.3 * variance[c]! * (unbiased ? M / (M - 1) : 1);
      }
    }
    expectClose(await runningMean.data(), expectedMean, tolerance);
    expectClose(await runningVar.data(), expectedVar, tolerance);
    expect(runningMean.storage.version).toBe(3);
  });

  test("gradient against differences", async () => {
    const { x, weight, bias } = inputs([2, 3, 4, 3]);
    await gradcheck((...t) => batchNorm2d(t[0]!, t[1]!, t[2]!, train), [x, weight, bias]);
  });

  test("second derivatives: the gradient against differences", async () => {
    const { x, weight, bias } = inputs([2, 2, 3, 3]);
    const direction = randomTensor(device, [2, 2, 3, 3], 5);
    // sum(direction * gradient of x) is what is differentiated: through the composed gradient when it is recorded, while the
    // values that the differences are taken of come from the fused one.
    const slope = (...t: Tensor[]) => {
      const createGraph = device.recording;
      device.recording = true;
      const leaf = createGraph ? t[0]! : t[0]!.detach();
      leaf.requiresGrad = true;
      const y = square(batchNorm2d(leaf, t[1]!, t[2]!, train));
      const gradient = backward(y, { wrt: [leaf], gradOutput: t[3]!, createGraph }).of(leaf);
      return sum(mul(gradient, direction));
    };
    await gradcheck(slope, [x, weight, bias, randomTensor(device, x.shape, 6)]);
  });

  test("the two sums are computed once for x, weight and bias, and nothing leaks", async () => {
    const { x, weight, bias } = inputs([2, 5, 7, 4]);
    const gradOutput = randomTensor(device, x.shape, 4);
    const before = device.memory();
    {
      using _scope = device.scope();
      const y = batchNorm2d(x, weight, bias, train);
      const { dispatches } = device.commandCounts();
      backward(y, { gradOutput });
      // The sums, which are the gradients of weight and bias, and the gradient of x.
      expect(device.commandCounts().dispatches - dispatches).toBe(2);
    }
    expect(device.memory().tensors).toBe(before.tensors);
    expect(device.memory().buffers).toBe(before.buffers);
    device.noGrad(() => batchNorm2d(x, weight, bias, train)).dispose();
    expect(device.memory().buffers).toBe(before.buffers);
  });

  test("gradients are the caller's: one that is written to does not change the next", async () => {
    const { x, weight, bias } = inputs([2, 5, 7, 4]);
    const gradOutput = randomTensor(device, x.shape, 4);
    const y = batchNorm2d(x, weight, bias, train);
    const first = backward(y, { gradOutput });
    const wanted = await Promise.all([x, weight, bias].map((t) => first.of(t).data()));
    for (const t of [x, weight, bias]) first.of(t).fill(7);
    const second = backward(y, { gradOutput });
    for (const [i, t] of [x, weight, bias].entries()) expect(await second.of(t).data()).toEqual(wanted[i]);
  });

  test("forward takes two dispatches, running statistics included", () => {
    const { x, weight, bias } = inputs([2, 5, 7, 4]);
    const { dispatches } = device.commandCounts();
    batchNorm2d(x, weight, bias, { ...train, runningMean: full(device, [4], 0), runningVar: full(device, [4], 1) });
    expect(device.commandCounts().dispatches - dispatches).toBe(2);
  });
});

describe("batchNorm2d eval", () => {
  test.each([{ shape: [2, 5, 7, 3] }, { shape: [2, 3, 5, 4] }, { shape: [13, 5] }, { shape: [0, 3, 2, 3] }])(
    "forward and gradients: $shape",
    async ({ shape }) => {
      const { x, weight, bias } = inputs(shape);
      const runningMean = randomTensor(device, [weight.size], 8);
      const runningVar = randomTensor(device, [weight.size], 9, [0, 3]);
      const y = batchNorm2d(x, weight, bias, { mode: "eval", runningMean, runningVar, eps });
      const data = await Promise.all([x, weight, bias].map((t) => t.data()));
      const statistics = { mean: await runningMean.data(), variance: await runningVar.data() };
      expectClose(await y.data(), batchNormReference(data[0]!, data[1]!, data[2]!, statistics, eps), tolerance);
      const gradOutput = randomTensor(device, shape, 4);
      const gradients = backward(y, { gradOutput });
      const expected = batchNormGradReference(await gradOutput.data(), data[0]!, data[1]!, statistics, eps, false);
      expectClose(await gradients.of(x).data(), expected.x, tolerance, "gradient of x");
      expectClose(await gradients.of(weight).data(), expected.weight, tolerance, "gradient of weight");
      expectClose(await gradients.of(bias).data(), expected.bias, tolerance, "gradient of bias");
    },
  );

  test("gradient and second derivatives against differences", async () => {
    const { x, weight, bias } = inputs([2, 2, 3, 3]);
    const running = { runningMean: randomTensor(device, [3], 8), runningVar: randomTensor(device, [3], 9, [1, 3]) };
    const f = (...t: Tensor[]) => batchNorm2d(t[0]!, t[1]!, t[2]!, { mode: "eval", ...running });
    await gradcheck(f, [x, weight, bias]);
    const gradients = backward(sum(square(f(x, weight, bias))), { createGraph: true });
    const second = backward(sum(square(gradients.of(weight))), { wrt: [x] }).of(x);
    // With u = x - mean: y = u r w + b, dL/dw = sum 2 y u r, and its derivative in u is 2 r (y + u r w).
    const [u, w, b, mean, variance] = await Promise.all(
      [x, weight, bias, running.runningMean, running.runningVar].map((t) => t.data()),
    );
    const r = Array.from(variance!, (v) => 1 / Math.sqrt(v + 1e-5));
    const slope = await gradients.of(weight).data();
    const expected = Float64Array.from(u!, (v, i) => {
      const c = i % 3;
      const xhat = (v - mean![c]!) * r[c]!;
      return 2 * slope[c]! * 2 * r[c]! * (2 * xhat * w![c]! + b![c]!);
    });
    expectClose(await second.data(), expected, 3 * tolerance);
  });

  test("an update of the running statistics after it makes its backward pass stale", () => {
    const { x, weight, bias } = inputs([2, 2, 3, 3]);
    const running = { runningMean: full(device, [3], 0), runningVar: full(device, [3], 1) };
    const y = batchNorm2d(x, weight, bias, { mode: "eval", ...running });
    batchNorm2d(x, weight, bias, { mode: "train", ...running });
    expect(() => backward(y, { gradOutput: full(device, y.shape, 1) })).toThrow(
      "was changed in place after batchNorm2d ran",
    );
  });
});

describe("batchNorm2d", () => {
  test("without weight and bias they are 1 and 0", async () => {
    const { x } = inputs([3, 2, 5, 4]);
    const [one, zero] = [full(device, [4], 1), full(device, [4], 0)];
    const running = { runningMean: one, runningVar: full(device, [4], 2) };
    for (const options of [train, { mode: "eval", ...running } as const]) {
      const gradients = [batchNorm2d(x, null, null, options), batchNorm2d(x, one, zero, options)].map(async (y) => {
        const gradient = backward(sum(square(y)), { wrt: [x] }).of(x);
        return [...(await y.data()), ...(await gradient.data())];
      });
      expectClose(await gradients[0]!, await gradients[1]!, 0);
    }
  });
  test("rejects what does not fit", () => {
    const x = full(device, [2, 3, 5, 4], 1);
    const four = full(device, [4], 1);
    const three = full(device, [3], 1);
    const rejects = (run: () => unknown, text: string) => expect(run).toThrow(text);
    rejects(
      () => batchNorm2d(full(device, [4], 1), four, four, train),
      "batchNorm2d: x must have at least 2 axes, channels last, got 1\n  x [4]",
    );
    rejects(
      () => batchNorm2d(x, three, four, train),
      "batchNorm2d: weight must have one element for each channel, [4], got [3]\n  x      NHWC [2, 3, 5, 4]\n  weight [3]",
    );
    rejects(() => batchNorm2d(x, four, three, train), "batchNorm2d: bias must have one element for each channel");
    rejects(
      () => batchNorm2d(x, four, four, { mode: "eval", runningMean: three, runningVar: four }),
      "batchNorm2d: runningMean must have one element for each channel, [4], got [3]",
    );
    rejects(
      () => batchNorm2d(x, four, four, { mode: "train", runningMean: four, runningVar: three }),
      "batchNorm2d: runningVar must have one element for each channel, [4], got [3]",
    );
    rejects(
      () => batchNorm2d(x, four, four, { mode: "train", runningVar: four }),
      "batchNorm2d: runningMean and runningVar must be given together, got only one",
    );
    rejects(
      () => batchNorm2d(full(device, [1, 1, 1, 4], 1), four, four, train),
      'batchNorm2d: training needs more than one value a channel, got 1; give a larger batch, or use mode "eval"\n  x [1, 1, 1, 4]',
    );
    const whole = full(device, [4], 1, { dtype: "i32" });
    rejects(
      () => batchNorm2d(x, four, four, { mode: "train", runningMean: whole, runningVar: four }),
      "batchNorm2d: runningMean must be f32, got i32",
    );
  });
});
