/** gridSample and affineGrid. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { affineGrid, gridSample } from "../../src/tensor/ops/grid-sample.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { gridSampleReference } from "../reference/grid-sample.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
/** A coordinate, two weights and four products. */
const tolerance = 4e-6;

const shapes: { shape: [number, number, number, number]; size: [number, number] }[] = [
  { shape: [2, 5, 7, 3], size: [4, 3] },
  { shape: [1, 1, 4, 4], size: [2, 9] },
  { shape: [3, 6, 1, 1], size: [1, 5] },
];
const rules = (["bilinear", "nearest"] as const).flatMap((mode) =>
  (["zeros", "border", "reflection"] as const).flatMap((paddingMode) =>
    [false, true].map((alignCorners) => ({ mode, paddingMode, alignCorners })),
  ),
);

describe.each(rules)("gridSample %o", (rule) => {
  test.each(shapes)("forward: $shape at $size", async ({ shape, size }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 1);
    const grid = randomTensor(device, [shape[0], ...size, 2], 2, [-2.6, 2.6]);
    const y = gridSample(x, grid, rule);
    expect(y.shape).toEqual([shape[0], ...size, shape[3]]);
    expectClose(await y.data(), gridSampleReference(await x.data(), shape, await grid.data(), rule), tolerance);
  });
});

describe("gridSample", () => {
  test("gradients, first and second, with respect to the images and the grid", async () => {
    const x = randomTensor(device, [1, 3, 4, 2], 1);
    // Between pixels, inside and outside.
    const grid = tensor(device, [0.13, -0.22, -0.71, 0.55, 1.37, 0.09], [1, 1, 3, 2]);
    for (const paddingMode of ["zeros", "border", "reflection"] as const) {
      const f = (image: Tensor, at: Tensor) => gridSample(image, at, { paddingMode });
      await gradcheck(f, [x, grid]);
      await checkSecondGradient(f, [x, grid]);
    }
  });
  test("nearest: the gradient goes to the pixels that were read, and is 0 for the grid", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [1, 2, 2, 1], 1, [-1, 1], { requiresGrad: true });
    const grid = tensor(device, [-0.5, -0.5, -0.4, -0.6, 0.5, 0.5], [1, 1, 3, 2], { requiresGrad: true });
    const gradOutput = tensor(device, [1, 2, 4], [1, 1, 3, 1]);
    const gradients = backward(gridSample(x, grid, { mode: "nearest" }), { gradOutput });
    expect(Array.from(await gradients.of(x).data())).toEqual([3, 0, 0, 4]);
    expect(Array.from(await gradients.of(grid).data())).toEqual([0, 0, 0, 0, 0, 0]);
  });
  test("the identity gives the image, a quarter turn turns it; also when captured", async () => {
    const x = randomTensor(device, [1, 3, 3, 2], 1);
    const values = await x.data();
    const warp = (theta: Tensor) => gridSample(x, affineGrid(theta, { size: 3 }), { paddingMode: "border" });
    expectClose(await warp(tensor(device, [1, 0, 0, 0, 1, 0], [1, 2, 3])).data(), values, tolerance);
    const turned = Array.from({ length: 18 }, (_, i) => {
      const [h, w, c] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
      return values[((2 - w) * 3 + h) * 2 + c]!;
    });
    const turn = tensor(device, [0, 1, 0, -1, 0, 0], [1, 2, 3]);
    expectClose(await warp(turn).data(), turned, tolerance);
    const captured = capture(device, warp);
    for (let call = 0; call < 3; call++) expectClose(await captured(turn).data(), turned, tolerance);
    captured.dispose();
  });
  test("affineGrid: positions, corners aligned or not, and gradients", async () => {
    const theta = tensor(device, [1, 0, 0.5, 0, 2, 0], [1, 2, 3]);
    const centres = await affineGrid(theta, { size: [1, 4] }).data();
    expectClose(centres, [-0.25, 0, 0.25, 0, 0.75, 0, 1.25, 0], 1e-6);
    const corners = await affineGrid(theta, { size: [2, 2], alignCorners: true }).data();
    expectClose(corners, [-0.5, -2, 1.5, -2, -0.5, 2, 1.5, 2], 1e-6);
    const random = randomTensor(device, [2, 2, 3], 3);
    await gradcheck((t) => affineGrid(t!, { size: [3, 2] }), [random]);
    await checkSecondGradient((t) => affineGrid(t!, { size: [3, 2] }), [random]);
  });
  test("no images, no positions", () => {
    expect(gridSample(zeros(device, [0, 2, 3, 1]), zeros(device, [0, 4, 5, 2])).shape).toEqual([0, 4, 5, 1]);
    expect(gridSample(zeros(device, [1, 2, 3, 1]), zeros(device, [1, 0, 5, 2])).shape).toEqual([1, 0, 5, 1]);
  });
  test("rejects", () => {
    const x = zeros(device, [2, 3, 4, 1]);
    expect(() => gridSample(x, zeros(device, [1, 2, 2, 2]))).toThrow(
      "gridSample: grid must be [N, OH, OW, 2] with the images' N = 2, got [1, 2, 2, 2]\n  x    NHWC [2, 3, 4, 1]\n  grid [1, 2, 2, 2]",
    );
    expect(() => gridSample(zeros(device, [1, 0, 4, 1]), zeros(device, [1, 2, 2, 2]))).toThrow(
      "gridSample: x must have pixels, got 0 x 4",
    );
    expect(() => gridSample(zeros(device, [3, 4]), x)).toThrow("gridSample: x must have 4 axes (NHWC), got 2");
    expect(() => gridSample(x, zeros(device, [2, 2, 2, 2]), { mode: "bicubic" as never })).toThrow(
      'gridSample: mode must be "bilinear" or "nearest", got "bicubic"',
    );
    expect(() => affineGrid(zeros(device, [2, 3]), { size: 2 })).toThrow(
      "affineGrid: theta must be [N, 2, 3], got [2, 3]",
    );
    expect(() => affineGrid(zeros(device, [1, 2, 3]), { size: [0, 2] })).toThrow("affineGrid: size must be whole");
  });
});
