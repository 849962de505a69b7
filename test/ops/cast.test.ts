import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { cast } from "../../src/tensor/ops/cast.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type DType, tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";

const device = await testDevice();
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const [low, high, most] = [-(2 ** 31), 2 ** 31 - 1, 2 ** 32 - 1];

describe("cast", () => {
  test.each<[DType, DType, number[], number[]]>([
    ["f32", "i32", [1.9, -1.9, 0.5, -0.5, 16777217, 2147483520], [1, -1, 0, 0, 16777216, 2147483520]],
    ["f32", "i32", [3e9, -3e9, inf, -inf, nan, 2 ** 31, -(2 ** 31)], [high, low, high, low, 0, high, low]],
    ["f32", "u32", [1.9, 3e9, -0.5, -7], [1, 3e9, 0, 0]],
    ["f32", "u32", [5e9, inf, -inf, nan, 2 ** 32], [most, most, 0, 0, most]],
    ["f32", "bool", [0, -0, 1e-40, -3, nan, inf], [0, 0, 1, 1, 1, 1]],
    ["i32", "f32", [3, -3, 16777217, low], [3, -3, 16777216, low]],
    ["i32", "u32", [3, -1, low], [3, most, 2 ** 31]],
    ["i32", "bool", [0, 5, -5], [0, 1, 1]],
    ["u32", "f32", [3, most], [3, 2 ** 32]],
    ["u32", "i32", [3, most, 2 ** 31], [3, -1, low]],
    ["u32", "bool", [0, 1, most], [0, 1, 1]],
    ["bool", "f32", [0, 1], [0, 1]],
    ["bool", "i32", [0, 1], [0, 1]],
    ["bool", "u32", [0, 1], [0, 1]],
  ])("%s to %s: %j gives %j", async (from, to, values, expected) => {
    using _scope = device.scope();
    const result = cast(tensor(device, values, [values.length], { dtype: from }), to);
    expect(result.dtype).toBe(to);
    expect(result.shape).toEqual([values.length]);
    expect(Array.from(await result.data())).toEqual(expected);
  });
  test("to the same type is the same tensor, and its gradient passes", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2], [2], { requiresGrad: true });
    expect(cast(x, "f32")).toBe(x);
    const gradient = backward(sum(mul(cast(x, "f32"), x))).of(x);
    expect(Array.from(await gradient.data())).toEqual([2, 4]);
  });
  test("no gradient passes through whole numbers", () => {
    using _scope = device.scope();
    const x = tensor(device, [1.5], [1], { requiresGrad: true });
    expect(cast(x, "i32").requiresGrad).toBe(false);
    expect(cast(cast(x, "i32"), "f32").requiresGrad).toBe(false);
  });
  test("no elements, and a scalar", async () => {
    using _scope = device.scope();
    expect(cast(tensor(device, [], [0, 3]), "i32").shape).toEqual([0, 3]);
    expect(await cast(tensor(device, 2.5), "i32").item()).toBe(2);
  });
});
