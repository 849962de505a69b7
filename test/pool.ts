/** What the tests of the pooling ops share: cases, error texts and the check of second derivatives. */
import { expect } from "vitest";
import { backward } from "../src/tensor/backward.js";
import { mul, square } from "../src/tensor/ops/elementwise.js";
import { sum } from "../src/tensor/ops/sum.js";
import type { PoolOptions } from "../src/tensor/pool-window.js";
import type { Shape } from "../src/tensor/shape.js";
import { full, type Tensor, tensor } from "../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "./device.js";
import type { Window } from "./reference/pool-window.js";

const device = await testDevice();

const both = (value: number | readonly [number, number]): readonly [number, number] =>
  typeof value === "number" ? [value, value] : value;

/** TensorFlow's rule for one axis, written out. */
function same(size: number, kernel: number, stride: number, dilation: number): [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/** The options with every number written out for both axes. */
export function windowOf(
  options: PoolOptions & { dilation?: number | readonly [number, number] },
  [, H, W]: readonly number[],
): Window {
  const [kernel, stride] = [both(options.kernelSize), both(options.stride ?? options.kernelSize)];
  const { padding = 0 } = options;
  const dilation = both(options.dilation ?? 1);
  const sides = ([0, 1] as const).map((i): readonly [number, number] => {
    if (padding === "same") return same([H!, W!][i]!, kernel[i], stride[i], dilation[i]);
    if (padding === "valid") return [0, 0];
    const own = typeof padding === "number" ? padding : padding[i];
    return both(own);
  });
  return { kernel, stride, padding: sides, dilation, ceilMode: options.ceilMode ?? false };
}

/** Shapes and windows: odd, prime, 1, overhanging, touching padding only at its edge. */
export const poolCases: { shape: number[]; options: PoolOptions }[] = [
  { shape: [2, 6, 9, 3], options: { kernelSize: 2 } },
  { shape: [2, 7, 10, 4], options: { kernelSize: 3, stride: 2, padding: 1 } },
  { shape: [1, 7, 5, 8], options: { kernelSize: [3, 2], stride: [1, 3], padding: [1, 0] } },
  { shape: [1, 13, 11, 1], options: { kernelSize: 7, stride: 3, padding: 3, ceilMode: true } },
  { shape: [3, 6, 8, 2], options: { kernelSize: 3, stride: 2, ceilMode: true } },
  { shape: [1, 2, 5, 3], options: { kernelSize: [3, 2], stride: [2, 3], padding: [1, 1], ceilMode: true } },
  { shape: [1, 3, 2, 5], options: { kernelSize: 1, stride: 4, ceilMode: true } },
  { shape: [2, 1, 1, 5], options: { kernelSize: 1 } },
  { shape: [1, 1, 1, 4], options: { kernelSize: 3, stride: 1, padding: 1 } },
  { shape: [2, 5, 7, 3], options: { kernelSize: [5, 7] } },
  { shape: [1, 67, 61, 2], options: { kernelSize: 2, stride: 5 } },
  { shape: [2, 7, 10, 3], options: { kernelSize: [3, 4], stride: [2, 3], padding: "same" } },
  { shape: [1, 5, 6, 4], options: { kernelSize: 2, stride: 1, padding: "same" } },
  { shape: [1, 5, 7, 2], options: { kernelSize: 2, stride: 3, padding: "same" } },
  { shape: [2, 5, 7, 3], options: { kernelSize: 2, padding: "valid" } },
  {
    shape: [2, 6, 5, 3],
    options: {
      kernelSize: 4,
      stride: [2, 3],
      padding: [
        [1, 2],
        [0, 2],
      ],
      ceilMode: true,
    },
  },
  { shape: [0, 6, 4, 4], options: { kernelSize: 2 } },
  { shape: [2, 6, 4, 0], options: { kernelSize: 2 } },
];

/** Checks the Hessian of sum(pool(x)^2) times v against 2 J^T J v, with J v by forward and J^T by the first gradient: pooling is locally linear. */
export async function checkSecond(x: Tensor, pool: (t: Tensor) => Tensor): Promise<void> {
  const v = randomTensor(device, x.shape, 9, [-0.05, 0.05]);
  const gradient = backward(sum(square(pool(x))), { createGraph: true }).of(x);
  const second = backward(sum(mul(gradient, v))).of(x);
  // J v = (pool(x + v) - pool(x - v)) / 2 as long as v changes no winner.
  const data = await x.data();
  const shift = await v.data();
  const at = async (sign: number) =>
    pool(
      tensor(
        device,
        data.map((value, i) => value + sign * shift[i]!),
        x.shape,
      ),
    ).data();
  const [above, below] = [await at(1), await at(-1)];
  const along = above.map((value, i) => value - below[i]!);
  const y = pool(x);
  const expected = backward(y, { gradOutput: tensor(device, along, y.shape) }).of(x);
  expectClose(await second.data(), await expected.data(), 1e-4, "second derivative");
}

/** Checks the texts of the errors that both poolings share. */
export function expectRejections(name: string, pool: (x: Tensor, options: PoolOptions) => Tensor): void {
  const rejects = (shape: Shape, options: PoolOptions, text: string) =>
    expect(() => pool(full(device, shape, 0), options)).toThrow(text);
  rejects([2, 3, 4], { kernelSize: 2 }, `${name}: x must have 4 axes (NHWC), got 3\n  x [2, 3, 4]`);
  rejects(
    [1, 4, 9, 2],
    { kernelSize: 7, padding: 1 },
    `${name}: the kernel must fit into the padded input, got 7 x 7 for 6 x 11\n  x NHWC [1, 4, 9, 2]`,
  );
  rejects(
    [1, 4, 9, 2],
    { kernelSize: [4, 3], padding: 2 },
    `${name}: padding must be at most half the kernel, got 2 x 2 for 4 x 3\n  x NHWC [1, 4, 9, 2]`,
  );
  rejects([1, 4, 9, 2], { kernelSize: 0 }, `${name}: kernelSize must be whole and at least 1, got 0`);
  rejects(
    [1, 4, 9, 2],
    { kernelSize: 2, stride: [1, 0.5] },
    `${name}: stride must be whole and at least 1, got [1, 0.5]`,
  );
  rejects([1, 4, 9, 2], { kernelSize: 2, padding: -1 }, `${name}: padding must be whole and at least 0, got -1`);
  const uneven = [
    [0, 3],
    [1, 0],
  ] as const;
  rejects(
    [1, 4, 9, 2],
    { kernelSize: [4, 3], padding: uneven },
    `${name}: padding must be at most half the kernel, got [[0, 3], [1, 0]] for 4 x 3\n  x NHWC [1, 4, 9, 2]`,
  );
  rejects(
    [1, 4, 9, 2],
    { kernelSize: 3, padding: [uneven[0], [1, -1]] },
    `${name}: padding must be whole and at least 0, got [1, -1]`,
  );
  rejects([1, 0, 9, 2], { kernelSize: 2, padding: 1 }, `${name}: every window must hold an element of the input`);
}

/** Shapes and output sizes of the adaptive poolings: dividing, not dividing, one, all, and more than there are pixels. */
export const adaptiveCases: { shape: number[]; size: number | [number, number] }[] = [
  { shape: [2, 6, 8, 3], size: [3, 2] },
  { shape: [2, 7, 11, 4], size: [3, 5] },
  { shape: [1, 13, 5, 2], size: 5 },
  { shape: [2, 5, 7, 3], size: 1 },
  { shape: [1, 3, 4, 4], size: [5, 7] },
  { shape: [1, 1, 1, 5], size: 2 },
  { shape: [1, 67, 61, 1], size: [11, 60] },
  { shape: [0, 6, 4, 4], size: 2 },
  { shape: [2, 6, 4, 0], size: 2 },
];
