/** Ops on f16: the bits of the same op on the widened operands, rounded once; gradients with the bits of f32 operands. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { sigmoid } from "../../src/tensor/ops/activations.js";
import { cast } from "../../src/tensor/ops/cast.js";
import { convTranspose2d } from "../../src/tensor/ops/conv-transpose2d.js";
import { conv1d, convTranspose1d } from "../../src/tensor/ops/conv1d.js";
import { conv2d } from "../../src/tensor/ops/conv2d.js";
import {
  add,
  div,
  greater,
  lerp,
  maximum,
  mul,
  pow,
  relu,
  square,
  sub,
  where,
} from "../../src/tensor/ops/elementwise.js";
import { linear } from "../../src/tensor/ops/linear.js";
import { matmul } from "../../src/tensor/ops/matmul.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { sum } from "../../src/tensor/ops/sum.js";
import type { Shape } from "../../src/tensor/shape.js";
import { type DType, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";

const device = await testDevice();

/** A function of tensors, and their shapes and element types. */
type Case = [name: string, f: (...x: Tensor[]) => Tensor, inputs: [Shape, DType][], output: DType];
const f16 = (...shapes: Shape[]): [Shape, DType][] => shapes.map((shape) => [shape, "f16"]);
const f32 = (...shapes: Shape[]): [Shape, DType][] => shapes.map((shape) => [shape, "f32"]);

const cases: Case[] = [
  ["matmul", (a, b) => matmul(a, b), f16([5, 7], [7, 3]), "f16"],
  ["matmul, transposed", (a, b) => matmul(a, b, { transposeA: true, transposeB: true }), f16([7, 5], [3, 7]), "f16"],
  ["matmul, batches that broadcast", (a, b) => matmul(a, b), f16([2, 1, 3, 5], [3, 5, 2]), "f16"],
  ["matmul, of vectors", (a, b) => matmul(a, b), f16([7], [7]), "f16"],
  ["matmul, with f32", (a, b) => matmul(a, b), [...f32([3, 5]), ...f16([5, 2])], "f32"],
  ["matmul, of nothing", (a, b) => matmul(a, b), f16([3, 0], [0, 2]), "f16"],
  ["linear", (x, w, b) => linear(x, w, b), f16([2, 3, 5], [5, 3], [3]), "f16"],
  ["linear, f32 weights", (x, w, b) => linear(x, w, b), [...f16([3, 5]), ...f32([5, 3], [3])], "f16"],
  ["linear, f16 weights", (x, w) => linear(x, w, null), [...f32([3, 5]), ...f16([5, 3])], "f32"],
  ["conv2d", (x, w, b) => conv2d(x, w, b, { padding: 1, stride: 2 }), f16([2, 7, 5, 3], [3, 2, 3, 5], [5]), "f16"],
  [
    "conv2d, f32 weights, dilated, in groups",
    (x, w) => conv2d(x, w, null, { dilation: 2, groups: 2 }),
    [...f16([1, 7, 6, 4]), ...f32([3, 2, 2, 6])],
    "f16",
  ],
  ["conv1d", (x, w, b) => conv1d(x, w, b, { padding: 1 }), [...f16([2, 7, 3]), ...f32([3, 3, 2], [2])], "f16"],
  [
    "convTranspose2d",
    (x, w, b) => convTranspose2d(x, w, b, { stride: 2, padding: 1 }),
    [...f16([2, 4, 3, 5]), ...f32([3, 3, 2, 5], [2])],
    "f16",
  ],
  ["convTranspose1d", (x, w) => convTranspose1d(x, w, null, { stride: 2 }), f16([2, 4, 3], [3, 2, 3]), "f16"],
  ["add, broadcasting", (x, y) => add(x, y), f16([3, 1, 5], [7, 1]), "f16"],
  ["sub from f32", (x, y) => sub(x, y), [...f32([3, 5]), ...f16([5])], "f32"],
  ["mul with an f32 scalar", (x, y) => mul(x, y), [...f16([3, 5]), ...f32([])], "f16"],
  ["mul with a number", (x) => mul(x, 0.1), f16([3, 5]), "f16"],
  ["square", (x) => square(x), f16([11]), "f16"],
  ["relu", (x) => relu(x), f16([3, 5]), "f16"],
  ["maximum", (x, y) => maximum(x, y), f16([3, 5], [5]), "f16"],
  ["lerp", (x, y) => lerp(x, y, 0.3), f16([3, 5], [3, 5]), "f16"],
  ["where, by comparing", (x, y) => where(greater(x, 0.1), x, y), f16([3, 5], [3, 5]), "f16"],
  ["reshape", (x) => reshape(x, { shape: [5, 3] }), f16([3, 5]), "f16"],
  ["a chain", (x, w, b) => relu(mul(conv2d(x, w, b), 2)), f16([1, 5, 5, 2], [2, 2, 2, 3], [3]), "f16"],
];

describe("f16 operands", () => {
  test.each(cases)("%s", async (name, f, inputs, output) => {
    using _scope = device.scope();
    const options = { requiresGrad: true };
    const own = inputs.map(([shape, dtype], i) => randomTensor(device, shape, i + 1, [-1, 1], { dtype, ...options }));
    const wide = own.map((x) => {
      const copy = cast(x, "f32").detach();
      copy.requiresGrad = true;
      return copy;
    });
    const [y, expected] = [f(...own), f(...wide)];
    expect(y.dtype).toBe(output);
    // A chain is rounded after each link.
    if (name !== "a chain") expect(await y.data()).toEqual(await cast(expected, output).data());
    else expectClose(await y.data(), await expected.data(), 2 ** -9);
    const gradOutput = randomTensor(device, y.shape, 9);
    const gradients = backward(y, { gradOutput, wrt: own });
    const judge = backward(expected, { gradOutput, wrt: wide });
    for (const [i, x] of own.entries()) {
      const gradient = gradients.of(x);
      expect(gradient.dtype).toBe("f32");
      expect(await gradient.data(), `gradient ${i}`).toEqual(await judge.of(wide[i] as Tensor).data());
    }
  });
  test("gradients of functions that save their f16 result are as near as that is", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [101], 1, [-4, 4], { dtype: "f16", requiresGrad: true });
    const wide = cast(x, "f32").detach();
    wide.requiresGrad = true;
    const y = sigmoid(x);
    const [got, expected] = [backward(sum(cast(y, "f32"))).of(x), backward(sum(sigmoid(wide))).of(wide)];
    expectClose(await got.data(), await expected.data(), 2 ** -10);
  });
  test("a quotient that f16 cannot hold is no harm to gradients", async () => {
    using _scope = device.scope();
    const x = tensor(device, [60000], [1], { dtype: "f16", requiresGrad: true });
    const y = tensor(device, [2 ** -10], [1], { dtype: "f16", requiresGrad: true });
    const quotient = div(x, cast(y, "f32"));
    expect(quotient.dtype).toBe("f32");
    expect(await quotient.item()).toBe(60000 * 2 ** 10);
    expect(await backward(quotient).of(y).item()).toBe(-60000 * 2 ** 20);
  });
  test("second derivatives", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 3], [3], { dtype: "f16", requiresGrad: true });
    const first = backward(sum(cast(pow(x, 3), "f32")), { createGraph: true }).of(x);
    expectClose(await first.data(), [3, 12, 27], 1e-6);
    expectClose(await backward(sum(first)).of(x).data(), [6, 12, 18], 1e-6);
    const [a, b] = [1, 2].map((seed) =>
      randomTensor(device, [3, 3], seed, [-1, 1], { dtype: "f16", requiresGrad: true }),
    );
    const gradient = backward(sum(cast(matmul(a as Tensor, b as Tensor), "f32")), { createGraph: true }).of(
      a as Tensor,
    );
    // The gradient of `a` is the row sums of `b`, three times; so half the sum of its squares has three times these as gradient.
    const rows = await sum(cast(b as Tensor, "f32"), { axes: 1 }).data();
    const second = await backward(sum(mul(square(gradient), 0.5)))
      .of(b as Tensor)
      .data();
    expectClose(
      second,
      Array.from({ length: 9 }, (_, i) => 3 * (rows[Math.floor(i / 3)] as number)),
      1e-6,
    );
  });
  test("copies are freed at once, forward and backward", () => {
    using _scope = device.scope();
    const x = randomTensor(device, [4, 8, 8, 16], 1, [-1, 1], { dtype: "f16", requiresGrad: true });
    const weight = randomTensor(device, [3, 3, 16, 16], 2, [-1, 1], { requiresGrad: true });
    const before = device.memory();
    const y = conv2d(x, weight, null, { padding: 1 });
    expect(device.memory().tensors).toBe(before.tensors + 1);
    expect(device.memory().bytes).toBe(before.bytes + 2 * y.size);
    backward(y, { gradOutput: cast(y, "f32").detach() });
    // The widened seed and its leaf, and two gradients.
    expect(device.memory().tensors).toBe(before.tensors + 5);
  });
  test("numbers that are whole are not mixed with them", () => {
    using _scope = device.scope();
    const [x, i] = [tensor(device, [1], [1], { dtype: "f16" }), tensor(device, Int32Array.of(1))];
    expect(() => add(x, i)).toThrow(
      /add: x and y must have the same element type, got f(16|32) and i32; cast\(y, "f32"\)/,
    );
    expect(() => linear(i, cast(i, "f16"), null)).toThrow("linear: x must be f32, got i32");
  });
});
