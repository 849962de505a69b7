import { describe, expect, test } from "vitest";
import { binaryCrossEntropy, binaryCrossEntropyWithLogits } from "../../src/nn/binary-cross-entropy.js";
import { crossEntropy, nll } from "../../src/nn/cross-entropy.js";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { classMask } from "../../src/tensor/ops/class-targets.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { crossEntropyReference } from "../reference/losses.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const tolerance = 2e-6;
const classes = (values: readonly number[], shape = [values.length], dtype: "i32" | "u32" = "i32") =>
  tensor(device, values, shape, { dtype });

describe("crossEntropy", () => {
  test.each([
    [1, 3],
    [7, 2],
    [13, 101],
  ])("%i rows, %i classes, against the loops", async (N, K) => {
    using _scope = device.scope();
    const logits = uniform(N * K, 1, -5, 5);
    const targets = Array.from(uniform(N, 2, 0, K), Math.floor);
    const weight = uniform(K, 3, 0.1, 2);
    const options = { weight: tensor(device, weight), labelSmoothing: 0.2 };
    const loss = crossEntropy(tensor(device, logits, [N, K]), classes(targets), options);
    expectClose([await loss.item()], [crossEntropyReference(logits, targets, weight, 0.2)], tolerance);
  });
  test("gradients and second derivatives", async () => {
    const logits = randomTensor(device, [4, 5], 1, [-2, 2]);
    const target = classes([0, 4, -100, 2]);
    const weight = randomTensor(device, [5], 2, [0.5, 2]);
    const options = { weight, labelSmoothing: 0.1 };
    await gradcheck((x) => crossEntropy(x!, target, options), [logits]);
    await checkSecondGradient((x) => crossEntropy(x!, target, options), [logits]);
    const soft = randomTensor(device, [4, 5], 3, [0, 1]);
    await checkSecondGradient((x, t) => crossEntropy(x!, t!, { weight }), [logits, soft]);
    await checkSecondGradient((x) => nll(x!, target, { weight }), [logits]);
  });
  test("logits of any size: no overflow, exact gradients", async () => {
    using _scope = device.scope();
    const logits = tensor(device, [3e38, 0, -3e38, -1e4, 1e4, 0], [2, 3], { requiresGrad: true });
    const loss = crossEntropy(logits, classes([0, 0]), { reduction: "sum" });
    expect(await loss.item()).toBe(2e4);
    expectClose(await backward(loss).of(logits).data(), [0, 0, 0, -1, 1, 0], tolerance);
  });
  test("what is ignored counts nothing, even NaN; when all is, the mean is NaN", async () => {
    using _scope = device.scope();
    const logits = tensor(device, [Number.NaN, 1, 0, 0], [2, 2]);
    const one = { ignoreIndex: 9 };
    expectClose([await crossEntropy(logits, classes([9, 1]), one).item()], [Math.log(2)], tolerance);
    const smooth = { ...one, labelSmoothing: 0.5 };
    expectClose([await crossEntropy(logits, classes([9, 1]), smooth).item()], [Math.log(2)], tolerance);
    expect(await crossEntropy(logits, classes([9, 9]), one).item()).toBeNaN();
    expect(await crossEntropy(logits, classes([9, 9]), { ...one, reduction: "sum" }).item()).toBe(0);
  });
  test.each([
    [-1, "i32"],
    [3, "i32"],
    [3, "u32"],
    [2 ** 32 - 5, "u32"],
  ] as const)("a class number that does not exist (%i, %s) is not passed over", async (wrong, dtype) => {
    using _scope = device.scope();
    const logits = randomTensor(device, [2, 3], 1);
    const target = classes([1, wrong], [2], dtype);
    expect(await crossEntropy(logits, target).item()).toBeNaN();
    const each = await nll(logits, target, { reduction: "none" }).data();
    expect([...each].map(Number.isNaN)).toEqual([false, true]);
  });
  test("rejects what does not fit", () => {
    const x = randomTensor(device, [2, 3], 1);
    expect(() => crossEntropy(x, classes([0, 1, 2]))).toThrow(
      "crossEntropy: a target of i32 must have logits' shape without the last axis\n  logits [2, 3]\n  target [3]",
    );
    expect(() => crossEntropy(x, randomTensor(device, [2], 1))).toThrow(
      "crossEntropy: a target of f32 must have probabilities of logits' shape",
    );
    expect(() => crossEntropy(x, classes([0, 1]), { weight: randomTensor(device, [2], 1) })).toThrow(
      "crossEntropy: weight must have one number a class, [3]\n  logits [2, 3]\n  weight [2]",
    );
    expect(() => crossEntropy(x, classes([0, 1]), { labelSmoothing: 2 })).toThrow(
      "crossEntropy: labelSmoothing must lie in [0, 1], got 2",
    );
    expect(() => crossEntropy(tensor(device, 1), classes([0]))).toThrow(
      "crossEntropy: logits needs a class on its last axis",
    );
    expect(() => crossEntropy(x, tensor(device, [0, 1], [2], { dtype: "bool" }))).toThrow(
      "crossEntropy: target must be i32, u32 or f32, got bool",
    );
    expect(() => nll(x, x)).toThrow("nll: target must be i32 or u32 class numbers, got f32");
    expect(() => classMask(x, { classes: 3 })).toThrow("classMask: target must be i32 or u32 class numbers, got f32");
  });
});

describe("binaryCrossEntropy", () => {
  const x = randomTensor(device, [3, 5], 1, [0.1, 0.9]);
  const t = randomTensor(device, [3, 5], 2, [0.1, 0.9]);
  const weight = randomTensor(device, [5], 3, [0.5, 2]);
  test("gradients and second derivatives, the target's too", async () => {
    await gradcheck((a, b) => binaryCrossEntropy(a!, b!, { weight }), [x, t]);
    await checkSecondGradient((a, b) => binaryCrossEntropy(a!, b!), [x, t]);
    const logits = randomTensor(device, [3, 5], 4, [-3, 3]);
    const options = { weight, posWeight: weight };
    await gradcheck((a, b) => binaryCrossEntropyWithLogits(a!, b!, options), [logits, t]);
    await checkSecondGradient((a, b) => binaryCrossEntropyWithLogits(a!, b!, options), [logits, t]);
  });
  test("logits of any size keep their relative precision", async () => {
    using _scope = device.scope();
    const values = [-80, -30, -5, 0, 5, 30, 80];
    const logits = tensor(device, values, [7], { requiresGrad: true });
    const terms = binaryCrossEntropyWithLogits(logits, tensor(device, new Array(7).fill(1)), { reduction: "none" });
    const gradient = backward(terms, { gradOutput: tensor(device, new Array(7).fill(1)) }).of(logits);
    const [loss, slope] = [await terms.data(), await gradient.data()];
    for (const [i, v] of values.entries()) {
      expectClose([loss[i]!], [Math.max(-v, 0) + Math.log1p(Math.exp(-Math.abs(v)))], 5e-6, `loss at ${v}`);
      expectClose([slope[i]!], [-1 / (1 + Math.exp(v))], 5e-6, `gradient at ${v}`);
    }
  });
  test("rejects what does not fit", () => {
    const other = randomTensor(device, [4], 1);
    expect(() => binaryCrossEntropy(x, other as Tensor)).toThrow("prediction and target must have the same shape");
    expect(() => binaryCrossEntropy(x, t, { weight: other })).toThrow("binaryCrossEntropy: shapes do not broadcast");
    expect(() => binaryCrossEntropyWithLogits(x, t, { posWeight: randomTensor(device, [2, 3, 5], 1) })).toThrow(
      "binaryCrossEntropyWithLogits: posWeight must broadcast to the prediction's shape",
    );
  });
});
