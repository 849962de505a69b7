import { describe, expect, test } from "vitest";
import { argMax, argMin } from "../../src/tensor/ops/arg-max.js";
import { tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { argReference } from "../reference/arg-max.js";

const device = await testDevice();

const cases: { shape: number[]; axis?: number; keepDims?: boolean }[] = [
  { shape: [] },
  { shape: [7] },
  { shape: [3, 5, 7] },
  { shape: [3, 5, 7], keepDims: true },
  { shape: [3, 5, 7], axis: 0 },
  { shape: [3, 5, 7], axis: 1, keepDims: true },
  { shape: [2, 4099], axis: -1 },
  { shape: [4099, 3], axis: 0 },
  { shape: [0, 3], axis: 1 },
];

describe.each([
  ["argMax", argMax],
  ["argMin", argMin],
] as const)("%s", (name, op) => {
  test.each(cases)("forward: $shape along $axis, with ties", async ({ shape, ...options }) => {
    using _scope = device.scope();
    const random = await randomTensor(device, shape, 5, [0, 40]).data();
    const values = Float32Array.from(random, Math.floor);
    for (const dtype of ["f32", "i32", "u32"] as const) {
      const y = op(tensor(device, values, shape, { dtype }), options);
      expect(y.dtype).toBe("i32");
      expect(Array.from(await y.data())).toEqual(argReference(name, values, shape, options.axis));
      const kept = shape.map((size, i) =>
        options.axis === undefined || (options.axis + shape.length) % shape.length === i ? 1 : size,
      );
      if (options.keepDims) expect(y.shape).toEqual(kept);
    }
  });
  test("forward: the first NaN wins, in long axes too; infinities are numbers", async () => {
    using _scope = device.scope();
    const values = new Float32Array(3 * 1031).fill(name === "argMax" ? -Infinity : Infinity);
    values[700] = Number.NaN;
    values[701] = Number.NaN;
    values[200] = name === "argMax" ? Infinity : -Infinity;
    values[2 * 1031 + 1000] = 0;
    const y = op(tensor(device, values, [3, 1031]), { axis: 1 });
    expect(Array.from(await y.data())).toEqual([700, 0, 1000]);
  });
  test("forward: in windows", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [300, 7, 5], 3);
    const expected = argReference(name, await x.data(), [300, 7, 5], 1);
    await withBindingLimit(device, 16_384, async () => {
      expect(Array.from(await op(x, { axis: 1 }).data())).toEqual(expected);
    });
  });
  test("rejects what has no extreme", () => {
    expect(() => op(tensor(device, [], [2, 0]), { axis: 1 })).toThrow(
      `${name}: needs an element to search, got size 0 on axis 1\n  x [2, 0]`,
    );
    expect(() => op(tensor(device, [], [2, 0]))).toThrow(`${name}: needs an element to search, got size 0\n  x [2, 0]`);
    expect(() => op(tensor(device, [1]), { axis: 1 })).toThrow(`${name}: axis must lie in [-1, 0]`);
  });
});
