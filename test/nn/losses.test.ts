import { describe, expect, test } from "vitest";
import { clipByGlobalNorm } from "../../src/nn/clip.js";
import { huber, klDivergence, l1, mse, smoothL1 } from "../../src/nn/losses.js";
import { cosineEmbedding, cosineSimilarity } from "../../src/nn/similarity.js";
import { totalVariation } from "../../src/nn/total-variation.js";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { cosineReference, totalVariationReference } from "../reference/losses.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const tolerance = 2e-6;
const pair = (...shape: number[]) => [randomTensor(device, shape, 1), randomTensor(device, shape, 2)] as const;

describe("mse and l1", () => {
  test("forward and gradient", async () => {
    const [x, y] = pair(3, 67);
    const [a, b] = [Array.from(await x.data()), Array.from(await y.data())];
    const over = (f: (d: number) => number) => a.reduce((total, v, i) => total + f(v - b[i]!), 0) / a.length;
    expectClose([await mse(x, y).item()], [over((d) => d * d)], tolerance);
    expectClose([await l1(x, y).item()], [over(Math.abs)], tolerance);
    await gradcheck(mse as (...inputs: Tensor[]) => Tensor, [x, y]);
    await gradcheck((v) => l1(v, full(device, [3, 67], 2)), [x]);
  });
  test("rejects shapes that would broadcast", () => {
    const [x, y] = [randomTensor(device, [2, 3], 1), randomTensor(device, [1, 3], 1)];
    expect(() => mse(x, y)).toThrow("mse: prediction and target must have the same shape, got [2, 3] and [1, 3]");
    expect(() => l1(x, y)).toThrow("l1: prediction and target must have the same shape");
  });
});

describe("cosineSimilarity", () => {
  test("forward and gradient", async () => {
    const [x, y] = pair(5, 13);
    expectClose(
      [await cosineSimilarity(x, y).item()],
      [cosineReference(await x.data(), await y.data(), 13)],
      tolerance,
    );
    expectClose([await cosineSimilarity(x, x).item()], [1], tolerance);
    await gradcheck((a, b) => cosineSimilarity(a!, b!), [x, y]);
  });
  test("a row of zeros: similarity 0, finite gradient", async () => {
    const x = tensor(device, [0, 0, 0, 3, 4, 0], [2, 3], { requiresGrad: true });
    const y = tensor(device, [1, 2, 3, 3, 4, 0], [2, 3]);
    const similarity = cosineSimilarity(x, y);
    expectClose([await similarity.item()], [0.5], tolerance);
    expect((await backward(similarity).of(x).data()).every(Number.isFinite)).toBe(true);
  });
  test("rejects scalars", () => {
    expect(() => cosineSimilarity(tensor(device, 1), tensor(device, 1))).toThrow("at least 1 axis, got 0");
  });
});

describe("smoothL1, huber, klDivergence, cosineEmbedding", () => {
  test("second derivatives", async () => {
    const [x, y] = pair(3, 5);
    const far = randomTensor(device, [3, 5], 3, [2, 4]);
    for (const loss of [smoothL1, huber]) {
      for (const input of [x, far]) {
        await gradcheck((a, b) => loss(a!, b!), [input, y]);
        await checkSecondGradient((a, b) => loss(a!, b!), [input, y]);
      }
    }
    const positive = randomTensor(device, [3, 5], 4, [0.2, 1]);
    await checkSecondGradient((a, b) => klDivergence(a!, b!), [x, positive]);
    await checkSecondGradient((a, b) => klDivergence(a!, b!, { logTarget: true }), [x, y]);
    await checkSecondGradient((a, b) => cosineSimilarity(a!, b!), [x, y]);
    const target = tensor(device, [1, -1, 1]);
    await checkSecondGradient((a, b) => cosineEmbedding(a!, b!, target), [x, y]);
  });
  test("klDivergence where the target is 0: 0, with a finite gradient", async () => {
    const [x, target] = [tensor(device, [-1, -2]), tensor(device, [0, 1], [2], { requiresGrad: true })];
    const loss = klDivergence(x, target, { reduction: "none" });
    expect([...(await loss.data())]).toEqual([0, 2]);
    const gradient = backward(klDivergence(x, target, { reduction: "sum" })).of(target);
    expect([...(await gradient.data())]).toEqual([1, 3]);
  });
  test("reject what makes no sense", () => {
    const [x, y] = pair(2, 3);
    expect(() => mse(x, y, { reduction: "max" as never })).toThrow(
      'mse: reduction must be "mean", "sum", "none", got "max"',
    );
    expect(() => smoothL1(x, y, { beta: -1 })).toThrow("smoothL1: beta must be a finite number >= 0, got -1");
    expect(() => huber(x, y, { delta: 0 })).toThrow("huber: delta must be a finite number above 0, got 0");
    expect(() => klDivergence(x, randomTensor(device, [3], 1))).toThrow(
      "klDivergence: prediction and target must have the same shape, got [2, 3] and [3]",
    );
    expect(() => cosineEmbedding(x, y, randomTensor(device, [3], 1))).toThrow(
      "cosineEmbedding: target must have x's shape without the last axis\n  x      [2, 3]\n  target [3]",
    );
    expect(() => cosineSimilarity(x, y, { axis: 2 })).toThrow("cosineSimilarity: axis must lie in [-2, 1]");
  });
  test("no elements: the sum is 0, the mean NaN", async () => {
    const [x, y] = [tensor(device, [], [0, 3]), tensor(device, [], [0, 3])];
    expect(await mse(x, y, { reduction: "sum" }).item()).toBe(0);
    expect(await huber(x, y).item()).toBeNaN();
    expect(l1(x, y, { reduction: "none" }).shape).toEqual([0, 3]);
  });
});

describe("totalVariation", () => {
  test("sum and terms", async () => {
    const x = randomTensor(device, [2, 3, 4, 2], 1);
    const terms = totalVariation(x, { reduction: "none" });
    expect(terms.shape).toEqual([2, 2, 3, 2]);
    const expected = totalVariationReference(await x.data(), [2, 3, 4, 2], 1.25) * 24;
    expectClose([await totalVariation(x, { reduction: "sum" }).item()], [expected], 1e-5);
  });
  test.each([{}, { exponent: 1 }, { exponent: 0.5, eps: 1e-3 }])("forward and gradient: %j", async (options) => {
    const shape = [2, 5, 7, 3] as const;
    const x = randomTensor(device, shape, 1);
    const expected = totalVariationReference(await x.data(), shape, options.exponent ?? 1.25, options.eps);
    expectClose([await totalVariation(x, options).item()], [expected], 1e-5);
    await gradcheck((v) => totalVariation(v, options), [x]);
  });
  test("a flat image: 0, and a finite gradient", async () => {
    const x = full(device, [1, 3, 4, 2], 0.5, { requiresGrad: true });
    const loss = totalVariation(x);
    expect(await loss.item()).toBe(0);
    expect([...(await backward(loss).of(x).data())].every((g) => g === 0)).toBe(true);
  });
  test("rejects images without neighbours", () => {
    expect(() => totalVariation(randomTensor(device, [1, 1, 4, 2], 1))).toThrow(
      "totalVariation: x must be at least 2 x 2 pixels, got 1 x 4 in [1, 1, 4, 2]",
    );
  });
});

describe("clipByGlobalNorm", () => {
  test("shortens what is longer, leaves what is shorter", async () => {
    const [a, b] = [tensor(device, [1, 2]), tensor(device, [3])];
    const gradients = new Map([
      [a, tensor(device, [2, 3])],
      [b, tensor(device, [6])],
    ]);
    const clipped = clipByGlobalNorm(gradients, { maxNorm: 3.5 });
    expectClose([await clipped.norm.item()], [7], tolerance);
    expectClose(await clipped.gradients.of(a).data(), [1, 1.5], tolerance);
    expectClose(await clipped.gradients.of(b).data(), [3], tolerance);
    expectClose(await clipByGlobalNorm(gradients, { maxNorm: 8 }).gradients.of(b).data(), [6], 0);
    const zero = clipByGlobalNorm(new Map([[a, tensor(device, [0, 0])]]), { maxNorm: 1 });
    expectClose(await zero.gradients.of(a).data(), [0, 0], 0);
  });
  test("rejects no gradients and no length", () => {
    expect(() => clipByGlobalNorm(new Map(), { maxNorm: 1 })).toThrow("clipByGlobalNorm: there are no gradients");
    expect(() => clipByGlobalNorm(new Map(), { maxNorm: 0 })).toThrow(
      "clipByGlobalNorm: maxNorm must be above 0, got 0",
    );
  });
});
