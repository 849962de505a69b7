import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { broadcastTo, mean, sum } from "../../src/tensor/ops/sum.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { reduceReference } from "../reference/reduce.js";

const device = await testDevice();
const tolerance = 2e-6;

const cases: { shape: number[]; axes?: number[] | number; keepDims?: boolean }[] = [
  { shape: [] },
  { shape: [1] },
  { shape: [7] },
  { shape: [100_003] },
  { shape: [3, 5, 7], axes: [0, 2] },
  { shape: [3, 5, 7], axes: 1, keepDims: true },
  { shape: [3, 5, 7], axes: -1 },
  { shape: [2, 67, 3, 5, 2], axes: [1, 2, 4] },
  { shape: [2, 3], axes: [] },
  { shape: [4097, 3], axes: 0 },
  { shape: [0, 3], axes: 0 },
  { shape: [0, 3], axes: 1 },
];

describe.each([
  ["sum", sum],
  ["mean", mean],
] as const)("%s", (name, op) => {
  test.each(cases)("forward: $shape over $axes", async ({ shape, ...options }) => {
    const x = randomTensor(device, shape, 5);
    const y = op(x, options);
    expectClose(await y.data(), reduceReference(name, await x.data(), shape, options.axes), tolerance, name);
    expect(y.rank).toBe(
      options.keepDims
        ? shape.length
        : shape.length - (options.axes === undefined ? shape.length : [options.axes].flat().length),
    );
  });
  test("gradient", async () => {
    await gradcheck((x) => op(x, { axes: [0, 2] }), [randomTensor(device, [3, 2, 5], 1)]);
  });
  test("rejects an axis that is not there", () => {
    expect(() => op(tensor(device, [1, 2]), { axes: 1 })).toThrow(
      `${name}: axis must lie in [-1, 0] for a tensor of 1 axes, got 1`,
    );
    expect(() => op(tensor(device, [1, 2]), { axes: [0, -1] })).toThrow(`${name}: an axis is named twice`);
  });
});

test("broadcastTo: gradient", async () => {
  await gradcheck((x) => broadcastTo(x, { shape: [4, 3, 5] }), [randomTensor(device, [3, 1], 1)]);
});
