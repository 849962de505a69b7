import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { max, min } from "../../src/tensor/ops/max.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { reduceReference } from "../reference/reduce.js";

const device = await testDevice();
/** Nothing is computed but the gradient's share, one division. */
const tolerance = 1e-6;

const cases: { shape: number[]; axes?: number[] | number; keepDims?: boolean }[] = [
  { shape: [] },
  { shape: [1] },
  { shape: [100_003] },
  { shape: [3, 5, 7], axes: [0, 2] },
  { shape: [3, 5, 7], axes: 1, keepDims: true },
  { shape: [3, 5, 7], axes: -1 },
  { shape: [2, 67, 3, 5, 2], axes: [1, 2, 4] },
  { shape: [2, 3], axes: [] },
  { shape: [0, 3], axes: 1 },
];

describe.each([
  ["max", max],
  ["min", min],
] as const)("%s", (name, op) => {
  test.each(cases)("forward: $shape over $axes", async ({ shape, ...options }) => {
    using _scope = device.scope();
    // All of one sign, so that a start value of 0 would show.
    const x = randomTensor(device, shape, 5, name === "max" ? [-3, -1] : [1, 3]);
    const y = op(x, options);
    expectClose(await y.data(), reduceReference(name, await x.data(), shape, options.axes), 0);
    const kept = shape.map((size, i) => {
      const axes = options.axes === undefined ? shape.map((_, k) => k) : [options.axes].flat();
      return axes.some((axis) => (axis + shape.length) % shape.length === i) ? 1 : size;
    });
    if (options.keepDims) expect(y.shape).toEqual(kept);
    expect(y.size).toBe(kept.reduce((a, b) => a * b, 1));
  });
  test("forward: NaN anywhere in a long axis; the largest finite numbers; infinities", async () => {
    using _scope = device.scope();
    const values = new Float32Array(3 * 1031).fill(-3.4e38);
    values[700] = Number.NaN;
    values[2 * 1031 + 1] = name === "max" ? Infinity : -Infinity;
    const y = op(tensor(device, values, [3, 1031]), { axes: 1 });
    expect(Array.from(await y.data())).toEqual([
      Number.NaN,
      Math.fround(-3.4e38),
      name === "max" ? Infinity : -Infinity,
    ]);
  });
  test("forward: a long axis in passes, each column with a range of its own", async () => {
    const [rows, columns] = [1031, 5];
    const values = Array.from({ length: rows * columns }, (_, i) => (i % columns) * 1000 + ((i * 7919) % 997));
    const expected = Array.from({ length: columns }, (_, c) => {
      const own = values.filter((_, i) => i % columns === c);
      return name === "max" ? Math.max(...own) : Math.min(...own);
    });
    expect(Array.from(await op(tensor(device, values, [rows, columns]), { axes: 0 }).data())).toEqual(expected);
  });
  test("gradient", async () => {
    // Distinct values: a difference must not cross a tie.
    const values = Array.from({ length: 30 }, (_, i) => ((i * 7) % 30) / 10);
    await gradcheck((x) => op(x!, { axes: [0, 2] }), [tensor(device, values, [3, 2, 5])]);
    await gradcheck((x) => op(x!, { axes: 1, keepDims: true }), [tensor(device, values, [3, 2, 5])]);
  });
  test("gradient: ties share", async () => {
    using _scope = device.scope();
    const sign = name === "max" ? 1 : -1;
    const x = tensor(
      device,
      [1, 3, 3, 0, 2, 3].map((v) => sign * v),
      [2, 3],
      { requiresGrad: true },
    );
    const whole = backward(op(x, { keepDims: true, axes: [0, 1] }), { gradOutput: tensor(device, [3], [1, 1]) }).of(x);
    expectClose(await whole.data(), [0, 1, 1, 0, 0, 1], tolerance);
    const rows = backward(op(x, { axes: -1 }), { gradOutput: tensor(device, [3, 5]) }).of(x);
    expectClose(await rows.data(), [0, 1.5, 1.5, 0, 0, 5], tolerance);
  });
  test("gradient of the gradient", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 4, 3, 0.5, 5], [2, 3], { requiresGrad: true });
    const y = op(x, { axes: 1 });
    const first = backward(sum(mul(mul(y, y), y)), { createGraph: true }).of(x);
    const second = backward(sum(first)).of(x);
    expectClose(await second.data(), name === "max" ? [0, 0, 24, 0, 0, 30] : [6, 0, 0, 0, 3, 0], tolerance);
  });
  test("rejects an axis without elements", () => {
    expect(() => op(tensor(device, [], [0, 3]), { axes: 0 })).toThrow(
      `${name}: needs an element to reduce, got size 0 on axis 0\n  x [0, 3]`,
    );
    expect(() => op(tensor(device, [], [0]))).toThrow(`${name}: needs an element to reduce`);
    expect(() => op(tensor(device, [1]), { axes: 1 })).toThrow(`${name}: axis must lie in [-1, 0]`);
  });
});
