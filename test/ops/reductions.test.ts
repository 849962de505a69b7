/** The reductions over axes that have no test file of their own: products, tests, moments, norms, integers. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { all, any } from "../../src/tensor/ops/any.js";
import { logSumExp } from "../../src/tensor/ops/log-sum-exp.js";
import { max, min } from "../../src/tensor/ops/max.js";
import { norm } from "../../src/tensor/ops/norm.js";
import { prod } from "../../src/tensor/ops/prod.js";
import { mean, type ReduceOptions, sum } from "../../src/tensor/ops/sum.js";
import { std, variance } from "../../src/tensor/ops/variance.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { reduceReference, type reductions } from "../reference/reduce.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const tolerance = 2e-6;
const orders = [0, 0.5, 1, 1.5, 2, 3, -1, Infinity, -Infinity];

interface Reduction {
  name: string;
  kind: keyof typeof reductions;
  op: (x: Tensor, options?: ReduceOptions) => Tensor;
  parameter?: number;
  /** Smooth enough for second differences. */
  smooth?: boolean;
}
const floats: Reduction[] = [
  { name: "prod", kind: "prod", op: prod, smooth: true },
  { name: "variance", kind: "variance", op: variance, smooth: true },
  ...[0, 1, 2].map<Reduction>((correction) => ({
    name: `std, correction ${correction}`,
    kind: "std",
    op: (x, options) => std(x, { ...options, correction }),
    parameter: correction,
    smooth: true,
  })),
  ...orders.map<Reduction>((p) => ({
    name: `norm, p = ${p}`,
    kind: "norm",
    op: (x, options) => norm(x, { ...options, p }),
    parameter: p,
    smooth: [1, 2].includes(p),
  })),
  { name: "logSumExp", kind: "logSumExp", op: logSumExp, smooth: true },
  { name: "any", kind: "any", op: any },
  { name: "all", kind: "all", op: all },
];

const cases: { shape: number[]; axes?: number[] | number; keepDims?: boolean }[] = [
  { shape: [7] },
  { shape: [3, 5, 7], axes: [0, 2] },
  { shape: [3, 5, 7], axes: 1, keepDims: true },
  { shape: [2, 67, 3, 5], axes: [1, 3] },
  { shape: [4, 3], axes: -1 },
  { shape: [0, 3], axes: 1 },
];

describe.each(floats)("$name", ({ name, kind, op, parameter, smooth }) => {
  test.each(cases)("forward: $shape over $axes", async ({ shape, ...options }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 5, [0.3, 1.5]);
    const y = op(x, options);
    const expected = reduceReference(kind, await x.data(), shape, options.axes, parameter);
    expectClose(await y.data(), expected, tolerance, name);
    const axes = (options.axes === undefined ? shape.map((_, i) => i) : [options.axes].flat()).map(
      (axis) => (axis + shape.length) % shape.length,
    );
    const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size));
    expect(y.shape).toEqual(options.keepDims ? kept : kept.filter((_, i) => !axes.includes(i)));
  });
  if (smooth) {
    test("gradients, first and second", async () => {
      const x = randomTensor(device, [3, 3, 4], 1, [0.5, 1.5]);
      await gradcheck((t) => op(t, { axes: [0, 2] }), [x]);
      await gradcheck((t) => op(t, { axes: 1, keepDims: true }), [x]);
      await checkSecondGradient((t) => op(t, { axes: [0, 2] }), [x]);
    });
  }
});

describe("special values", () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const rows: [string, (x: Tensor) => Tensor, number[], number, number[]?][] = [
    ["prod with one zero", prod, [2, 0, 5], 0, [0, 10, 0]],
    ["prod with two zeros", prod, [2, 0, 0], 0, [0, 0, 0]],
    ["prod of one", prod, [3], 3, [1]],
    ["norm 2 at 0", norm, [0, 0], 0, [0, 0]],
    ["norm 2", norm, [3, -4], 5, [0.6, -0.8]],
    ["norm 1 with a zero", (x) => norm(x, { p: 1 }), [0, -2], 2, [0, -1]],
    ["norm 3 at 0", (x) => norm(x, { p: 3 }), [0, 0], 0, [0, 0]],
    ["norm 0.5 with a zero", (x) => norm(x, { p: 0.5 }), [0, 4], 4, [0, 1]],
    ["norm -1 with a zero", (x) => norm(x, { p: -1 }), [0, 4], 0, [0, 0]],
    ["norm of infinity shares", (x) => norm(x, { p: inf }), [-2, 1, 2], 2, [-0.5, 0, 0.5]],
    ["norm of -infinity", (x) => norm(x, { p: -inf }), [-2, 1, 2], 1, [0, 1, 0]],
    ["variance with infinity, the others", variance, [1, inf, 3], nan, [-inf, nan, -inf]],
    ["norm 0", (x) => norm(x, { p: 0 }), [0, 1, -3], 2, [0, 0, 0]],
    ["norm with NaN", norm, [1, nan], nan],
    ["std of equal elements", std, [2, 2], 0, [0, 0]],
    ["std of one element", std, [2], nan],
    ["variance of one element", variance, [2], nan],
    ["variance of one element, correction 0", (x) => variance(x, { correction: 0 }), [2], 0, [0]],
    ["variance with NaN", variance, [1, nan], nan],
    ["variance with infinity", variance, [1, inf], nan],
    ["logSumExp, large", logSumExp, [1000, 1000], 1000 + Math.LN2, [0.5, 0.5]],
    ["logSumExp, small", logSumExp, [-1000, -1000], -1000 + Math.LN2, [0.5, 0.5]],
    ["logSumExp with -infinity", logSumExp, [-inf, 0], 0, [0, 1]],
    ["logSumExp of -infinity alone", logSumExp, [-inf, -inf], -inf],
    ["logSumExp with infinity", logSumExp, [inf, 0], inf],
    ["logSumExp with NaN", logSumExp, [nan, 0], nan],
    ["sum with both infinities", sum, [inf, -inf], nan],
    ["any of NaN", any, [nan, 0], 1],
    ["all with zero", all, [nan, 0], 0],
    ["any of negative zero", any, [-0, 0], 0],
  ];
  test.each(rows)("%s", async (_name, op, values, expected, gradient) => {
    using _scope = device.scope();
    const x = tensor(device, values, [values.length], { requiresGrad: true });
    const y = op(x);
    expectClose(await y.data(), [expected], 1e-6);
    if (gradient) {
      const given = y.requiresGrad ? backward(y).get(x) : undefined;
      expectClose((await given?.data()) ?? values.map(() => 0), gradient, 2e-6, "gradient");
    }
  });
  test.each<[string, (x: Tensor) => Tensor, number]>([
    ["sum", sum, 0],
    ["prod", prod, 1],
    ["mean", mean, nan],
    ["variance", variance, nan],
    ["any", any, 0],
    ["all", all, 1],
    ["logSumExp", logSumExp, -inf],
    ["norm", norm, 0],
  ])("%s of nothing", async (_name, op, expected) => {
    expectClose(await op(tensor(device, [], [0])).data(), [expected], 0);
    expectClose(await op(tensor(device, [], [0, 3])).data(), [expected], 0);
  });
  test("norm 0 has a gradient, of zeros", async () => {
    const x = tensor(device, [0, 2, nan], [3], { requiresGrad: true });
    const y = norm(x, { p: 0 });
    expect(await y.item()).toBe(2);
    expect(Array.from(await backward(y).of(x).data())).toEqual([0, 0, 0]);
  });
  test("the gradient of nothing is nothing", async () => {
    for (const op of [sum, prod, variance]) {
      const x = tensor(device, [], [2, 0], { requiresGrad: true });
      const gradient = backward(sum(op(x, { axes: 1 }))).of(x);
      expect(gradient.shape).toEqual([2, 0]);
    }
  });
});

test("a large mean does not spoil the variance, its gradient, or those of rows", async () => {
  using _scope = device.scope();
  const n = 5003;
  const values = Float32Array.from({ length: 2 * n }, (_, i) => (i < n ? 1e6 : -3e4) + ((i * 7919) % 101) / 16);
  const x = tensor(device, values, [2, n], { requiresGrad: true });
  const y = variance(x, { axes: 1 });
  expectClose(await y.data(), reduceReference("variance", values, [2, n], 1), 1e-6);
  const expected = [0, 1].flatMap((row) => {
    const part = Array.from(values.subarray(row * n, (row + 1) * n));
    const center = part.reduce((a, b) => a + b, 0) / n;
    return part.map((v) => (2 * (v - center)) / (n - 1));
  });
  expectClose(await backward(sum(y)).of(x).data(), expected, 1e-6);
});

test("long axes keep their accuracy: a million elements of one sign", async () => {
  using _scope = device.scope();
  const x = randomTensor(device, [1_000_003], 3, [0, 1]);
  const values = await x.data();
  const exact = (kind: keyof typeof reductions) => reduceReference(kind, values, [1_000_003]);
  expectClose(await sum(x).data(), exact("sum"), 5e-7);
  expectClose(await mean(x).data(), exact("mean"), 5e-7);
  expectClose(await variance(x).data(), exact("variance"), 5e-7);
  expectClose(await norm(x).data(), exact("norm"), 5e-7);
});

describe("whole numbers", () => {
  const values = [3, -5, 7, 0, 2, 11];
  const i32 = tensor(device, values, [2, 3], { dtype: "i32" });
  const u32 = tensor(device, [3, 5, 4_000_000_000, 0, 2, 11], [2, 3], { dtype: "u32" });
  const mask = tensor(device, [1, 0, 1, 1, 1, 1], [2, 3], { dtype: "bool" });
  const unary: [string, Tensor, (x: Tensor, options: ReduceOptions) => Tensor, string, number[]][] = [
    ["sum of i32", i32, sum, "i32", [5, 13]],
    ["sum of u32 above 2^31", u32, sum, "u32", [4_000_000_008, 13]],
    ["sum of bool counts", mask, sum, "i32", [2, 3]],
    ["prod of i32", i32, prod, "i32", [-105, 0]],
    ["prod of bool", mask, prod, "i32", [0, 1]],
    ["max of i32", i32, max, "i32", [7, 11]],
    ["min of i32", i32, min, "i32", [-5, 0]],
    ["max of u32 above 2^31", u32, max, "u32", [4_000_000_000, 11]],
    ["max of bool", mask, max, "bool", [1, 1]],
    ["any of i32", i32, any, "bool", [1, 1]],
    ["all of i32", i32, all, "bool", [1, 0]],
    ["all of bool", mask, all, "bool", [0, 1]],
  ];
  test.each(unary)("%s", async (_name, x, op, dtype, expected) => {
    const y = op(x, { axes: 1 });
    expect(y.dtype).toBe(dtype);
    expect(Array.from(await y.data())).toEqual(expected);
  });
  test("sum of i32 over a long axis and over two runs of axes", async () => {
    using _scope = device.scope();
    const list = Array.from({ length: 3 * 1000 * 2 }, (_, i) => (i * 37) % 1001);
    const x = tensor(device, list, [3, 1000, 2], { dtype: "i32" });
    expectClose(await sum(x).data(), [list.reduce((a, b) => a + b, 0)], 0);
    expectClose(await sum(x, { axes: [0, 2] }).data(), reduceReference("sum", list, [3, 1000, 2], [0, 2]), 0);
  });
  test("no axes: the elements themselves, as tests", async () => {
    expect(Array.from(await any(i32, { axes: [] }).data())).toEqual([1, 1, 1, 0, 1, 1]);
    expect(Array.from(await sum(mask, { axes: [] }).data())).toEqual([1, 0, 1, 1, 1, 1]);
  });
});

describe("rejects", () => {
  const x = tensor(device, [1, 2, 3, 4], [2, 2]);
  const i32 = tensor(device, [1, 2], [2], { dtype: "i32" });
  test.each<[string, () => unknown]>([
    ["prod: axis must lie in [-2, 1] for a tensor of 2 axes, got 2", () => prod(x, { axes: 2 })],
    ["any: an axis is named twice in [0, -2]", () => any(x, { axes: [0, -2] })],
    ["variance: axis must lie in [-2, 1]", () => variance(x, { axes: [0, 3] })],
    ["variance: correction must be a number >= 0, got -1\n  x [2, 2]", () => variance(x, { correction: -1 })],
    ["std: correction must be a number >= 0, got NaN", () => std(x, { correction: Number.NaN })],
    ["variance: x must be f32, got i32", () => variance(i32)],
    ["mean: x must be f32, got i32", () => mean(i32)],
    ["norm: x must be f32, got i32", () => norm(i32)],
    ["norm: p must be a number, got NaN", () => norm(x, { p: Number.NaN })],
    [
      "norm: needs an element for p = Infinity, got size 0 on axis 1",
      () => norm(tensor(device, [], [2, 0]), { p: Infinity, axes: 1 }),
    ],
    ["logSumExp: x must be f32, got i32", () => logSumExp(i32)],
    ["logSumExp: axis must lie in [-2, 1]", () => logSumExp(x, { axes: 5 })],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
