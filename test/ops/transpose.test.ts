import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { transpose } from "../../src/tensor/ops/transpose.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { transposeReference } from "../reference/transpose.js";

const device = await testDevice();
/** Elements are moved, not computed. */
const tolerance = 0;

describe("transpose", () => {
  test.each<{ shape: number[]; axes: number[] }>([
    { shape: [], axes: [] },
    { shape: [5], axes: [0] },
    { shape: [3, 7], axes: [1, 0] },
    { shape: [1, 257], axes: [1, 0] },
    { shape: [2, 3, 5, 7], axes: [0, 3, 1, 2] },
    { shape: [2, 3, 5, 7], axes: [0, -2, -1, 1] },
    { shape: [2, 3, 5, 7], axes: [3, 1, 0, 2] },
    { shape: [67, 131], axes: [1, 0] },
    { shape: [2, 3, 1, 2, 3, 1, 2, 2], axes: [7, 0, 6, 1, 5, 2, 4, 3] },
    { shape: [0, 3], axes: [1, 0] },
  ])("forward: $shape by $axes", async ({ shape, axes }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 3);
    const y = transpose(x, { axes });
    const positive = axes.map((axis) => (axis + shape.length) % Math.max(1, shape.length));
    expect(y.shape).toEqual(positive.map((axis) => shape[axis]));
    expectClose(await y.data(), transposeReference(await x.data(), shape, positive), tolerance);
  });
  test("forward: reverses all axes by default", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [2, 3, 5], 1);
    expectClose(await transpose(x).data(), transposeReference(await x.data(), [2, 3, 5], [2, 1, 0]), tolerance);
  });
  test.each(["i32", "u32", "bool"] as const)("forward: %s", async (dtype) => {
    using _scope = device.scope();
    const values =
      dtype === "bool" ? [1, 0, 0, 1, 1, 0] : [1, 2 ** 31 - 1, 3, 4, 5, dtype === "i32" ? -6 : 2 ** 32 - 6];
    const y = transpose(tensor(device, values, [2, 3], { dtype }));
    expect(y.dtype).toBe(dtype);
    expect(Array.from(await y.data())).toEqual([0, 3, 1, 4, 2, 5].map((i) => values[i]));
  });
  test("gradient", async () => {
    const weight = randomTensor(device, [5, 2, 3], 8);
    await gradcheck((x) => mul(transpose(x, { axes: [2, 0, 1] }), weight), [randomTensor(device, [2, 3, 5], 1)]);
  });
  test("gradient of the gradient", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [2, 3], 1, [-1, 1], { requiresGrad: true });
    const y = transpose(x);
    const first = backward(sum(mul(mul(y, y), y)), { createGraph: true }).of(x);
    const second = backward(sum(first)).of(x);
    expectClose(
      await second.data(),
      Array.from(await x.data(), (v) => 6 * v),
      1e-6,
    );
  });
  test.each([[[0, 0]], [[0]], [[0, 2]], [[0, -3]], [[0, 0.5]]])("rejects axes %j", (axes) => {
    expect(() => transpose(tensor(device, [1, 2, 3], [1, 3]), { axes })).toThrow(
      `transpose: axes must name each of the 2 axes once, got [${axes.join(", ")}]\n  x [1, 3]`,
    );
  });
});
