import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();

describe("reshape", () => {
  test.each<{ from: number[]; to: number[]; shape: number[] }>([
    { from: [2, 3], to: [3, 2], shape: [3, 2] },
    { from: [2, 3, 5], to: [-1, 5], shape: [6, 5] },
    { from: [7], to: [1, -1, 1], shape: [1, 7, 1] },
    { from: [], to: [1, 1], shape: [1, 1] },
    { from: [1], to: [], shape: [] },
    { from: [0, 3], to: [3, 0], shape: [3, 0] },
    { from: [0, 3], to: [-1, 3], shape: [0, 3] },
  ])("forward: $from to $to", async ({ from, to, shape }) => {
    using _scope = device.scope();
    const x = randomTensor(device, from, 1);
    const y = reshape(x, { shape: to });
    expect(y.shape).toEqual(shape);
    expect(await y.data()).toEqual(await x.data());
  });
  test("forward: keeps the element type, and the memory when the original is freed", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 0, 1, 1], [4], { dtype: "bool" });
    const y = reshape(x, { shape: [2, 2] });
    x.dispose();
    expect(y.dtype).toBe("bool");
    expect(Array.from(await y.data())).toEqual([1, 0, 1, 1]);
  });
  test("gradient", async () => {
    const weight = randomTensor(device, [5, 6], 2);
    await gradcheck((x) => mul(reshape(x!, { shape: [5, -1] }), weight), [randomTensor(device, [2, 3, 5], 1)]);
  });
  test.each([
    [[4], "reshape: the number of elements must stay 6, got [4] for [2, 3]"],
    [[-1, 4], "reshape: the number of elements must stay 6, got [-1, 4] for [2, 3]"],
    [[-1, -1], "reshape: the number of elements must stay 6, got [-1, -1] for [2, 3]"],
    [[-2, -3], "reshape: sizes must be whole numbers >= 0, got [-2, -3]"],
    [[1, 1, 1, 1, 1, 1, 1, 1, -1], "reshape: at most 8 axes are supported, got 9"],
  ])("rejects %j", (shape, text) => {
    expect(() => reshape(tensor(device, new Float32Array(6), [2, 3]), { shape })).toThrow(text);
  });
});
