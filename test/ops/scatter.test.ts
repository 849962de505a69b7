/** scatter, and maxUnpool2d, which is one. */
import { afterEach, describe, expect, test } from "vitest";
import { IndexError } from "../../src/kernels/errors.js";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { maxPool2d, maxPool2dWithIndices } from "../../src/tensor/ops/max-pool2d.js";
import { maxUnpool2d } from "../../src/tensor/ops/max-unpool2d.js";
import { scatter } from "../../src/tensor/ops/scatter.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice, uniform } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { scatterOrigins } from "../reference/scatter.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const ints = (shape: readonly number[], below: number, seed: number, dtype: "i32" | "u32" = "i32"): Tensor =>
  tensor(device, uniform(size(shape), seed, 0, below).map(Math.floor), shape, { dtype });
const list = async (t: Tensor) => Array.from(await t.data());

const cases: { shape: number[]; axis: number; own: number[] }[] = [
  { shape: [7], axis: 0, own: [5] },
  { shape: [3, 5, 2], axis: 1, own: [3, 4, 2] },
  { shape: [3, 5, 2], axis: -3, own: [9, 5, 2] },
  { shape: [3, 5, 2], axis: 1, own: [2, 40, 1] },
  { shape: [67, 3], axis: 0, own: [131, 3] },
  { shape: [2, 3], axis: 1, own: [2, 0] },
  { shape: [1, 1], axis: 0, own: [33, 1] },
];

describe("scatter", () => {
  test.each(cases)(
    "values and gradients, the last of equal indices stays: $own on axis $axis of $shape",
    async (row) => {
      using _scope = device.scope();
      const { shape, own } = row;
      const axis = (row.axis + shape.length) % shape.length;
      for (const dtype of ["i32", "u32"] as const) {
        const indices = ints(own, shape[axis]!, 3, dtype);
        const x = randomTensor(device, shape, 4, [-1, 1], { requiresGrad: true });
        const source = randomTensor(device, own, 5, [-1, 1], { requiresGrad: true });
        const y = scatter(x, indices, source, { axis: row.axis });
        const origins = scatterOrigins(shape, axis, await indices.data(), own);
        const [base, put] = [await x.data(), await source.data()];
        expect(await list(y)).toEqual(origins.map((from, i) => (from < 0 ? base[i]! : put[from]!)));
        const gradOutput = randomTensor(device, shape, 9);
        const gradients = backward(y, { gradOutput });
        const g = await gradOutput.data();
        expect(await list(gradients.of(x))).toEqual(origins.map((from, i) => (from < 0 ? g[i]! : 0)));
        if (source.size === 0) continue;
        const back = new Array<number>(source.size).fill(0);
        origins.forEach((from, i) => {
          if (from >= 0) back[from] = g[i]!;
        });
        expect(await list(gradients.of(source))).toEqual(back);
      }
    },
  );
  test("a larger source; whole numbers and masks", async () => {
    const x = tensor(device, [1, 2, 3, 4], [4], { dtype: "i32" });
    const source = tensor(device, [10, 20, 30], [3], { dtype: "i32" });
    expect(await list(scatter(x, ints([2], 1, 1), source, { axis: 0 }))).toEqual([20, 2, 3, 4]);
    const mask = tensor(device, [true, true, true]);
    const y = scatter(mask, tensor(device, [1], [1], { dtype: "u32" }), tensor(device, [false]), { axis: 0 });
    expect(y.dtype).toBe("bool");
    expect(await list(y)).toEqual([1, 0, 1]);
  });
  test("gradients, first and second", async () => {
    const indices = ints([3, 4, 2], 5, 1);
    const inputs = [randomTensor(device, [3, 5, 2], 3), randomTensor(device, [3, 4, 2], 4)];
    const f = (x: Tensor, source: Tensor) => scatter(x, indices, source, { axis: 1 });
    await gradcheck(f, inputs);
    await checkSecondGradient(f, inputs);
  });
  test("in windows", async () => {
    using _scope = device.scope();
    const [x, source] = [randomTensor(device, [300, 7, 5], 3), randomTensor(device, [300, 40, 5], 4)];
    const indices = ints([300, 40, 5], 7, 1);
    const run = () => scatter(x, indices, source, { axis: 1 }).data();
    const expected = await run();
    await withBindingLimit(device, 65_536, async () => expect(await run()).toEqual(expected));
  });
  test("rejects", () => {
    const x = zeros(device, [3, 4]);
    const indices = ints([3, 4], 3, 1);
    const at = { axis: 0 };
    expect(() => scatter(x, zeros(device, [3, 4]), x, at)).toThrow("scatter: indices must be i32 or u32, got f32");
    expect(() => scatter(x, indices, indices, at)).toThrow(
      "scatter: x and source must have the same element type, got f32 and i32",
    );
    expect(() => scatter(x, ints([3, 5], 3, 1), zeros(device, [3, 5]), at)).toThrow(
      "scatter: indices must not be larger than source, nor, off axis 0, than x, got [3, 5]\n  x       [3, 4]\n  indices [3, 5]\n  source  [3, 5]",
    );
    expect(() => scatter(x, indices, x, { axis: 2 })).toThrow(
      "scatter: axis must lie in [-2, 1] for a tensor of 2 axes, got 2",
    );
  });
});

describe("scatter: indices outside of the axis", () => {
  afterEach(async () => {
    await device.finish().catch(() => {});
  });
  test("are left out, and the next wait says so", async () => {
    const x = zeros(device, [3]);
    scatter(x, tensor(device, [0, 3], [2], { dtype: "i32" }), tensor(device, [5, 6]), { axis: 0 });
    await expect(device.finish()).rejects.toThrow(IndexError);
  });
});

describe("maxPool2dWithIndices and maxUnpool2d", () => {
  test("values and gradients are those of maxPool2d; indices say where", async () => {
    using _scope = device.scope();
    const options = { kernelSize: [3, 2], stride: [2, 1], padding: 1, ceilMode: true } as const;
    const x = randomTensor(device, [2, 5, 4, 3], 1, [-1, 1], { requiresGrad: true });
    const { values, indices } = maxPool2dWithIndices(x, options);
    const plain = maxPool2d(x, options);
    expect(await values.data()).toEqual(await plain.data());
    expect(indices.dtype).toBe("i32");
    const [all, at, best] = [await x.data(), await indices.data(), await values.data()];
    const perImage = values.size / 2;
    expect(Array.from(at, (place, i) => all[Math.floor(i / perImage) * 60 + place * 3 + (i % 3)])).toEqual(
      Array.from(best),
    );
    const gradOutput = randomTensor(device, values.shape, 2);
    expect(await backward(values, { gradOutput }).of(x).data()).toEqual(
      await backward(plain, { gradOutput }).of(x).data(),
    );
  });
  test("what was pooled goes back to where it was", async () => {
    const x = tensor(device, [1, 5, 2, 0, 3, 4, 8, 7, 6, 9], [1, 2, 5, 1]);
    const { values, indices } = maxPool2dWithIndices(x, { kernelSize: 2 });
    expect(await list(values)).toEqual([8, 7]);
    const whole = maxUnpool2d(values, indices, { kernelSize: 2, size: [2, 5] });
    expect(whole.shape).toEqual([1, 2, 5, 1]);
    expect(await list(whole)).toEqual([0, 0, 0, 0, 0, 0, 8, 7, 0, 0]);
  });
  test("gradients, first and second; of maximum and unpooling together", async () => {
    const x = randomTensor(device, [1, 4, 4, 2], 1);
    const both = (t: Tensor) => {
      const { values, indices } = maxPool2dWithIndices(t, { kernelSize: 2 });
      return maxUnpool2d(values, indices, { kernelSize: 2 });
    };
    await gradcheck(both, [x]);
    await checkSecondGradient(both, [x]);
  });
  test("rejects", () => {
    const x = zeros(device, [1, 2, 3, 1]);
    const indices = zeros(device, [1, 2, 3, 1], { dtype: "i32" });
    expect(() => maxPool2dWithIndices(x, { kernelSize: 4 })).toThrow(
      "maxPool2dWithIndices: the kernel must fit into the padded input, got 4 x 4 for 2 x 3\n  x NHWC [1, 2, 3, 1]",
    );
    expect(() => maxUnpool2d(x, x, { kernelSize: 2 })).toThrow("maxUnpool2d: indices must be i32 or u32, got f32");
    expect(() => maxUnpool2d(x, zeros(device, [1, 3, 2, 1], { dtype: "i32" }), { kernelSize: 2 })).toThrow(
      "maxUnpool2d: indices must have x's shape\n  x       NHWC [1, 2, 3, 1]\n  indices [1, 3, 2, 1]",
    );
    expect(() => maxUnpool2d(x, indices, { kernelSize: 2, size: [4, 8] })).toThrow(
      "maxUnpool2d: size must be positive and less than the stride 2 x 2 from 4 x 6, got 4 x 8\n  x NHWC [1, 2, 3, 1]",
    );
  });
});
