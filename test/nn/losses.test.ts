import { describe, expect, test } from "vitest";
import { clipByGlobalNorm } from "../../src/nn/clip.js";
import { cosineSimilarity, l1, mse, totalVariation } from "../../src/nn/losses.js";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { cosineReference, totalVariationReference } from "../reference/losses.js";

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

describe("totalVariation", () => {
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
