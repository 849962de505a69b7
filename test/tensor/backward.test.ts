import { describe, expect, test } from "vitest";
import { GradError } from "../../src/kernels/errors.js";
import { backward } from "../../src/tensor/backward.js";
import { defineOp, type Plan } from "../../src/tensor/define-op.js";
import * as activations from "../../src/tensor/ops/activations.js";
import * as ops from "../../src/tensor/ops/elementwise.js";
import { elementwiseTable } from "../../src/tensor/ops/elementwise-table.js";
import * as functions from "../../src/tensor/ops/functions.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { constant, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, testDevice, uniform } from "../device.js";
import { rowReferences } from "../reference/elementwise.js";

const device = await testDevice();
/** A few f32 operations. */
const tolerance = 1e-6;
const { add, exp, floor, greater, less, mul, neg, relu, square, sub, where } = ops;

const leaf = (values: readonly number[], shape?: readonly number[]) =>
  tensor(device, values, shape, { requiresGrad: true });
const read = async (t: Tensor) => Array.from(await t.data());

/** An op that passes its input on, with the gradient function given. */
const identity = (name: string, vjp: ((x: Tensor, gradOutput: Tensor) => Tensor) | null) =>
  defineOp<readonly ["x"], object, Plan, Tensor>({
    name,
    inputs: ["x"],
    plan: ([x]) => ({ shape: x.shape }),
    forward({ device, output }, [x]) {
      device.copy(x.storage, 0, output.storage, 0, 4 * x.size);
      return x;
    },
    vjp: vjp && { x: vjp },
  });

describe("backward: what is added up", () => {
  test("a tensor used several times, also twice by one op", async () => {
    using _scope = device.scope();
    const x = leaf([1, -2, 3]);
    const y = mul(x, x);
    const z = add(add(y, x), mul(y, y));
    expectClose(
      await read(backward(sum(z)).of(x)),
      [1, -2, 3].map((v) => 2 * v + 1 + 4 * v ** 3),
      tolerance,
    );
  });
  test("x + x and x - x", async () => {
    using _scope = device.scope();
    const x = leaf([1, 2]);
    expect(await read(backward(sum(add(x, x))).of(x))).toEqual([2, 2]);
    expect(await read(backward(sum(sub(x, x))).of(x))).toEqual([0, 0]);
  });
  test("a diamond of hundreds of paths", async () => {
    using _scope = device.scope();
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 12; i++) y = add(y, y);
    expect(await read(backward(y).of(x))).toEqual([4096]);
  });
  test("a broadcast leaf gets the sum over its copies", async () => {
    using _scope = device.scope();
    const [x, bias] = [leaf([1, 2, 3, 4, 5, 6], [2, 3]), leaf([1, 1, 1])];
    const gradients = backward(sum(mul(x, bias)));
    expect(await read(gradients.of(bias))).toEqual([5, 7, 9]);
    expect(gradients.of(bias).shape).toEqual([3]);
  });
  test("the gradient of an output that is a leaf is 1", async () => {
    using _scope = device.scope();
    const x = leaf([5]);
    expect(await read(backward(x).of(x))).toEqual([1]);
  });
  test("gradOutput weighs the elements, and is not freed", async () => {
    using _scope = device.scope();
    const x = leaf([1, 2]);
    const gradOutput = tensor(device, [3, 5]);
    expect(await read(backward(square(x), { gradOutput }).of(x))).toEqual([6, 20]);
    expect(await read(backward(add(x, x), { gradOutput }).of(x))).toEqual([6, 10]);
    expect(await read(gradOutput)).toEqual([3, 5]);
  });
  test("a chain of 2000 ops does not overflow the stack", async () => {
    using _scope = device.scope();
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 2000; i++) y = neg(y);
    expect(await read(backward(y).of(x))).toEqual([1]);
  });
});

describe("backward: where gradients go", () => {
  test("leaves with requiresGrad only", () => {
    using _scope = device.scope();
    const [x, fixed] = [leaf([1, 2]), tensor(device, [3, 4])];
    const gradients = backward(sum(mul(x, fixed)));
    expect([...gradients.keys()]).toEqual([x]);
    expect(() => gradients.of(fixed)).toThrow(
      "backward: there is no gradient for a tensor of shape [2]: the output does not depend on it, or it has requiresGrad false",
    );
  });
  test("zeros through step functions", async () => {
    using _scope = device.scope();
    const [x, y] = [leaf([1.5, -2]), leaf([3, 4])];
    const gradients = backward(sum(mul(floor(neg(x)), y)));
    expect([...gradients.keys()]).toEqual([y, x]);
    expect(await read(gradients.of(x))).toEqual([0, 0]);
    expect(await read(gradients.of(y))).toEqual([-2, 2]);
  });
  test("not through detach, noGrad or masks", async () => {
    using _scope = device.scope();
    const x = leaf([1, -2]);
    expect(await read(backward(sum(mul(x, x.detach()))).of(x))).toEqual([1, -2]);
    const frozen = device.noGrad(() => square(x));
    expect(frozen.requiresGrad).toBe(false);
    expect(await read(backward(sum(mul(x, frozen))).of(x))).toEqual([1, 4]);
    const mask = greater(x, constant(device, 0));
    expect(mask.requiresGrad).toBe(false);
    expect(await read(backward(sum(where(mask, square(x), neg(x)))).of(x))).toEqual([2, -1]);
  });
  test("wrt: chosen leaves and intermediate results, and nothing else is computed", async () => {
    using _scope = device.scope();
    let calls = 0;
    const counted = identity("counted", (_x, g) => {
      calls++;
      return neg(g);
    });
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    const middle = mul(x, y);
    const output = sum(mul(middle, counted(y)));
    const gradients = backward(output, { wrt: [middle, x] });
    expect([...gradients.keys()]).toEqual([middle, x]);
    expect(await read(gradients.of(middle))).toEqual([3, 4]);
    expect(await read(gradients.of(x))).toEqual([9, 16]);
    expect(calls).toBe(0);
    expect(backward(output, { wrt: [leaf([1])] }).size).toBe(0);
    expect(await read(backward(output, { wrt: [output] }).of(output))).toEqual([1]);
  });
  test("twice from the same graph", async () => {
    using _scope = device.scope();
    const x = leaf([1, 2]);
    const y = sum(square(x));
    expect(await read(backward(y).of(x))).toEqual(await read(backward(y).of(x)));
  });
});

describe("backward: createGraph", () => {
  const unary = { ...ops, ...activations, ...functions } as unknown as Record<string, (x: Tensor) => Tensor>;
  const rows = Object.entries(elementwiseTable).map(
    ([name, row]) => [name, { ...row, ...rowReferences[name as keyof typeof rowReferences] }] as const,
  );
  const smooth = rows.filter(
    ([name, row]) => name in unary && row.inputs.length === 1 && row.vjp !== null && (row.output ?? "f32") === "f32",
  );
  test.each(smooth)("second derivative of %s", async (name, row) => {
    using _scope = device.scope();
    const [low, high] = row.domain[0]!;
    const values = Array.from(uniform(24, 5, low, high)).filter((v) => !row.kink?.(v) && Math.abs(v) > 0.1);
    const f = unary[name]!;
    const x = leaf(values);
    // Cubed, so that ops with a constant slope have a second derivative too.
    const y = f(x);
    const first = backward(sum(mul(y, square(y))), { createGraph: true });
    const second = first.get(x)?.requiresGrad ? backward(sum(first.of(x))).get(x) : undefined;
    const g = (v: number) => row.reference(v) ** 3;
    const h = 1e-4;
    const expected = values.map((v) => (g(v + h) - 2 * g(v) + g(v - h)) / h ** 2);
    expectClose(second ? await read(second) : values.map(() => 0), expected, 1e-4, name);
  });
  test("second derivatives with respect to both inputs, broadcast", async () => {
    using _scope = device.scope();
    const [x, y] = [leaf([1, 2, 3, 4], [2, 2]), leaf([2, 3])];
    const first = backward(sum(mul(square(x), mul(y, square(y)))), { createGraph: true });
    const mixed = backward(sum(first.of(x)));
    // d/dy of sum over x of 2 x y^3
    expectClose(await read(mixed.of(y)), [(2 * 1 + 2 * 3) * 3 * 4, (2 * 2 + 2 * 4) * 3 * 9], tolerance);
    expectClose(await read(mixed.of(x)), [16, 54, 16, 54], tolerance);
  });
  test("third derivative", async () => {
    using _scope = device.scope();
    const x = leaf([1, -2]);
    const derivative = (y: Tensor) => backward(sum(y), { createGraph: true }).of(x);
    expectClose(await read(derivative(derivative(derivative(mul(square(x), square(x)))))), [24, -48], tolerance);
    expectClose(await read(derivative(derivative(derivative(exp(x))))), [Math.E, Math.exp(-2)], 1e-5);
  });
  test("a penalty on the gradient's size, as part of a loss", async () => {
    using _scope = device.scope();
    const x = leaf([1, 2, -1]);
    const gradient = backward(sum(mul(square(x), x)), { createGraph: true }).of(x);
    const loss = add(sum(square(gradient)), sum(x));
    expectClose(
      await read(backward(loss).of(x)),
      [1, 2, -1].map((v) => 36 * v ** 3 + 1),
      tolerance,
    );
  });
  test("without it, gradients are not recorded", () => {
    using _scope = device.scope();
    const x = leaf([1]);
    expect(backward(square(x)).of(x).requiresGrad).toBe(false);
    expect(device.recording).toBe(true);
  });
});

describe("backward: errors", () => {
  test("an output that depends on nothing", () => {
    using _scope = device.scope();
    expect(() => backward(square(tensor(device, 1)))).toThrow(
      new GradError("backward: the output depends on no tensor with requiresGrad"),
    );
  });
  test("an output that is no scalar, or a gradOutput of another shape", () => {
    using _scope = device.scope();
    const y = square(leaf([1, 2], [1, 2]));
    expect(() => backward(y)).toThrow(
      "backward: the output must be a scalar, got [1, 2]; reduce it, or give gradOutput",
    );
    expect(() => backward(y, { gradOutput: tensor(device, [1, 2]) })).toThrow(
      "backward: gradOutput must have the output's shape [1, 2], got [2]",
    );
  });
  test("an op without a gradient is named", () => {
    using _scope = device.scope();
    const opaque = identity("opaque", null);
    expect(() => backward(sum(opaque(leaf([1, 2]))))).toThrow(
      "backward: opaque has no gradient with respect to its input 0 [2]",
    );
  });
  test("an input changed in place after the op ran", () => {
    using _scope = device.scope();
    const x = leaf([1, 2]);
    const y = sum(square(x));
    x.write([3, 4]);
    expect(() => backward(y)).toThrow(
      "backward: an input of square, [2], was changed in place after square ran; run the forward pass again",
    );
    expect(() => backward(sum(square(x)))).not.toThrow();
  });
  test("an input changed through another view of its memory", () => {
    using _scope = device.scope();
    const x = leaf([1, 2, 3, 4]);
    const y = sum(square(reshape(x, { shape: [2, 2] })));
    x.detach().write([0, 0, 0, 0]);
    expect(() => backward(y)).toThrow("was changed in place after");
  });
  test("regression: a result changed in place, whose gradient needs it", () => {
    using _scope = device.scope();
    const x = leaf([1, 2]);
    const y = relu(x);
    y.write([0, 0]);
    expect(() => backward(sum(y))).toThrow("backward: the result of relu, [2], was changed in place after relu ran");
  });
  test("regression: a result on the way that was freed is an error, not a gradient that is missing", () => {
    using _scope = device.scope();
    const [x, other] = [leaf([1, 2]), leaf([3, 4])];
    const freed = square(x);
    const y = sum(add(freed, other));
    freed.dispose();
    const text =
      "backward: the result of square, [2], was freed before backward; call backward inside the scope of the forward pass, or keep it";
    expect(() => backward(y)).toThrow(text);
    expect(() => backward(y, { wrt: [x] })).toThrow(
      "backward: the result of square, [2], on the way to a tensor in wrt was freed",
    );
    expect(backward(y, { wrt: [other] }).size).toBe(1);
  });
  test("regression: a freed leaf whose value a gradient needs", () => {
    using _scope = device.scope();
    const [x, weight] = [leaf([1, 2]), tensor(device, [3, 4])];
    const y = sum(mul(x, weight));
    weight.dispose();
    expect(() => backward(y)).toThrow(
      "backward: an input of mul, [2], that its gradient needs was freed before backward",
    );
  });
  test("a freed output", () => {
    using _scope = device.scope();
    const y = square(leaf([1]));
    y.dispose();
    expect(() => backward(y)).toThrow("tensor [1] was used after it was freed");
  });
  test("recording goes on after an error", () => {
    using _scope = device.scope();
    expect(() => backward(sum(identity("opaque", null)(leaf([1]))))).toThrow(GradError);
    expect(device.recording).toBe(true);
  });
  test("regression: the gradient of a choice by a comparison with a leaf", async () => {
    using _scope = device.scope();
    const [x, y] = [leaf([1, 5]), leaf([2, 3])];
    const gradients = backward(sum(where(less(x, y), x, y)));
    expect(await read(gradients.of(x))).toEqual([1, 0]);
    expect(await read(gradients.of(y))).toEqual([0, 1]);
  });
  test("regression: tensors that a gradient function hands out but does not own stay alive", async () => {
    using _scope = device.scope();
    const cached = constant(device, 7);
    const seven = identity("seven", () => cached);
    const half = identity("half", (x) => x);
    const x = leaf([2]);
    const [a, b] = [reshape(x, { shape: [] }), reshape(x, { shape: [] })];
    const gradients = backward(add(add(seven(a), half(seven(b))), half(a)));
    expect(await read(gradients.of(x))).toEqual([16]);
    expect(cached.disposed || a.disposed || b.disposed).toBe(false);
    expect(await cached.item()).toBe(7);
  });
});
