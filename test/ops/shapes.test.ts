/** Ops that move elements and are made of a few others: flip, roll, swapAxes, tile, repeatElements, squeeze, unsqueeze, flatten, unstack, tril, triu. */
import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { stack, unstack } from "../../src/tensor/ops/concat.js";
import { flip, repeatElements, roll, swapAxes, tile } from "../../src/tensor/ops/flip.js";
import { flatten, squeeze, unsqueeze } from "../../src/tensor/ops/squeeze.js";
import { broadcastTo } from "../../src/tensor/ops/sum.js";
import { tril, triu } from "../../src/tensor/ops/tril.js";
import { sizeOf, stridesOf } from "../../src/tensor/shape.js";
import { type DType, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();

/** Where in `x` each element of the result is, from its place; `null`: zero. */
type Source = (place: number[]) => number[] | null;
interface Case {
  name: string;
  shape: number[];
  op: (x: Tensor) => Tensor;
  result: number[];
  source: Source;
}

const wrap = (i: number, n: number) => ((i % n) + n) % n;
const cases: Case[] = [
  { name: "flip all", shape: [3, 5], op: flip, result: [3, 5], source: ([i, j]) => [2 - i!, 4 - j!] },
  {
    name: "flip one",
    shape: [2, 3, 5],
    op: (x) => flip(x, { axes: -2 }),
    result: [2, 3, 5],
    source: ([i, j, k]) => [i!, 2 - j!, k!],
  },
  { name: "flip nothing", shape: [0, 3], op: flip, result: [0, 3], source: () => null },
  { name: "flip a scalar", shape: [], op: flip, result: [], source: () => [] },
  {
    name: "roll on",
    shape: [5, 3],
    op: (x) => roll(x, { shift: 2, axis: 0 }),
    result: [5, 3],
    source: ([i, j]) => [wrap(i! - 2, 5), j!],
  },
  {
    name: "roll back, far",
    shape: [2, 5],
    op: (x) => roll(x, { shift: -13, axis: -1 }),
    result: [2, 5],
    source: ([i, j]) => [i!, wrap(j! + 13, 5)],
  },
  { name: "roll all the way", shape: [3], op: (x) => roll(x, { shift: 3, axis: 0 }), result: [3], source: (p) => p },
  { name: "roll nothing", shape: [0], op: (x) => roll(x, { shift: 3, axis: 0 }), result: [0], source: () => null },
  {
    name: "swapAxes",
    shape: [2, 3, 5],
    op: (x) => swapAxes(x, { axes: [0, -1] }),
    result: [5, 3, 2],
    source: ([i, j, k]) => [k!, j!, i!],
  },
  {
    name: "tile",
    shape: [2, 3],
    op: (x) => tile(x, { repeats: [3, 2] }),
    result: [6, 6],
    source: ([i, j]) => [i! % 2, j! % 3],
  },
  {
    name: "tile with new axes",
    shape: [3],
    op: (x) => tile(x, { repeats: [2, 1, 2] }),
    result: [2, 1, 6],
    source: ([, , k]) => [k! % 3],
  },
  { name: "tile no times", shape: [2, 3], op: (x) => tile(x, { repeats: [0, 2] }), result: [0, 6], source: () => null },
  {
    name: "tile, 8 axes",
    shape: [1, 2, 1, 2, 1, 2, 1, 2],
    op: (x) => tile(x, { repeats: [1, 1, 1, 1, 1, 1, 3, 1] }),
    result: [1, 2, 1, 2, 1, 2, 3, 2],
    source: (p) => p.map((at, i) => (i === 6 ? 0 : at)),
  },
  {
    name: "repeatElements",
    shape: [2, 3],
    op: (x) => repeatElements(x, { repeats: 3, axis: 1 }),
    result: [2, 9],
    source: ([i, j]) => [i!, Math.floor(j! / 3)],
  },
  { name: "squeeze all", shape: [1, 3, 1, 2], op: squeeze, result: [3, 2], source: ([i, j]) => [0, i!, 0, j!] },
  {
    name: "squeeze one",
    shape: [1, 3, 1, 2],
    op: (x) => squeeze(x, { axes: -2 }),
    result: [1, 3, 2],
    source: ([i, j, k]) => [i!, j!, 0, k!],
  },
  {
    name: "unsqueeze",
    shape: [3, 2],
    op: (x) => unsqueeze(x, { axes: [0, -1] }),
    result: [1, 3, 2, 1],
    source: ([, j, k]) => [j!, k!],
  },
  {
    name: "flatten",
    shape: [2, 3, 5],
    op: flatten,
    result: [30],
    source: ([i]) => [Math.floor(i! / 15), Math.floor(i! / 5) % 3, i! % 5],
  },
  {
    name: "flatten from 1",
    shape: [2, 3, 5],
    op: (x) => flatten(x, { start: 1 }),
    result: [2, 15],
    source: ([i, j]) => [i!, Math.floor(j! / 5), j! % 5],
  },
  { name: "flatten a scalar", shape: [], op: flatten, result: [1], source: () => [] },
  {
    name: "unstack and stack",
    shape: [2, 3, 5],
    op: (x) => stack(unstack(x, { axis: 1 }), { axis: 2 }),
    result: [2, 5, 3],
    source: ([i, j, k]) => [i!, k!, j!],
  },
  { name: "tril", shape: [2, 3, 4], op: tril, result: [2, 3, 4], source: (p) => (p[2]! <= p[1]! ? p : null) },
  {
    name: "triu, diagonal 1",
    shape: [4, 3],
    op: (x) => triu(x, { diagonal: 1 }),
    result: [4, 3],
    source: (p) => (p[1]! >= p[0]! + 1 ? p : null),
  },
  {
    name: "tril, diagonal -1",
    shape: [3, 3],
    op: (x) => tril(x, { diagonal: -1 }),
    result: [3, 3],
    source: (p) => (p[1]! <= p[0]! - 1 ? p : null),
  },
  { name: "tril of nothing", shape: [0, 3], op: tril, result: [0, 3], source: () => null },
  {
    name: "broadcastTo 8 axes",
    shape: [2, 1, 3, 1],
    op: (x) => broadcastTo(x, { shape: [2, 1, 2, 1, 2, 5, 3, 2] }),
    result: [2, 1, 2, 1, 2, 5, 3, 2],
    source: (p) => [p[4]!, 0, p[6]!, 0],
  },
];

const dtypes: DType[] = ["f32", "i32", "u32", "bool"];

describe.each(cases)("$name", ({ shape, op, result, source }) => {
  test.each(dtypes)("forward, %s", async (dtype) => {
    using _scope = device.scope();
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => (dtype === "bool" ? i % 2 : i + 1));
    const y = op(tensor(device, values, shape, { dtype }));
    expect(y.shape).toEqual(result);
    expect(y.dtype).toBe(dtype);
    const [from, to] = [stridesOf(shape), stridesOf(result)];
    const expected = Array.from({ length: sizeOf(result) }, (_, i) => {
      const place = source(result.map((size, axis) => Math.floor(i / to[axis]!) % size));
      return place === null ? 0 : values[place.reduce((total, p, axis) => total + p * from[axis]!, 0)]!;
    });
    expect(Array.from(await y.data())).toEqual(expected);
  });
  if (sizeOf(result) > 0) {
    test("gradients, first and second", async () => {
      const x = randomTensor(device, shape, 1);
      await gradcheck((t) => op(t!), [x]);
      await checkSecondGradient((t) => op(t!), [x]);
    });
  }
});

describe("rejects", () => {
  const x = randomTensor(device, [2, 3], 1);
  const deep = randomTensor(device, [1, 1, 1, 1, 1, 1, 1, 1], 1);
  test.each<[string, () => unknown]>([
    ["flip: axis must lie in [-2, 1]", () => flip(x, { axes: 2 })],
    ["flip: an axis is named twice", () => flip(x, { axes: [0, -2] })],
    ["roll: axis must lie in [-2, 1]", () => roll(x, { shift: 1, axis: 2 })],
    ["roll: shift must be a whole number, got 0.5", () => roll(x, { shift: 0.5, axis: 0 })],
    ["swapAxes: axis must lie in [-2, 1]", () => swapAxes(x, { axes: [0, 2] })],
    ["tile: repeats must have an entry for each of the 2 axes, got [2]\n  x [2, 3]", () => tile(x, { repeats: [2] })],
    ["tile: repeats must be whole numbers >= 0, got [2, -1]", () => tile(x, { repeats: [2, -1] })],
    [
      "repeatElements: repeats must be a whole number >= 0, got 1.5",
      () => repeatElements(x, { repeats: 1.5, axis: 0 }),
    ],
    ["squeeze: only axes of size 1 can be dropped, got size 3 on axis 1\n  x [2, 3]", () => squeeze(x, { axes: 1 })],
    ["unsqueeze: axis must lie in [-3, 2]", () => unsqueeze(x, { axes: 3 })],
    ["unsqueeze: at most 8 axes are supported, got 9", () => unsqueeze(deep, { axes: 0 })],
    ["flatten: start must not come after end, got 1 and 0\n  x [2, 3]", () => flatten(x, { start: 1, end: 0 })],
    ["unstack: axis must lie in [-2, 1]", () => unstack(x, { axis: 2 })],
    ["tril: x must have at least 2 axes, got 1\n  x [2]", () => tril(tensor(device, [1, 2]))],
    ["triu: diagonal must be a whole number, got 0.5", () => triu(x, { diagonal: 0.5 })],
    ["broadcastTo: at most 8 axes are supported, got 9", () => broadcastTo(x, { shape: [1, 1, 1, 1, 1, 1, 1, 2, 3] })],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
