import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { globalAvgPool2d, globalMaxPool2d } from "../../src/tensor/ops/global-pool2d.js";
import { full, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { checkSecond } from "../pool.js";
import { avgPoolReference } from "../reference/avg-pool2d.js";
import { maxPoolReference } from "../reference/max-pool2d.js";

const device = await testDevice();
const whole = { size: [1, 1] } as const;

const shapes = [
  [2, 5, 7, 3],
  [1, 1, 1, 1],
  [3, 67, 61, 4],
  [0, 3, 2, 4],
  [2, 3, 2, 0],
];

describe.each(shapes.map((shape) => ({ shape })))("$shape", ({ shape }) => {
  test("mean and gradient", async () => {
    const x = randomTensor(device, shape, 1, [-1, 2], { requiresGrad: true });
    const y = globalAvgPool2d(x);
    expect(y.shape).toEqual([shape[0], shape[3]]);
    const gradOutput = randomTensor(device, y.shape, 2);
    const g = await gradOutput.data();
    const expected = avgPoolReference(await x.data(), shape, whole, false, () => g);
    expectClose(await y.data(), expected.values, 1e-6);
    expectClose(await backward(y, { gradOutput }).of(x).data(), expected.gradient, 1e-6);
    expect(globalAvgPool2d(x, { keepDims: true }).shape).toEqual(expected.shape);
  });
  test("maximum and gradient", async () => {
    const x = randomTensor(device, shape, 1, [-2, -1], { requiresGrad: true });
    const y = globalMaxPool2d(x);
    expect(y.shape).toEqual([shape[0], shape[3]]);
    const expected = maxPoolReference(await x.data(), shape, whole);
    expectClose(await y.data(), expected.values, 0);
    const gradOutput = randomTensor(device, y.shape, 2);
    const g = await gradOutput.data();
    const gradient = new Float64Array(x.size);
    expected.winners.forEach((from, to) => {
      gradient[from]! += g[to]!;
    });
    expectClose(await backward(y, { gradOutput }).of(x).data(), gradient, 0);
    expect(globalMaxPool2d(x, { keepDims: true }).shape).toEqual(expected.shape);
  });
});

test("the first of equal maxima gets the gradient", async () => {
  const x = full(device, [1, 2, 2, 1], 3, { requiresGrad: true });
  const y = globalMaxPool2d(x);
  expect([
    ...(await backward(y, { gradOutput: full(device, [1, 1], 1) })
      .of(x)
      .data()),
  ]).toEqual([1, 0, 0, 0]);
});

test("gradients, and gradients of the gradients", async () => {
  const order = uniform(60, 5).map((_, i) => ((i * 31) % 60) * 0.2);
  const x = tensor(device, order, [2, 5, 2, 3], { requiresGrad: true });
  for (const pool of [globalAvgPool2d, globalMaxPool2d]) {
    await gradcheck((t) => pool(t!), [x]);
    await checkSecond(x, (t) => pool(t));
  }
});

test("rejects what has no answer", () => {
  for (const [name, pool] of Object.entries({ globalAvgPool2d, globalMaxPool2d }))
    expect(() => pool(full(device, [2, 3, 4], 0))).toThrow(`${name}: x must have 4 axes (NHWC), got 3\n  x [2, 3, 4]`);
  expect(() => globalAvgPool2d(full(device, [1, 1, 1, 1], 0, { dtype: "i32" }))).toThrow(
    "globalAvgPool2d: x must be f32, got i32",
  );
  expect(() => globalMaxPool2d(full(device, [2, 0, 3, 4], 0))).toThrow(
    "globalMaxPool2d: height and width must be at least 1, got 0 x 3\n  x NHWC [2, 0, 3, 4]",
  );
});
