import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { concat, type SplitOptions, split, stack } from "../../src/tensor/ops/concat.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { concatReference } from "../reference/concat.js";

const device = await testDevice();
/** Elements are moved, not computed. */
const tolerance = 0;

const cases: { shapes: number[][]; axis: number }[] = [
  { shapes: [[5]], axis: 0 },
  { shapes: [[3], [1], [7]], axis: 0 },
  {
    shapes: [
      [2, 3],
      [5, 3],
    ],
    axis: 0,
  },
  {
    shapes: [
      [2, 3, 5, 7],
      [2, 3, 5, 1],
      [2, 3, 5, 67],
    ],
    axis: -1,
  },
  {
    shapes: [
      [2, 3, 5],
      [2, 1, 5],
      [2, 0, 5],
      [2, 4, 5],
    ],
    axis: 1,
  },
  {
    shapes: [
      [0, 3],
      [0, 2],
    ],
    axis: 1,
  },
];

describe("concat", () => {
  test.each(cases)("forward: $shapes along $axis", async ({ shapes, axis }) => {
    using _scope = device.scope();
    const tensors = shapes.map((shape, i) => randomTensor(device, shape, i));
    const y = concat(tensors, { axis });
    const parts = await Promise.all(tensors.map(async (t) => ({ values: await t.data(), shape: t.shape })));
    expectClose(await y.data(), concatReference(parts, (axis + y.rank) % y.rank), tolerance);
  });
  test("forward: i32, and the same tensor twice", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, -2], [1, 2], { dtype: "i32" });
    const y = concat([x, x, x]);
    expect(y.dtype).toBe("i32");
    expect(Array.from(await y.data())).toEqual([1, -2, 1, -2, 1, -2]);
  });
  test("gradient", async () => {
    const weight = randomTensor(device, [2, 7, 3], 8);
    await gradcheck(
      (a, b, c) => mul(concat([a!, b!, c!, b!], { axis: 1 }), weight),
      [1, 2, 2].map((own, i) => randomTensor(device, [2, own, 3], i)),
    );
  });
  test("gradient of the gradient", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [2, 3], 1, [-1, 1], { requiresGrad: true });
    const y = concat([x, mul(x, x)], { axis: 1 });
    const first = backward(sum(mul(y, y)), { createGraph: true }).of(x);
    const second = backward(sum(first)).of(x);
    expectClose(
      await second.data(),
      Array.from(await x.data(), (v) => 2 + 12 * v * v),
      1e-6,
    );
  });
  test("rejects tensors that do not fit together", () => {
    const [a, b, c] = [[2, 3], [2, 4], [2]].map((shape) => randomTensor(device, shape, 0));
    expect(() => concat([])).toThrow("concat: needs at least one tensor, got 0");
    expect(() => concat([a!, b!])).toThrow(
      "concat: sizes off axis 0 must agree, got 3 and 4 on axis 1\n  tensors[0] [2, 3]\n  tensors[1] [2, 4]",
    );
    expect(() => concat([a!, c!])).toThrow("concat: ranks must agree, got 2 and 1\n  tensors[0] [2, 3]");
    expect(() => concat([a!], { axis: 2 })).toThrow("concat: axis must lie in [-2, 1] for a tensor of 2 axes, got 2");
    expect(() => concat([tensor(device, 1), tensor(device, 2)])).toThrow("concat: scalars have no axis to join along");
    expect(() => concat([c!, tensor(device, [1], [1], { dtype: "i32" })])).toThrow(
      "concat: all tensors must have one element type, got f32, i32",
    );
  });
});

describe("stack", () => {
  test.each([0, 1, -1])("forward: along %i", async (axis) => {
    using _scope = device.scope();
    const tensors = [0, 1, 2, 3].map((seed) => randomTensor(device, [3, 5], seed));
    const y = stack(tensors, { axis });
    const at = (axis + 3) % 3;
    const shape = [3, 5].toSpliced(at, 0, 1);
    expect(y.shape).toEqual([3, 5].toSpliced(at, 0, 4));
    const parts = await Promise.all(tensors.map(async (t) => ({ values: await t.data(), shape })));
    expectClose(await y.data(), concatReference(parts, at), tolerance);
  });
  test("forward: scalars", async () => {
    using _scope = device.scope();
    expect(Array.from(await stack([tensor(device, 3), tensor(device, 4)]).data())).toEqual([3, 4]);
  });
  test("gradient", async () => {
    await gradcheck(
      (a, b) => stack([a!, b!, a!], { axis: 1 }),
      [randomTensor(device, [2, 3], 1), randomTensor(device, [2, 3], 2)],
    );
  });
  test("rejects tensors of different shapes", () => {
    expect(() => stack([])).toThrow("stack: needs at least one tensor, got 0");
    expect(() => stack([tensor(device, [1, 2]), tensor(device, [1])])).toThrow(
      "stack: all tensors must have the same shape, got\n  tensors[0] [2]\n  tensors[1] [1]",
    );
    expect(() => stack([randomTensor(device, [1, 1, 1, 1, 1, 1, 1, 1], 1)])).toThrow("stack: at most 8 axes");
  });
});

describe("split", () => {
  test.each<SplitOptions & { sizes: number[] }>([
    { axis: 1, sizes: [2, 4, 1] },
    { axis: -2, sizes: [7, 0] },
    { axis: 2, sizes: [5] },
  ])("is undone by concat: %o", async (options) => {
    using _scope = device.scope();
    const x = randomTensor(device, [3, 7, 5], 1);
    const parts = split(x, options);
    const axis = (options.axis! + 3) % 3;
    expect(parts.map(({ shape }) => shape[axis])).toEqual(options.sizes);
    expectClose(await concat(parts, { axis }).data(), await x.data(), tolerance);
  });
  test("into equal parts", async () => {
    using _scope = device.scope();
    const parts = split(tensor(device, [1, 2, 3, 4, 5, 6], [2, 3]), { parts: 3, axis: 1 });
    expect(await Promise.all(parts.map(async (part) => Array.from(await part.data())))).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
  });
  test("gradient", async () => {
    await gradcheck(
      (x) => {
        const [a, b] = split(x!, { parts: 2, axis: 1 });
        return mul(a!, b!);
      },
      [randomTensor(device, [3, 4], 1)],
    );
  });
  test("rejects parts that do not make the whole", () => {
    const x = randomTensor(device, [2, 5], 0);
    expect(() => split(x, { parts: 2, axis: 1 })).toThrow("split: parts must divide axis 1, got 2 for 5\n  x [2, 5]");
    expect(() => split(x, { sizes: [1, 2] })).toThrow(
      "split: sizes must be whole numbers that add up to axis 0, got [1, 2] for 2\n  x [2, 5]",
    );
    expect(() => split(x, { sizes: [-1, 3] })).toThrow("split: sizes must be whole numbers");
    expect(() => split(x, {})).toThrow("split: needs either sizes or parts, got neither");
    expect(() => split(x, { sizes: [2], parts: 1 })).toThrow("split: needs either sizes or parts, got both");
  });
});
