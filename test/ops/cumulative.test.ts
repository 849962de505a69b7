import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { type CumSumOptions, cumMax, cumMin, cumProd, cumSum } from "../../src/tensor/ops/cumulative.js";
import { gather } from "../../src/tensor/ops/gather.js";
import { recurrence } from "../../src/tensor/ops/recurrence.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { cumulativeReference } from "../reference/cumulative.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
/** Blocks of 32 terms in order, a few levels of them. */
const tolerance = 1e-6;

const options: Omit<CumSumOptions, "axis">[] = [
  {},
  { reverse: true },
  { exclusive: true },
  { exclusive: true, reverse: true },
];
const shapes: [number[], number][] = [
  [[7], 0],
  [[1, 3], 0],
  [[3, 33, 5], 1],
  [[2, 32], -1],
  [[1100, 3], 0],
  [[2, 5, 1], 2],
  [[0, 3], 0],
  [[3, 0], 0],
];

describe.each([
  ["cumSum", cumSum],
  ["cumProd", cumProd],
] as const)("%s", (name, op) => {
  describe.each(options)("%o", (way) => {
    test.each(shapes)("forward: %o along %i", async (shape, axis) => {
      using _scope = device.scope();
      // Products stay near 1.
      const x = randomTensor(device, shape, 5, name === "cumSum" ? [-1, 1] : [0.8, 1.25]);
      const y = op(x, { ...way, axis });
      expect(y.shape).toEqual(shape);
      const expected = cumulativeReference(name, await x.data(), shape, { ...way, axis });
      // A product of n factors rounds n times.
      expectClose(await y.data(), expected, name === "cumSum" ? tolerance : 1e-5, name);
    });
    test("gradients, first and second, with zeros in the way", async () => {
      const values = [0.5, 1.5, 0, 2, -1, 0.7, 0, 0, 1.2, -0.4, 1.1, 0.9];
      await gradcheck((x) => op(x, { ...way, axis: 1 }), [tensor(device, values, [2, 6])]);
      await gradcheck((x) => op(x, { ...way, axis: 0 }), [tensor(device, values, [4, 3])]);
      await checkSecondGradient((x) => op(x, { ...way, axis: 1 }), [tensor(device, values, [2, 6])]);
    });
    test("gradient: more rows than one row of workgroups takes", async () => {
      await gradcheck((x) => op(x, { ...way, axis: 1 }), [randomTensor(device, [1000, 3], 5, [0.5, 1.5])]);
    });
  });
  test("forward: whole numbers; masks are counted", async () => {
    const x = tensor(device, [3, -2, 5], [3], { dtype: "i32" });
    const y = op(x, { axis: 0 });
    expect(y.dtype).toBe("i32");
    expect(Array.from(await y.data())).toEqual(name === "cumSum" ? [3, 1, 6] : [3, -6, -30]);
    const counted = op(tensor(device, [1, 1, 0, 1], [4], { dtype: "bool" }), { axis: 0, reverse: true });
    expect(counted.dtype).toBe("i32");
    expect(Array.from(await counted.data())).toEqual(name === "cumSum" ? [3, 2, 1, 1] : [0, 0, 0, 1]);
  });
  test("forward: NaN spreads to what follows, in long axes too", async () => {
    using _scope = device.scope();
    const values = new Float32Array(200).fill(1);
    values[40] = Number.NaN;
    const data = await op(tensor(device, values), { axis: 0 }).data();
    expect(data.findIndex(Number.isNaN)).toBe(40);
    expect(data.slice(40).every(Number.isNaN)).toBe(true);
  });
  test("forward: in windows", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [300, 7, 5], 3, [0.8, 1.25]);
    const expected = await op(x, { axis: 1 }).data();
    await withBindingLimit(device, 16_384, async () => {
      expect(await op(x, { axis: 1 }).data()).toEqual(expected);
      expect(() => op(randomTensor(device, [2, 9001], 1), { axis: 1 })).toThrow(
        /cumulative: \d+ rows need a binding of/,
      );
    });
  });
  test("rejects", () => {
    expect(() => op(tensor(device, [1, 2]), { axis: 1 })).toThrow(`${name}: axis must lie in [-1, 0]`);
  });
});

describe.each([
  ["cumMax", cumMax, Number.NEGATIVE_INFINITY],
  ["cumMin", cumMin, Number.POSITIVE_INFINITY],
] as const)("%s", (name, op, least) => {
  test.each(shapes)("forward: %o along %i, both ways, and where each was", async (shape, axis) => {
    const x = randomTensor(device, shape, 5);
    for (const reverse of [false, true]) {
      const { values, indices } = op(x, { axis, reverse });
      expect([values.shape, indices.shape, indices.dtype]).toEqual([shape, shape, "i32"]);
      const found = await values.data();
      expect(Array.from(found)).toEqual(
        Array.from(cumulativeReference(name, await x.data(), shape, { axis, reverse })),
      );
      expect(await gather(x, indices, { axis }).data()).toEqual(found);
    }
  });
  test("forward: of equal elements the one reached last; infinities; signed zeros are equal", async () => {
    const equal = op(tensor(device, [1, 1, 1, 1]), { axis: 0 });
    expect(Array.from(await equal.indices.data())).toEqual([0, 1, 2, 3]);
    const back = op(tensor(device, [1, 1, 1, 1]), { axis: 0, reverse: true });
    expect(Array.from(await back.indices.data())).toEqual([0, 1, 2, 3]);
    const zeros = op(tensor(device, [0, -0, 0]), { axis: 0 });
    expect(Array.from(await zeros.indices.data())).toEqual([0, 1, 2]);
    const endless = op(tensor(device, [least, 1, -least, least]), { axis: 0 });
    expect(Array.from(await endless.values.data())).toEqual([least, 1, -least, -least]);
    expect(Array.from(await endless.indices.data())).toEqual([0, 1, 2, 2]);
  });
  test("forward: NaN is taken and spreads, in long axes too", async () => {
    const values = Float32Array.from({ length: 100 }, (_, i) => (i === 40 || i === 70 ? Number.NaN : i));
    const { values: found, indices } = op(tensor(device, values), { axis: 0 });
    expect((await found.data()).findIndex(Number.isNaN)).toBe(40);
    const places = await indices.data();
    expect([places[39]! % 39, places[40], places[69], places[70], places[99]]).toEqual([0, 40, 40, 70, 70]);
  });
  test("forward: other element types keep theirs", async () => {
    const whole = op(tensor(device, [3, -2, 5], [3], { dtype: "i32" }), { axis: 0 }).values;
    expect([whole.dtype, ...(await whole.data())]).toEqual(["i32", 3, ...(name === "cumMax" ? [3, 5] : [-2, -2])]);
    const mask = op(tensor(device, [0, 1, 0], [3], { dtype: "bool" }), { axis: 0 }).values;
    expect([mask.dtype, ...(await mask.data()).map(Number)]).toEqual([
      "bool",
      0,
      ...(name === "cumMax" ? [1, 1] : [0, 0]),
    ]);
  });
  test("gradients, first and second", async () => {
    const x = tensor(device, [0.5, 1.5, 0, 2, -1, 0.7, 0.1, 0.2, 1.2, -0.4, 1.1, 0.9], [2, 6]);
    await gradcheck((t) => op(t!, { axis: 1 }).values, [x]);
    await gradcheck((t) => op(t!, { axis: 0, reverse: true }).values, [x]);
    await checkSecondGradient((t) => op(t!, { axis: 1 }).values, [x]);
  });
  test("captured: the bits of the function itself", async () => {
    const x = randomTensor(device, [5, 70], 3);
    const plain = op(x, { axis: 1 });
    const run = capture(device, (t: Tensor) => op(t, { axis: 1 }));
    for (let i = 0; i < 2; i++) {
      const { values, indices } = run(x);
      expect(await values.data()).toEqual(await plain.values.data());
      expect(await indices.data()).toEqual(await plain.indices.data());
    }
    run.dispose();
  });
  test("rejects", () => {
    expect(() => op(tensor(device, [1, 2]), { axis: 1 })).toThrow(`${name}: axis must lie in [-1, 0]`);
  });
});

test("cumSum of a million elements of one sign", async () => {
  using _scope = device.scope();
  const n = 1_000_003;
  const x = randomTensor(device, [n], 7, [0, 1], { requiresGrad: true });
  const y = cumSum(x, { axis: 0 });
  expectClose(await y.data(), cumulativeReference("cumSum", await x.data(), [n], { axis: 0 }), tolerance);
  const gradient = await backward(sum(y)).of(x).data();
  expectClose(
    gradient,
    Float64Array.from({ length: n }, (_, i) => n - i),
    tolerance,
  );
});

describe("recurrence", () => {
  test("forward", async () => {
    const a = tensor(device, [2, 3, 0, 5], [4]);
    const b = tensor(device, [1, 1, 1, 2], [4]);
    expect(Array.from(await recurrence(a, b, { axis: 0, reverse: false }).data())).toEqual([1, 4, 1, 7]);
    expect(Array.from(await recurrence(a, b, { axis: 0, reverse: true }).data())).toEqual([9, 4, 1, 2]);
  });
  test.each([false, true])("gradients, reverse %s", async (reverse) => {
    const inputs = [randomTensor(device, [2, 5, 3], 1), randomTensor(device, [2, 5, 3], 2)];
    await gradcheck((a, b) => recurrence(a!, b!, { axis: 1, reverse }), inputs);
    await checkSecondGradient((a, b) => recurrence(a!, b!, { axis: 1, reverse }), inputs);
  });
  test("rejects different shapes", () => {
    const a = tensor(device, [2, 3]);
    expect(() => recurrence(a, tensor(device, [1]), { axis: 0, reverse: false })).toThrow(
      "recurrence: a and b must have the same shape, got [2] and [1]",
    );
  });
});
