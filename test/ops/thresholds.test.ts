/** maskedFill and the activations with a threshold. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { maskedFill } from "../../src/tensor/ops/masked-fill.js";
import { glu, hardShrink, prelu, softShrink, tanhShrink, threshold } from "../../src/tensor/ops/thresholds.js";
import { full, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const rows: { name: string; f: (x: Tensor) => Tensor; x: number[]; y: number[]; slope: number[] }[] = [
  {
    name: "threshold",
    f: (x) => threshold(x, { threshold: 0.5, value: -7 }),
    x: [0.25, 0.5, 0.75, -inf, inf, nan],
    y: [-7, -7, 0.75, -7, inf, nan],
    slope: [0, 0, 1, 0, 1, 1],
  },
  {
    name: "hardShrink",
    f: hardShrink,
    x: [-0.75, -0.5, -0.25, 0, 0.5, 0.75, -inf, inf, nan],
    y: [-0.75, 0, 0, 0, 0, 0.75, -inf, inf, nan],
    slope: [1, 0, 0, 0, 0, 1, 1, 1, 1],
  },
  {
    name: "softShrink, lambda 0.25",
    f: (x) => softShrink(x, { lambda: 0.25 }),
    x: [-0.75, -0.25, 0.125, 0.25, 0.75, -inf, inf, nan],
    y: [-0.5, 0, 0, 0, 0.5, -inf, inf, nan],
    slope: [1, 0, 0, 0, 1, 1, 1, 1],
  },
  {
    name: "prelu, slope 0.25",
    f: (x) => prelu(x, full(device, [1], 0.25)),
    x: [-2, 0, 3, -inf, inf, nan],
    y: [-0.5, 0, 3, -inf, inf, nan],
    slope: [0.25, 0.25, 1, 0.25, 1, 0.25],
  },
];

describe("activations with a threshold", () => {
  test.each(rows)("$name: values and gradients, at the threshold and beyond", async ({ f, x: values, y, slope }) => {
    using _scope = device.scope();
    const x = tensor(device, values, [values.length], { requiresGrad: true });
    const result = f(x);
    expectClose(await result.data(), y, 0);
    const gradient = backward(result, { gradOutput: full(device, x.shape, 1) }).of(x);
    expectClose(await gradient.data(), slope, 0);
  });
  test("tanhShrink and glu", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [3, 4, 2], 1, [-3, 3]);
    const values = await x.data();
    expectClose(
      await tanhShrink(x).data(),
      Array.from(values, (v) => v - Math.tanh(v)),
      1e-6,
    );
    const y = glu(x, { axis: 1 });
    expect(y.shape).toEqual([3, 2, 2]);
    const expected = Array.from({ length: 12 }, (_, i) => {
      const first = Math.floor(i / 4) * 8 + (i % 4);
      return values[first]! / (1 + Math.exp(-values[first + 4]!));
    });
    expectClose(await y.data(), expected, 1e-6);
  });
  test("an infinity does not spoil the gradient of prelu's weight; one slope a channel", async () => {
    using _scope = device.scope();
    const x = tensor(device, [inf, -1, 2, -3], [2, 2]);
    const weight = tensor(device, [0.5, 2], [2], { requiresGrad: true });
    const y = prelu(x, weight);
    expect(Array.from(await y.data())).toEqual([inf, -2, 2, -6]);
    const gradient = backward(y, { gradOutput: full(device, [2, 2], 1) }).of(weight);
    expect(Array.from(await gradient.data())).toEqual([0, -4]);
  });
  test("gradients, first and second", async () => {
    const x = randomTensor(device, [3, 4], 1, [0.1, 0.4]);
    const y = randomTensor(device, [3, 4], 2, [-2, -1]);
    const w = randomTensor(device, [4], 3);
    for (const f of [glu, tanhShrink, hardShrink, softShrink]) {
      await gradcheck((t) => f(t!), [y]);
      await gradcheck((t) => f(t!), [x]);
    }
    await checkSecondGradient((t) => glu(t!), [x]);
    await checkSecondGradient((t) => tanhShrink(t!), [y]);
    await gradcheck((t, s) => prelu(t!, s!), [x, w]);
    await checkSecondGradient((t, s) => prelu(t!, s!), [y, w]);
  });
  test.each<[string, () => unknown]>([
    [
      "prelu: weight must broadcast to x's shape\n  x      [2, 3]\n  weight [2, 1, 1]",
      () => prelu(zeros(device, [2, 3]), zeros(device, [2, 1, 1])),
    ],
    ["prelu: x must be f32, got i32", () => prelu(zeros(device, [2], { dtype: "i32" }), zeros(device, [1]))],
    [
      "threshold: threshold must be a finite number, got NaN",
      () => threshold(zeros(device, [2]), { threshold: nan, value: 0 }),
    ],
    [
      "threshold: value must be a number, got undefined",
      () => threshold(zeros(device, [2]), { threshold: 0 } as never),
    ],
    ["hardShrink: lambda must be a finite number >= 0, got -1", () => hardShrink(zeros(device, [2]), { lambda: -1 })],
    [
      "softShrink: lambda must be a finite number >= 0, got Infinity",
      () => softShrink(zeros(device, [2]), { lambda: inf }),
    ],
    ["glu: the axis must have an even size, got 3 on axis 1\n  x [2, 3]", () => glu(zeros(device, [2, 3]))],
    ["tanhShrink: x must be f32, got bool", () => tanhShrink(tensor(device, [true]))],
  ])("rejects: %s", (text, call) => {
    expect(call).toThrow(text);
  });
});

describe("maskedFill", () => {
  const mask = () => tensor(device, [true, false, true]);
  test("values, gradient, element types", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 3, 4, 5, 6], [2, 3], { requiresGrad: true });
    const y = maskedFill(x, mask(), { value: -inf });
    expect(Array.from(await y.data())).toEqual([-inf, 2, -inf, -inf, 5, -inf]);
    const gradient = backward(y, { gradOutput: full(device, [2, 3], 7) }).of(x);
    expect(Array.from(await gradient.data())).toEqual([0, 7, 0, 0, 7, 0]);
    const whole = maskedFill(tensor(device, [1, 2, 3], [3], { dtype: "i32" }), mask(), { value: 9 });
    expect([whole.dtype, ...(await whole.data())]).toEqual(["i32", 9, 2, 9]);
    await checkSecondGradient((t) => maskedFill(t!, mask(), { value: 2 }), [randomTensor(device, [2, 3], 1)]);
  });
  test("rejects", () => {
    const x = zeros(device, [2, 3]);
    expect(() => maskedFill(x, zeros(device, [3]), { value: 0 })).toThrow("maskedFill: mask must be bool, got f32");
    expect(() => maskedFill(mask(), mask(), { value: 0 })).toThrow(
      "maskedFill: x must be numbers, got bool; where takes bools",
    );
    expect(() => maskedFill(zeros(device, [3]), tensor(device, [[true], [false]]), { value: 0 })).toThrow(
      "maskedFill: mask must broadcast to x's shape\n  x    [3]\n  mask [2, 1]",
    );
    expect(() => maskedFill(zeros(device, [3], { dtype: "i32" }), mask(), { value: 0.5 })).toThrow(/0\.5/);
  });
});
