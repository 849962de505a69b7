import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { defineOp, type Plan } from "../../src/tensor/define-op.js";
import { grad, hessianVectorProduct, jvp, stopGradient, valueAndGrad, vjp } from "../../src/tensor/functional.js";
import { conv2d } from "../../src/tensor/ops/conv2d.js";
import { add, exp, mul, square, tanh } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";

const device = await testDevice();
const tolerance = 2e-6;
const read = async (x: Tensor) => Array.from(await x.data());
const cube = (x: Tensor) => mul(x, square(x));

describe("grad", () => {
  test("value and gradient, by any input, of inputs that ask for none", async () => {
    using _scope = device.scope();
    const [x, y] = [tensor(device, [1, 2, 3]), tensor(device, [4, 5, 6])];
    const f = (a: Tensor, b: Tensor) => sum(mul(square(a), b));
    const [value, gradient] = valueAndGrad(f)(x, y);
    expect(await value.item()).toBe(4 + 20 + 54);
    expect(await read(gradient)).toEqual([8, 20, 36]);
    expect(await read(grad(f, { argument: 1 })(x, y))).toEqual([1, 4, 9]);
    expect([x, y, value, gradient].some(({ requiresGrad }) => requiresGrad)).toBe(false);
  });
  test("of itself: derivatives of every order", async () => {
    using _scope = device.scope();
    const x = tensor(device, 2);
    const orders = [cube, grad(cube), grad(grad(cube)), grad(grad(grad(cube)))];
    const values = await Promise.all(orders.map((f) => f(x).item()));
    expect(values).toEqual([8, 12, 12, 6]);
    expect(await grad(grad(grad(grad(cube))))(x).item()).toBe(0);
  });
  test("inside a larger computation, backward goes through it", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2], [2], { requiresGrad: true });
    const inner = grad((v: Tensor) => sum(cube(v)))(mul(x, x));
    // d/dx sum 3 (x^2)^2 = 12 x^3
    expect(await read(backward(sum(inner)).of(x))).toEqual([12, 96]);
  });
  test("what a closure holds is a constant, and so is what is stopped", async () => {
    using _scope = device.scope();
    const weight = tensor(device, [5], [1], { requiresGrad: true });
    const x = tensor(device, [3]);
    expect(await read(grad((v: Tensor) => sum(mul(v, weight)))(x))).toEqual([5]);
    expect(await read(grad((v: Tensor) => sum(mul(v, stopGradient(v))))(x))).toEqual([3]);
    expect(await read(grad(() => sum(weight))(x))).toEqual([0]);
    expect(await read(grad(() => tensor(device, 1))(x))).toEqual([0]);
  });
  test("works where nothing is recorded, and leaves nothing behind", async () => {
    using _scope = device.scope();
    const x = tensor(device, [3]);
    const slope = device.noGrad(() => grad((v: Tensor) => sum(square(v)))(x));
    expect(await read(slope)).toEqual([6]);
    expect(device.recording).toBe(true);
  });
  test("rejects", () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2]);
    expect(() => grad(square)(x)).toThrow("grad: the function must return a scalar, got [2]; reduce it, or use vjp");
    expect(() => grad(square, { argument: 1 })(x)).toThrow("grad: there is no input 1, got 1 inputs");
    expect(() => grad(square)()).toThrow("grad: needs at least one input");
    expect(device.recording).toBe(true);
  });
});

describe("vjp, jvp, hessianVectorProduct", () => {
  test("vjp: the pullback, more than once", async () => {
    using _scope = device.scope();
    const [x, y] = [tensor(device, [1, 2]), tensor(device, [3, 4])];
    const { output, pullback } = vjp(mul, [x, y]);
    expect(await read(output)).toEqual([3, 8]);
    const [first, second] = [pullback(tensor(device, [1, 10])), pullback(tensor(device, [2, 0]))];
    expect(await Promise.all(first.map(read))).toEqual([
      [3, 40],
      [1, 20],
    ]);
    expect(await Promise.all(second.map(read))).toEqual([
      [6, 0],
      [2, 0],
    ]);
  });
  test("jvp agrees with vjp: |J v|^2 = (J v)^T J . v, through a convolution", async () => {
    using _scope = device.scope();
    const inputs = [randomTensor(device, [2, 5, 4, 3], 1), randomTensor(device, [3, 3, 3, 2], 2)];
    const tangents = inputs.map(({ shape }, i) => randomTensor(device, shape, 3 + i));
    const f = (x: Tensor, w: Tensor) => tanh(conv2d(x, w, null, { padding: 1 }));
    const { output, pullback } = vjp(f, inputs);
    // A sum of squares, in which nothing cancels.
    const u = jvp(f, inputs, tangents);
    expect(u.shape).toEqual(output.shape);
    const left = await sum(square(u)).item();
    const right = pullback(u).map((g, i) => sum(mul(g, tangents[i]!)));
    expectClose([left], [await right.reduce((a, b) => add(a, b)).item()], 1e-5);
  });
  test("jvp of exp(x) y", async () => {
    using _scope = device.scope();
    const inputs = [tensor(device, [0, 1]), tensor(device, [2, 3])];
    const product = jvp((x: Tensor, y: Tensor) => mul(exp(x), y), inputs, [
      tensor(device, [1, 2]),
      tensor(device, [5, 0]),
    ]);
    expectClose(await product.data(), [2 + 5, 2 * 3 * Math.E], tolerance);
  });
  test("hessianVectorProduct of sum x^3 y", async () => {
    using _scope = device.scope();
    const inputs = [tensor(device, [1, 2]), tensor(device, [3, 4])];
    const vectors = [tensor(device, [1, -1]), tensor(device, [2, 0.5])];
    const f = (x: Tensor, y: Tensor) => sum(mul(cube(x), y));
    const [byX, byY] = hessianVectorProduct(f, inputs, vectors) as [Tensor, Tensor];
    // H = [6 x y, 3 x^2; 3 x^2, 0]
    expectClose(await byX.data(), [18 + 6, -48 + 6], tolerance);
    expectClose(await byY.data(), [3, -12], tolerance);
  });
  test("reject vectors of other shapes, and name an op without a gradient", () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2]);
    expect(() => jvp(square, [x], [tensor(device, [1])])).toThrow(
      "jvp: needs one vector of each input's shape, got [1] for inputs [2]",
    );
    expect(() => hessianVectorProduct(square, [x], [])).toThrow(
      "hessianVectorProduct: needs one vector of each input's shape, got none for inputs [2]",
    );
    const opaque = defineOp<readonly ["x"], object, Plan, null>({
      name: "opaque",
      inputs: ["x"],
      plan: ([v]) => ({ shape: v.shape }),
      forward: () => null,
      vjp: null,
    });
    const once = defineOp<readonly ["x"], object, Plan, Tensor>({
      name: "once",
      inputs: ["x"],
      plan: ([v]) => ({ shape: v.shape }),
      forward: (_context, [v]) => v,
      vjp: { x: (v, g) => mul(g, opaque(v)) },
    });
    expect(() => vjp(opaque, [x]).pullback(x)).toThrow("backward: opaque has no gradient");
    expect(() => hessianVectorProduct((v: Tensor) => sum(once(v)), [x], [x])).toThrow(
      "backward: opaque has no gradient",
    );
  });
});
