/** Ops with indices: gather, take, embedding, scatterAdd, indexAdd, oneHot. */
import { afterEach, describe, expect, test } from "vitest";
import { IndexError } from "../../src/kernels/errors.js";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { embedding, gather, take } from "../../src/tensor/ops/gather.js";
import { oneHot } from "../../src/tensor/ops/one-hot.js";
import { indexAdd, scatterAdd } from "../../src/tensor/ops/scatter-add.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { gatherPlaces, scatterReference } from "../reference/gather.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const ints = (shape: readonly number[], below: number, seed: number, dtype: "i32" | "u32" = "i32"): Tensor =>
  tensor(device, uniform(size(shape), seed, 0, below).map(Math.floor), shape, { dtype });

const cases: { shape: number[]; axis: number; count: number }[] = [
  { shape: [7], axis: 0, count: 5 },
  { shape: [3, 5, 2], axis: 1, count: 4 },
  { shape: [3, 5, 2], axis: 0, count: 1 },
  { shape: [5, 3], axis: -1, count: 131 },
  { shape: [67, 3], axis: 0, count: 1031 },
  { shape: [2, 3], axis: 1, count: 0 },
  { shape: [1, 1], axis: 0, count: 33 },
];

describe("gather and take", () => {
  test.each(cases)(
    "forward and gradient: $count indices along axis $axis of $shape",
    async ({ shape, axis, count }) => {
      using _scope = device.scope();
      const at = (axis + shape.length) % shape.length;
      for (const each of [true, false]) {
        for (const dtype of ["i32", "u32"] as const) {
          const own = each ? shape.map((s, i) => (i === at ? count : s)) : [count];
          const indices = ints(own, shape[at]!, 3, dtype);
          const x = randomTensor(device, shape, 4, [-1, 1], { requiresGrad: true });
          const y = (each ? gather : take)(x, indices, { axis });
          const places = gatherPlaces(shape, at, await indices.data(), each);
          const values = await x.data();
          expect(y.shape).toEqual(shape.map((s, i) => (i === at ? count : s)));
          expect(Array.from(await y.data())).toEqual(places.map((place) => values[place]!));
          const gradOutput = randomTensor(device, y.shape, 9);
          const gradient = backward(y, { gradOutput }).of(x);
          expectClose(await gradient.data(), scatterReference(places, await gradOutput.data(), size(shape)), 1e-6);
        }
      }
    },
  );
  test("forward: indices smaller than x off the axis, as torch.gather", async () => {
    const x = tensor(device, [1, 2, 3, 4, 5, 6], [2, 3]);
    const y = gather(x, tensor(device, [1, 0, 0], [3, 1], { dtype: "i32" }), { axis: 0 });
    expect(Array.from(await y.data())).toEqual([4, 1, 1]);
  });
  test("forward: take with indices of any shape; whole numbers and masks", async () => {
    const x = tensor(device, [5, 6, 7, 8, 9, 10], [2, 3], { dtype: "i32" });
    const y = take(x, tensor(device, [2, 0, 1, 1], [2, 2], { dtype: "u32" }), { axis: 1 });
    expect(y.shape).toEqual([2, 2, 2]);
    expect(y.dtype).toBe("i32");
    expect(Array.from(await y.data())).toEqual([7, 5, 6, 6, 10, 8, 9, 9]);
  });
  test("gradients, first and second", async () => {
    const each = ints([3, 4, 2], 5, 1);
    const rows = ints([4], 5, 2);
    const x = randomTensor(device, [3, 5, 2], 3);
    await gradcheck((t) => gather(t!, each, { axis: 1 }), [x]);
    await gradcheck((t) => take(t!, rows, { axis: 1 }), [x]);
    await checkSecondGradient((t) => gather(t!, each, { axis: 1 }), [x]);
    await checkSecondGradient((t) => take(t!, rows, { axis: 1 }), [x]);
  });
  test("in windows", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [300, 7, 5], 3, [-1, 1], { requiresGrad: true });
    const indices = ints([300, 4, 5], 7, 1);
    const run = async () => {
      const y = gather(x, indices, { axis: 1 });
      return [
        await y.data(),
        await backward(y, { gradOutput: randomTensor(device, y.shape, 2) })
          .of(x)
          .data(),
      ];
    };
    const expected = await run();
    await withBindingLimit(device, 16_384, async () => expect(await run()).toEqual(expected));
    await withBindingLimit(device, 16_384, () => {
      expect(() => take(randomTensor(device, [1, 9001], 1), ints([3], 9001, 1), { axis: 1 })).toThrow(
        /gather: \d+ rows need a binding of \d+ bytes, but this adapter allows 16384/,
      );
    });
  });
});

describe("embedding", () => {
  test("the gradient has the same bits on every run, and is right for a row named 5,000 times", async () => {
    using _scope = device.scope();
    const count = 6007;
    const list = Array.from({ length: count }, (_, i) => (i % 6 === 0 ? (i * 7) % 100 : 3));
    const indices = tensor(device, list, [count], { dtype: "i32" });
    const weight = randomTensor(device, [101, 5], 1, [-1, 1], { requiresGrad: true });
    const gradOutput = randomTensor(device, [count, 5], 2, [0, 1]);
    const run = async () => backward(embedding(weight, indices), { gradOutput }).of(weight).data();
    const first = await run();
    expect(await run()).toEqual(first);
    const places = gatherPlaces([101, 5], 0, list, false);
    expectClose(first, scatterReference(places, await gradOutput.data(), 505), 1e-6);
  });
});

describe("scatterAdd and indexAdd", () => {
  test("forward: equal indices add up; source and x may be larger than the indices", async () => {
    const x = tensor(device, [1, 1, 1, 1, 1, 1], [3, 2]);
    const y = scatterAdd(
      x,
      tensor(device, [2, 2, 0], [3, 1], { dtype: "i32" }),
      tensor(device, [10, 0, 20, 0, 30, 0, 0, 0], [4, 2]),
      { axis: 0 },
    );
    expect(Array.from(await y.data())).toEqual([31, 1, 1, 1, 31, 1]);
    const z = indexAdd(x, tensor(device, [1, 1], [2], { dtype: "u32" }), tensor(device, [1, 2, 3, 4], [2, 2]), {
      axis: 0,
    });
    expect(Array.from(await z.data())).toEqual([1, 1, 5, 7, 1, 1]);
  });
  test("gradients, first and second", async () => {
    const inputs = [randomTensor(device, [4, 3], 1), randomTensor(device, [4, 5], 2)];
    const indices = ints([4, 5], 3, 5);
    await gradcheck((x, s) => scatterAdd(x!, indices, s!, { axis: 1 }), inputs);
    await checkSecondGradient((x, s) => scatterAdd(x!, indices, s!, { axis: 1 }), inputs);
    const rows = ints([5], 3, 5);
    await gradcheck((x, s) => indexAdd(x!, rows, s!, { axis: 1 }), inputs);
    await checkSecondGradient((x, s) => indexAdd(x!, rows, s!, { axis: 1 }), inputs);
  });
});

test("oneHot", async () => {
  for (const dtype of ["i32", "u32"] as const) {
    const y = oneHot(tensor(device, [2, 0, 1, 2], [2, 2], { dtype }), { classes: 3 });
    expect(y.shape).toEqual([2, 2, 3]);
    expect(Array.from(await y.data())).toEqual([0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
  }
});

describe("an index outside of its axis", () => {
  // Whatever a test leaves unread must not fail the next one.
  afterEach(() => device.finish().catch(() => undefined));
  const x = tensor(device, [1, 2, 3], [3]);
  const i32 = (...values: number[]) => tensor(device, values, [values.length], { dtype: "i32" });

  test("is reported by the next wait, once; the result is 0 there", async () => {
    const y = take(x, i32(0, 7, 1, -2), { axis: 0 });
    await expect(x.data()).rejects.toThrow(
      "take: indices must lie in [0, 2], got -2 and 7; the first wrong one is element 1 of the indices",
    );
    expect(Array.from(await y.data())).toEqual([1, 0, 2, 0]);
  });
  test("is found in every row of workgroups", async () => {
    const indices = new Int32Array(1000);
    indices[900] = 3;
    await expect(take(x, tensor(device, indices), { axis: 0 }).data()).rejects.toThrow(
      "the first wrong one is element 900",
    );
  });
  test("rejects with an IndexError that names the first op, in finish too", async () => {
    take(x, i32(0, 1), { axis: 0 });
    gather(x, i32(5), { axis: 0 });
    embedding(zeros(device, [4, 2]), i32(9));
    const wait = device.finish();
    await expect(wait).rejects.toThrow(IndexError);
    await expect(wait).rejects.toThrow("gather: indices must lie in [0, 2], got 5; the first wrong one is element 0");
    await device.finish();
  });
  test.each<[string, () => Tensor]>([
    ["embedding: indices must lie in [0, 3], got 4;", () => embedding(zeros(device, [4, 2]), i32(4))],
    [
      "embedding: indices must lie in [0, 3], got 4294967295;",
      () => embedding(zeros(device, [4, 2]), tensor(device, [4294967295], [1], { dtype: "u32" })),
    ],
    ["scatterAdd: indices must lie in [0, 2], got -1;", () => scatterAdd(x, i32(-1), x, { axis: 0 })],
    ["indexAdd: indices must lie in [0, 2], got 3;", () => indexAdd(x, i32(3), tensor(device, [1]), { axis: 0 })],
    ["oneHot: indices must lie in [0, 4], got 5;", () => oneHot(i32(5), { classes: 5 })],
    ["take: there is no index into an axis of size 0, got 0;", () => take(zeros(device, [0]), i32(0), { axis: 0 })],
  ])("%s", async (message, call) => {
    await expect(call().data()).rejects.toThrow(message);
  });
  test("is found in a captured step, call by call", async () => {
    const step = capture(device, (indices: Tensor) => take(x, indices, { axis: 0 }));
    expect(Array.from(await step(i32(2, 1)).data())).toEqual([3, 2]);
    expect(Array.from(await step(i32(0, 0)).data())).toEqual([1, 1]);
    await expect(step(i32(0, 3)).data()).rejects.toThrow("take: indices must lie in [0, 2], got 3");
    expect(Array.from(await step(i32(1, 2)).data())).toEqual([2, 3]);
  });
});

describe("rejects", () => {
  const x = randomTensor(device, [2, 3], 1);
  const indices = tensor(device, [0, 1], [2], { dtype: "i32" });
  test.each<[string, () => unknown]>([
    ["gather: indices must be i32 or u32, got f32", () => gather(x, x, { axis: 0 })],
    [
      "gather: indices must have as many axes as x, got 1 and 2\n  x       [2, 3]\n  indices [2]",
      () => gather(x, indices, { axis: 0 }),
    ],
    [
      "gather: off axis 1 indices must not be larger than x, got 3 and 2 on axis 0",
      () => gather(x, ints([3, 1], 2, 1), { axis: 1 }),
    ],
    ["gather: axis must lie in [-2, 1]", () => gather(x, ints([2, 3], 2, 1), { axis: 2 })],
    ["take: axis must lie in [-2, 1]", () => take(x, indices, { axis: -3 })],
    ["take: indices must be i32 or u32, got f32", () => take(x, x, { axis: 0 })],
    ["embedding: weight must have 2 axes, got 1\n  weight [3]", () => embedding(tensor(device, [1, 2, 3]), indices)],
    [
      "scatterAdd: indices must not be larger than source",
      () => scatterAdd(x, ints([2, 3], 2, 1), randomTensor(device, [2, 2], 1), { axis: 1 }),
    ],
    [
      "scatterAdd: x and source must be f32, got f32 and i32",
      () => scatterAdd(x, ints([2, 3], 2, 1), ints([2, 3], 2, 1), { axis: 1 }),
    ],
    [
      "indexAdd: source must have x's shape with one slice for each index along axis 1, [2, 2], got [2, 3]",
      () => indexAdd(x, indices, x, { axis: 1 }),
    ],
    ["oneHot: classes must be a whole number >= 1, got 0\n  indices [2]", () => oneHot(indices, { classes: 0 })],
    ["oneHot: indices must be i32 or u32, got f32", () => oneHot(x, { classes: 2 })],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});

describe("embedding with paddingIdx", () => {
  const indices = () => tensor(device, [3, 0, 3, 1, 2, 0], [2, 3], { dtype: "i32" });
  test.each([0, 3, -1])("row %i is read as it is and gets no gradient", async (paddingIdx) => {
    using _scope = device.scope();
    const make = () => randomTensor(device, [4, 5], 3, [-1, 1], { requiresGrad: true });
    const gradOutput = randomTensor(device, [2, 3, 5], 4);
    const [plain, padded] = [make(), make()];
    const y = embedding(padded, indices(), { paddingIdx });
    const whole = embedding(plain, indices());
    expect(await y.data()).toEqual(await whole.data());
    const expected = await backward(whole, { gradOutput }).of(plain).data();
    const row = paddingIdx < 0 ? paddingIdx + 4 : paddingIdx;
    expect(expected.slice(5 * row, 5 * row + 5).some((value) => value !== 0)).toBe(true);
    expected.fill(0, 5 * row, 5 * row + 5);
    expect(await backward(y, { gradOutput }).of(padded).data()).toEqual(expected);
  });
  test("rejects what is no row", () => {
    const weight = randomTensor(device, [4, 5], 3);
    for (const paddingIdx of [4, -5, 1.5])
      expect(() => embedding(weight, indices(), { paddingIdx })).toThrow(
        `embedding: paddingIdx must lie in [-4, 3], got ${paddingIdx}`,
      );
  });
});
