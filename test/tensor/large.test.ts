/** Tensors over one binding: the same values as in one piece, in windows. The limit is pretended, so that small tensors exceed it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  add,
  backward,
  broadcastTo,
  concat,
  flip,
  max,
  mean,
  mul,
  pad,
  relu,
  slice,
  sum,
  sumSquares,
  type Tensor,
  tensor,
  tile,
  transpose,
} from "../../src/index.js";
import { limitGrids, maxGroups } from "../../src/kernels/grid.js";
import { sliceScatter } from "../../src/tensor/ops/slice.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";

const device = await testDevice();
const limit = 16_384;

const x = randomTensor(device, [300, 7, 5], 1);
const long = randomTensor(device, [9001], 2);

const cases: { name: string; f: () => Tensor }[] = [
  { name: "relu", f: () => relu(x) },
  { name: "add of two large ones", f: () => add(x, x) },
  { name: "mul by one value a column", f: () => mul(x, randomTensor(device, [5], 3)) },
  { name: "mul by one value a row", f: () => mul(x, randomTensor(device, [300, 1, 1], 4)) },
  { name: "mul by a middle axis", f: () => mul(x, randomTensor(device, [300, 7, 1], 5)) },
  { name: "sum of all", f: () => sum(x) },
  { name: "sum over the first axis", f: () => sum(x, { axes: 0 }) },
  { name: "sum over the last axis", f: () => sum(x, { axes: 2 }) },
  { name: "mean over the middle axis", f: () => mean(x, { axes: 1 }) },
  { name: "max over two axes", f: () => max(x, { axes: [0, 2] }) },
  { name: "sum of squares of a long axis", f: () => sumSquares(long) },
  { name: "sum over the first axis of few long rows", f: () => sum(randomTensor(device, [3, 9001], 8), { axes: 0 }) },
  { name: "mean of each of few long rows", f: () => mean(randomTensor(device, [3, 9001], 8), { axes: 1 }) },
  { name: "max over the middle of few", f: () => max(randomTensor(device, [2, 5, 4999], 9), { axes: 1 }) },
];

/** Ops that only move elements, on what is over one binding as input, as result, or both. */
const moving: { name: string; shape?: number[]; f: (x: Tensor) => Tensor }[] = [
  { name: "transpose", f: (t) => transpose(t) },
  { name: "transpose of a few long rows", shape: [3, 9001], f: (t) => transpose(t) },
  { name: "transpose of many short rows", shape: [9001, 3], f: (t) => transpose(t) },
  { name: "transpose of two large axes", shape: [211, 223], f: (t) => transpose(t) },
  { name: "transpose of inner axes", f: (t) => transpose(t, { axes: [0, 2, 1] }) },
  { name: "slice with steps", f: (t) => slice(t, { start: [1, 6], step: [2, -3] }) },
  { name: "slice of a long axis", shape: [9001], f: (t) => slice(t, { start: [5], end: [-1], step: [2] }) },
  { name: "slice of columns", f: (t) => slice(t, { start: [0, 1, 2], end: [300, 5, 4] }) },
  { name: "flip", f: (t) => flip(t) },
  { name: "flip of rows", f: (t) => flip(t, { axes: 0 }) },
  { name: "concat along the last axis", f: (t) => concat([t, t, t], { axis: 2 }) },
  { name: "concat along the first axis", f: (t) => concat([t, t], { axis: 0 }) },
  { name: "broadcastTo, a new first axis", shape: [7, 5], f: (t) => broadcastTo(t, { shape: [300, 7, 5] }) },
  { name: "broadcastTo from a small one", shape: [7, 1], f: (t) => broadcastTo(t, { shape: [300, 7, 5] }) },
  { name: "broadcastTo from one element", shape: [], f: (t) => broadcastTo(t, { shape: [9001] }) },
  { name: "tile", shape: [900, 5], f: (t) => tile(t, { repeats: [1, 3] }) },
  {
    name: "pad",
    f: (t) =>
      pad(t, {
        padding: [
          [3, 1],
          [0, 2],
          [1, 0],
        ],
        value: -2,
      }),
  },
  ...(["replicate", "reflect", "symmetric", "circular"] as const).map((mode) => ({
    name: `pad, ${mode}`,
    f: (t: Tensor) =>
      pad(t, {
        padding: [
          [0, 0],
          [2, 3],
          [4, 1],
        ],
        mode,
      }),
  })),
  { name: "pad of few elements", shape: [3], f: (t) => pad(t, { padding: [[7000, 2001]], value: 5 }) },
  { name: "sliceScatter", f: (t) => sliceScatter(t, { shape: [610, 7, 11], start: [609, 0, 1], step: [-2, 1, 2] }) },
];

describe("moving what is over one binding", () => {
  test.each(moving)("$name, its gradient and the gradient's gradient", async ({ shape = [300, 7, 5], f }) => {
    const run = async () => {
      const leaf = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
      const y = f(leaf);
      const gradOutput = randomTensor(device, y.shape, 2, [-1, 1], { requiresGrad: true });
      const gradient = backward(y, { wrt: [leaf], gradOutput, createGraph: true }).of(leaf);
      const again = backward(gradient, { wrt: [gradOutput], gradOutput: leaf }).of(gradOutput);
      return Promise.all([y, gradient, again].map((one) => one.data()));
    };
    const expected = await run();
    await withBindingLimit(device, limit, async () => {
      const [y, gradient, again] = await run();
      expect(y).toEqual(expected[0]);
      expectClose(gradient!, expected[1]!, 1e-6);
      expect(again).toEqual(expected[2]);
    });
  });
  test("masks and whole numbers", async () => {
    const mask = tensor(
      device,
      Array.from({ length: 9000 }, (_, i) => i % 7 === 0),
      [3, 3000],
    );
    const [numbers] = [
      tensor(
        device,
        Int32Array.from({ length: 9000 }, (_, i) => -i),
        [3, 3000],
      ),
    ];
    const run = () => Promise.all([mask, numbers].map((t) => transpose(t).data()));
    const expected = await run();
    await withBindingLimit(device, limit, async () => expect(await run()).toEqual(expected));
  });
});

describe("over one binding", () => {
  test.each(cases)("$name", async ({ f }) => {
    const expected = await f().data();
    await withBindingLimit(device, limit, async () => expectClose(await f().data(), expected, 1e-6));
  });
  test("gradients", async () => {
    const run = async () => {
      const leaf = randomTensor(device, [300, 7, 5], 1, [-1, 1], { requiresGrad: true });
      return backward(sum(sumSquares(leaf, { axes: 2 })))
        .of(leaf)
        .data();
    };
    const expected = await run();
    await withBindingLimit(device, limit, async () => expectClose(await run(), expected, 1e-6));
  });
  test("what cannot be windowed says how many bytes it needs and how many are allowed", async () => {
    const wide = randomTensor(device, [2, 9001], 6);
    await withBindingLimit(device, limit, () => {
      expect(() => mul(wide, randomTensor(device, [9001], 7))).toThrow(
        "elementwise: 64 rows of a broadcast result need 2304256 bytes, but this adapter allows one binding 16384",
      );
    });
  });
});

/** 134.5 MB: over the 128 MiB that a binding may have on Mesa's lavapipe and by default. */
describe("5,801 x 5,797 elements", () => {
  // The tests' small grids would be too tall for so many workgroups.
  beforeAll(() => limitGrids(maxGroups));
  afterAll(() => {
    limitGrids(7);
    device.trim();
  });
  const [rows, columns] = [5801, 5797];
  const at = (t: Tensor, i: number, j: number) => slice(t, { start: [i, j], end: [i + 1, j + 1] }).item();

  test("broadcast, transposed, padded, and the gradient of a sum", async () => {
    using _scope = device.scope();
    const row = tensor(
      device,
      Float32Array.from({ length: columns }, (_, j) => j),
      [1, columns],
      { requiresGrad: true },
    );
    const wide = broadcastTo(row, { shape: [rows, columns] });
    const total = sum(wide, { axes: 0 });
    expect(await at(wide, rows - 1, columns - 1)).toBe(columns - 1);
    const gradient = backward(sum(total), { wrt: [wide, row] });
    expectClose(await gradient.of(row).data(), new Float32Array(columns).fill(rows), 1e-6);
    expect(await at(gradient.of(wide), rows - 1, 17)).toBe(1);
    const turned = transpose(wide);
    wide.dispose();
    for (const j of [0, 2899, columns - 1]) expect(await at(turned, j, (rows - 1 - j / 2) | 0)).toBe(j);
  });
});
