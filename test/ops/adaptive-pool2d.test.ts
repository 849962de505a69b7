import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { adaptiveAvgPool2d, adaptiveMaxPool2d } from "../../src/tensor/ops/adaptive-pool2d.js";
import { full, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { adaptiveCases, checkSecond } from "../pool.js";
import { avgPoolReference } from "../reference/avg-pool2d.js";
import { maxPoolReference } from "../reference/max-pool2d.js";

const device = await testDevice();
/** A rounding for each term of a window, added up in two levels. */
const tolerance = 1e-6;
const both = (size: number | [number, number]): [number, number] => (typeof size === "number" ? [size, size] : size);

describe("adaptiveAvgPool2d", () => {
  test.each(adaptiveCases)("forward and gradient: $shape to $size", async ({ shape, size }) => {
    const x = randomTensor(device, shape, 3, [-1, 2], { requiresGrad: true });
    const y = adaptiveAvgPool2d(x, { size });
    const gradOutput = randomTensor(device, y.shape, 4);
    const g = await gradOutput.data();
    const expected = avgPoolReference(await x.data(), shape, { size: both(size) }, false, () => g);
    expect(y.shape).toEqual(expected.shape);
    expectClose(await y.data(), expected.values, tolerance);
    expectClose(await backward(y, { gradOutput }).of(x).data(), expected.gradient, tolerance, "gradient");
  });
  test("gradient, and the gradient of the gradient", async () => {
    const x = randomTensor(device, [2, 5, 7, 3], 6, [-1, 1], { requiresGrad: true });
    await gradcheck((t) => adaptiveAvgPool2d(t, { size: [2, 3] }), [x]);
    await checkSecond(x, (t) => adaptiveAvgPool2d(t, { size: [2, 3] }));
  });
});

describe("adaptiveMaxPool2d", () => {
  test.each(adaptiveCases)("forward and gradient: $shape to $size", async ({ shape, size }) => {
    const x = randomTensor(device, shape, 3, [-2, -1], { requiresGrad: true });
    const y = adaptiveMaxPool2d(x, { size });
    const expected = maxPoolReference(await x.data(), shape, { size: both(size) });
    expect(y.shape).toEqual(expected.shape);
    expectClose(await y.data(), expected.values, 0);
    const gradOutput = randomTensor(device, y.shape, 4);
    const g = await gradOutput.data();
    const gradient = new Float64Array(x.size);
    expected.winners.forEach((from, to) => {
      gradient[from]! += g[to]!;
    });
    expectClose(await backward(y, { gradOutput }).of(x).data(), gradient, tolerance, "gradient");
  });
  test("NaN wins, and ties go to the first", async () => {
    const x = tensor(device, [1, Number.NaN, 1, 1, 1, 1], [1, 2, 3, 1], { requiresGrad: true });
    const y = adaptiveMaxPool2d(x, { size: [2, 1] });
    expectClose(await y.data(), [Number.NaN, 1], 0);
    const gradient = await backward(y, { gradOutput: full(device, y.shape, 1) })
      .of(x)
      .data();
    expect([...gradient]).toEqual([0, 1, 0, 1, 0, 0]);
  });
  test("gradient, and the gradient of the gradient", async () => {
    const order = uniform(105, 5).map((_, i) => ((i * 31) % 105) * 0.2);
    const x = tensor(device, order, [1, 5, 7, 3], { requiresGrad: true });
    await gradcheck((t) => adaptiveMaxPool2d(t, { size: [2, 3] }), [x]);
    await checkSecond(x, (t) => adaptiveMaxPool2d(t, { size: [2, 3] }));
  });
});

test.each([
  ["adaptiveAvgPool2d", adaptiveAvgPool2d],
  ["adaptiveMaxPool2d", adaptiveMaxPool2d],
] as const)("%s rejects what has no answer", (name, pool) => {
  const rejects = (shape: number[], size: number | [number, number], text: string) =>
    expect(() => pool(full(device, shape, 0), { size })).toThrow(text);
  rejects([2, 3, 4], 1, `${name}: x must have 4 axes (NHWC), got 3\n  x [2, 3, 4]`);
  rejects([1, 2, 3, 4], 0, `${name}: size must be whole and at least 1, got 0`);
  rejects([1, 2, 3, 4], [1, 1.5], `${name}: size must be whole and at least 1, got [1, 1.5]`);
  rejects([1, 0, 3, 4], 1, `${name}: height and width must be at least 1, got 0 x 3\n  x NHWC [1, 0, 3, 4]`);
});
