/** Images over one binding: the same values as in one piece, in windows of images. The limit is pretended, so that small tensors exceed it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  abs,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  backward,
  batchNorm2d,
  createRng,
  groupNorm,
  instanceNorm,
  layerNorm,
  max,
  maxPool2d,
  mean,
  slice,
  square,
  sum,
  sumSquares,
  type Tensor,
  upsample2d,
} from "../../src/index.js";
import { limitGrids, maxGroups } from "../../src/kernels/grid.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";

const device = await testDevice();
const limit = 32_768;

const cases: { name: string; shape?: number[]; f: (x: Tensor) => Tensor }[] = [
  { name: "maxPool2d", f: (x) => maxPool2d(x, { kernelSize: 3, stride: 2, padding: 1 }) },
  { name: "maxPool2d of vec4s", shape: [40, 8, 8, 4], f: (x) => maxPool2d(x, { kernelSize: 2 }) },
  { name: "avgPool2d", f: (x) => avgPool2d(x, { kernelSize: [2, 3], stride: 1 }) },
  { name: "adaptiveAvgPool2d", f: (x) => adaptiveAvgPool2d(x, { size: [3, 2] }) },
  { name: "batchNorm2d", f: (x) => batchNorm2d(x, null, null, { mode: "train" }) },
  { name: "batchNorm2d of vec4s", shape: [40, 8, 8, 4], f: (x) => batchNorm2d(x, null, null, { mode: "train" }) },
  { name: "groupNorm", f: (x) => groupNorm(x, null, null, { groups: 1 }) },
  { name: "instanceNorm", f: (x) => instanceNorm(x) },
  { name: "layerNorm", f: (x) => layerNorm(x, null, null) },
  { name: "upsample2d nearest", f: (x) => upsample2d(x, { size: [8, 5] }) },
  { name: "upsample2d bilinear", f: (x) => upsample2d(x, { size: [3, 4], mode: "bilinear" }) },
  { name: "upsample2d bicubic", f: (x) => upsample2d(x, { size: [8, 4], mode: "bicubic" }) },
  { name: "adaptiveMaxPool2d", f: (x) => adaptiveMaxPool2d(x, { size: [3, 2] }) },
];

describe("images over one binding", () => {
  test.each(cases)("$name, its gradient and the gradient's gradient", async ({ shape = [150, 7, 5, 3], f }) => {
    const run = async () => {
      const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
      const y = f(x);
      const gradOutput = randomTensor(device, y.shape, 2, [-1, 1], { requiresGrad: true });
      const fused = backward(y, { wrt: [x], gradOutput }).of(x);
      const gradient = backward(y, { wrt: [x], gradOutput, createGraph: true }).of(x);
      const again = backward(sum(square(gradient)), { wrt: [gradOutput] }).of(gradOutput);
      return Promise.all([y, fused, gradient, again].map((tensor) => tensor.data()));
    };
    const expected = await run();
    await withBindingLimit(device, limit, async () => {
      const actual = await run();
      for (const [i, values] of actual.entries()) expectClose(values, expected[i]!, 1e-6);
    });
  });
  test("images that are too large are refused", async () => {
    await withBindingLimit(device, limit, () => {
      expect(() => maxPool2d(randomTensor(device, [3, 61, 67, 3], 1), { kernelSize: 2 })).toThrow(
        "maxPool2d: 64 images need a binding of 3138816 bytes, but this adapter allows 32768; use smaller images",
      );
    });
  });
});

/** 142 MB: over the 128 MiB that a binding may have on Mesa's lavapipe and by default, and 550,000 workgroups of 64. */
describe("45 photographs of 512 x 512", () => {
  // The tests' small grids would be too tall for so many workgroups.
  beforeAll(() => limitGrids(maxGroups));
  afterAll(() => limitGrids(7));
  const shape = [45, 512, 512, 3];
  const image = (x: Tensor, n: number) => slice(x, { start: [n], end: [n + 1] });

  test("each image is worked on as if it were alone", async () => {
    using _scope = device.scope();
    const x = createRng(device, 3).uniform(shape, { low: -1, high: 1 });
    const functions: ((x: Tensor) => Tensor)[] = [
      (t) => maxPool2d(t, { kernelSize: 64 }),
      (t) => avgPool2d(t, { kernelSize: 64 }),
      (t) => upsample2d(t, { size: [8, 16], mode: "bilinear" }),
      (t) => maxPool2d(instanceNorm(t), { kernelSize: 64 }),
    ];
    for (const f of functions) {
      const all = f(x);
      for (const n of [41, 42]) expect(await image(all, n).data(), `image ${n}`).toEqual(await f(image(x, n)).data());
    }
  });
  test("batchNorm2d and its gradient", async () => {
    using _scope = device.scope();
    const x = createRng(device, 3).uniform(shape, { low: 1, high: 3 });
    x.requiresGrad = true;
    const y = batchNorm2d(x, null, null, { mode: "train", eps: 0 });
    const [average, power] = await Promise.all([mean(y, { axes: [0, 1, 2] }), sumSquares(y)].map((t) => t.data()));
    // Uniform numbers of 12 million a channel: mean 0 and variance 1 after it, to rounding.
    expectClose([...average!, 1], [0, 0, 0, 1], 1e-6);
    expectClose(power!, [y.size], 1e-5);
    // The gradient of y itself is of no mean and not along y, so almost nothing is left of it.
    const gradient = backward(y, { gradOutput: y.detach() }).of(x);
    expectClose(await max(abs(gradient)).data(), [0], 1e-5);
  });
});
