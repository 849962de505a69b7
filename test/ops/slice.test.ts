import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { type SliceOptions, slice, sliceScatter } from "../../src/tensor/ops/slice.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { type RangeReference, sliceReference, sliceScatterReference } from "../reference/slice.js";

const device = await testDevice();
/** Elements are moved, not computed. */
const tolerance = 0;

const range = (start: number, step: number, count: number): RangeReference => ({ start, step, count });

const cases: { name: string; shape: number[]; options: SliceOptions; ranges: RangeReference[] }[] = [
  { name: "everything", shape: [3, 5], options: { start: [] }, ranges: [range(0, 1, 3), range(0, 1, 5)] },
  { name: "a scalar", shape: [], options: { start: [] }, ranges: [] },
  { name: "rows", shape: [7, 3], options: { start: [2], end: [5] }, ranges: [range(2, 1, 3), range(0, 1, 3)] },
  {
    name: "channels",
    shape: [2, 3, 5, 7],
    options: { start: [null, null, null, 2], end: [null, null, null, -1] },
    ranges: [range(0, 1, 2), range(0, 1, 3), range(0, 1, 5), range(2, 1, 4)],
  },
  {
    name: "a window",
    shape: [2, 7, 11, 3],
    options: { start: [0, 1, -9], end: [null, -1, 10] },
    ranges: [range(0, 1, 2), range(1, 1, 5), range(2, 1, 8), range(0, 1, 3)],
  },
  {
    name: "steps",
    shape: [3, 11, 7],
    options: { start: [0, 1, 0], step: [2, 3, 1] },
    ranges: [range(0, 2, 2), range(1, 3, 4), range(0, 1, 7)],
  },
  {
    name: "flips",
    shape: [2, 5, 7],
    options: { start: [null, null, -2], end: [null, null, 0], step: [1, -1, -2] },
    ranges: [range(0, 1, 2), range(4, -1, 5), range(5, -2, 3)],
  },
  { name: "nothing", shape: [3, 5], options: { start: [3, 2] }, ranges: [range(0, 1, 0), range(2, 1, 3)] },
  {
    name: "of nothing",
    shape: [0, 5],
    options: { start: [null, 2], step: [-1] },
    ranges: [range(0, 1, 0), range(2, 1, 3)],
  },
  {
    name: "beyond the ends",
    shape: [3, 5, 7, 2],
    options: { start: [-9, 2, 99, 5], end: [2, 99, -99, 9], step: [1, 2, -3, 1] },
    ranges: [range(0, 1, 2), range(2, 2, 2), range(6, -3, 3), range(0, 1, 0)],
  },
  {
    name: "beyond the ends, infinitely, backwards from before the first",
    shape: [4, 3],
    options: { start: [-Infinity, -5], end: [Infinity, -9], step: [3, -1] },
    ranges: [range(0, 3, 2), range(0, -1, 0)],
  },
  {
    name: "eight axes",
    shape: [2, 3, 2, 3, 2, 3, 2, 3],
    options: { start: [1, 1, 1, 1, 0, 0, 0, 0], step: [1, 1, 1, 1, 1, 2, 1, 2] },
    ranges: [1, 2, 1, 2, 2, 2, 2, 2].map((count, i) => range(i < 4 ? 1 : 0, i === 5 || i === 7 ? 2 : 1, count)),
  },
];

describe("slice", () => {
  test.each(cases)("forward: $name", async ({ shape, options, ranges }) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 3);
    const y = slice(x, options);
    expect(y.shape).toEqual(ranges.map(({ count }) => count));
    expectClose(await y.data(), sliceReference(await x.data(), shape, ranges), tolerance);
  });
  test("forward: more than 65,535 workgroups", async () => {
    using _scope = device.scope();
    const n = 65_536 * 256 + 77;
    const x = tensor(
      device,
      Float32Array.from({ length: n }, (_, i) => i % 1009),
    );
    const data = await slice(x, { start: [null], step: [-1] }).data();
    let wrong = 0;
    for (let i = 0; i < n; i++) if (data[i] !== (n - 1 - i) % 1009) wrong++;
    expect(wrong).toBe(0);
  });
  test("forward: NaN and negative zero keep their bits; masks stay masks", async () => {
    using _scope = device.scope();
    const x = slice(tensor(device, [Number.NaN, 1, -0, 1], [2, 2]), { start: [0, 0], end: [2, 1] });
    expect(Array.from(await x.data())).toEqual([Number.NaN, -0]);
    const mask = slice(tensor(device, [1, 0, 1, 1], [2, 2], { dtype: "bool" }), { start: [0, 1] });
    expect(mask.dtype).toBe("bool");
    expect(Array.from(await mask.data())).toEqual([0, 1]);
  });
  test.each(cases.filter(({ shape }) => shape.length > 0 && !shape.includes(0)))(
    "gradient: $name",
    async ({ shape, options, ranges }) => {
      using _scope = device.scope();
      const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
      const gradOutput = randomTensor(
        device,
        ranges.map(({ count }) => count),
        9,
      );
      const gradient = backward(slice(x, options), { gradOutput }).of(x);
      expectClose(await gradient.data(), sliceScatterReference(await gradOutput.data(), shape, ranges), tolerance);
    },
  );
  test("gradient: against differences", async () => {
    await gradcheck((x) => slice(x, { start: [1, -1], step: [1, -2] }), [randomTensor(device, [3, 5, 2], 1)]);
    await gradcheck(
      (x) => sliceScatter(x, { shape: [4, 7, 2], start: [1, 6, 0], step: [1, -2, 1] }),
      [randomTensor(device, [3, 4, 2], 1)],
    );
  });
  test.each(cases.filter(({ shape }) => shape.length > 0))(
    "gradient of the gradient: $name",
    async ({ shape, options }) => {
      using _scope = device.scope();
      const x = randomTensor(device, shape, 1, [-1, 1], { requiresGrad: true });
      const y = slice(x, options);
      const first = backward(sum(mul(mul(y, y), y)), { createGraph: true }).of(x);
      const second = backward(sum(first)).of(x);
      const taken = backward(sum(slice(x, options))).of(x);
      const mask = await taken.data();
      expectClose(
        await second.data(),
        Array.from(await x.data(), (v, i) => 6 * v * mask[i]!),
        1e-6,
      );
    },
  );
  test.each<[string, SliceOptions]>([
    ["slice: start must be a whole number on axis 0, got 0.5\n  x [3, 5]", { start: [0.5] }],
    ["slice: end must be a whole number on axis 1, got NaN\n  x [3, 5]", { start: [0], end: [3, Number.NaN] }],
    ["slice: step must be a whole number other than 0, got 0 on axis 1", { start: [], step: [1, 0] }],
    ["slice: start must have at most one entry an axis, got 3\n  x [3, 5]", { start: [0, 0, 0] }],
  ])("rejects: %s", (text, options) => {
    expect(() => slice(tensor(device, new Float32Array(15), [3, 5]), options)).toThrow(text);
  });
});

describe("sliceScatter", () => {
  test.each(cases.filter(({ shape }) => !shape.includes(0)))("forward: $name", async ({ shape, ranges }) => {
    using _scope = device.scope();
    const x = randomTensor(
      device,
      ranges.map(({ count }) => count),
      4,
    );
    const y = sliceScatter(x, {
      shape,
      start: ranges.map(({ start }) => start),
      step: ranges.map(({ step }) => step),
    });
    expectClose(await y.data(), sliceScatterReference(await x.data(), shape, ranges), tolerance);
  });
  test("rejects what does not fit", () => {
    const x = tensor(device, [1, 2, 3]);
    expect(() => sliceScatter(x, { shape: [4], start: [1], step: [2] })).toThrow(
      "sliceScatter: x must fit into the shape, got start [1] and step [2]\n  x     [3]\n  shape [4]",
    );
    expect(() => sliceScatter(x, { shape: [4, 4], start: [0, 0] })).toThrow("sliceScatter: x must fit");
  });
});
