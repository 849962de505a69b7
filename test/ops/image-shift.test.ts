import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { imageShift, imageShiftGradInput } from "../../src/tensor/ops/image-shift.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { imageShiftSources } from "../reference/image-shift.js";

const device = await testDevice();
/** Forward moves elements; the gradient adds as many as a corner repeats. */
const tolerance = 2e-6;

type Images = readonly [number, number, number, number];
const cases: { shape: Images; dy: number[]; dx: number[] }[] = [
  { shape: [1, 1, 1, 1], dy: [3], dx: [-2] },
  { shape: [3, 7, 11, 3], dy: [0, 2, -5], dx: [4, 0, -1] },
  { shape: [2, 5, 3, 2], dy: [4, -4], dx: [-2, 2] },
  { shape: [4, 5, 3, 1], dy: [5, -5, 2147483647, -2147483648], dx: [100, -100, -2147483648, 1] },
  { shape: [2, 1, 67, 1], dy: [1, -1], dx: [66, -30] },
  { shape: [0, 5, 3, 2], dy: [], dx: [] },
  { shape: [2, 0, 3, 2], dy: [1, 1], dx: [1, 1] },
];

describe("imageShift", () => {
  test.each(cases)("forward: $shape by $dy, $dx", async ({ shape, dy, dx }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 5);
    const values = await x.data();
    const y = imageShift(x, { dy, dx });
    expectClose(
      await y.data(),
      imageShiftSources(shape, dy, dx).map((i) => values[i]!),
      0,
    );
  });
  test("forward: moves down and to the right; shifts from tensors", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const shift = (value: number) => tensor(device, [value], [1], { dtype: "i32" });
    const y = imageShift(x, { dy: shift(1), dx: shift(1) });
    expect(Array.from(await y.data())).toEqual([1, 1, 2, 1, 1, 2]);
  });
  test.each(cases)("gradient: $shape by $dy, $dx", async ({ shape, dy, dx }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 5, [-1, 1], { requiresGrad: true });
    const gradOutput = randomTensor(device, shape, 6);
    const incoming = await gradOutput.data();
    const expected = new Float64Array(x.size);
    imageShiftSources(shape, dy, dx).forEach((source, i) => {
      expected[source]! += incoming[i]!;
    });
    const gradient = backward(imageShift(x, { dy, dx }), { gradOutput }).of(x);
    expectClose(await gradient.data(), expected, tolerance);
  });
  test("gradient: against differences", async () => {
    const options = { dy: [1, -3], dx: [-1, 2] };
    await gradcheck((x) => imageShift(x!, options), [randomTensor(device, [2, 3, 4, 2], 1)]);
    const [dy, dx] = [options.dy, options.dx].map((values) => tensor(device, values, [2], { dtype: "i32" }));
    await gradcheck((g) => imageShiftGradInput(g!, dy!, dx!), [randomTensor(device, [2, 3, 4, 2], 2)]);
  });
  test("gradient of the gradient", async () => {
    using _scope = device.scope();
    const shape = [2, 3, 4, 1] as const;
    const options = { dy: [1, 0], dx: [-2, 1] };
    const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
    const y = imageShift(x, options);
    const first = backward(sum(mul(mul(y, y), y)), { createGraph: true }).of(x);
    const second = backward(sum(first)).of(x);
    const counts = new Float64Array(x.size);
    for (const source of imageShiftSources(shape, options.dy, options.dx)) counts[source]!++;
    expectClose(
      await second.data(),
      Array.from(await x.data(), (v, i) => 6 * v * counts[i]!),
      tolerance,
    );
  });
  test("rejects what is no batch of images with a whole shift each", () => {
    const x = randomTensor(device, [2, 3, 4, 1], 0);
    expect(() => imageShift(x, { dy: [1], dx: [1, 2] })).toThrow(
      "imageShift: dy and dx must hold one shift for each of the 2 images, got 1 and 2\n  x  NHWC [2, 3, 4, 1]\n  dy [1]\n  dx [2]",
    );
    expect(() => imageShift(x, { dy: [1, 0.5], dx: [1, 2] })).toThrow(
      "imageShift: dy must hold whole numbers, got 0.5",
    );
    expect(() => imageShift(x, { dy: [1, 2], dx: tensor(device, [1, 2]) })).toThrow(
      "imageShift: dx must be i32, got f32",
    );
    expect(() => imageShift(tensor(device, [1]), { dy: [1], dx: [1] })).toThrow(
      "imageShift: x must have 4 axes (NHWC), got 1\n  x [1]",
    );
  });
});
