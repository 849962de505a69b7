import { describe, expect, test } from "vitest";
import { DTypeError, ShapeError } from "../../src/kernels/errors.js";
import { arange, eye, fullLike, linspace, onesLike, zerosLike } from "../../src/tensor/constructors.js";
import { add } from "../../src/tensor/ops/elementwise.js";
import {
  checkSameShape,
  constant,
  type DType,
  empty,
  full,
  type HostValues,
  ones,
  type Tensor,
  tensor,
  zeros,
} from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";

const device = await testDevice();

describe("tensor", () => {
  test("shapes: given, of an array, of a number", () => {
    using _scope = device.scope();
    expect(tensor(device, [1, 2, 3, 4], [2, 2]).shape).toEqual([2, 2]);
    expect(tensor(device, [1, 2, 3]).shape).toEqual([3]);
    expect(tensor(device, 5).shape).toEqual([]);
    const x = tensor(device, [], [0, 3]);
    expect([x.size, x.rank]).toEqual([0, 2]);
  });
  test.each<[DType, number[], number[]]>([
    ["f32", [0.5, -1, 1e10], [0.5, -1, 1e10]],
    ["i32", [1, -2, 2147483647], [1, -2, 2147483647]],
    ["u32", [1, 4294967295, 0], [1, 4294967295, 0]],
    ["bool", [1, 0, 7], [1, 0, 1]],
  ])("%s there and back", async (dtype, values, expected) => {
    using _scope = device.scope();
    const x = tensor(device, values, undefined, { dtype });
    const data = await x.data();
    expect(Array.from(data)).toEqual(expected);
    expect(data.constructor.name).toBe(
      { f32: "Float32Array", f16: "Float32Array", i32: "Int32Array", u32: "Uint32Array", bool: "Uint32Array" }[dtype],
    );
  });
  test("no elements", async () => {
    using _scope = device.scope();
    expect(await tensor(device, [], [0, 3]).data()).toEqual(new Float32Array(0));
  });
  test("the shape is a copy", () => {
    using _scope = device.scope();
    const shape = [1, 2];
    const x = tensor(device, [1, 2], shape);
    shape[0] = 7;
    expect(x.shape).toEqual([1, 2]);
  });
  test.each<[string, () => Tensor]>([
    ["tensor: [2, 2] holds 4 elements, got 3 values", () => tensor(device, [1, 2, 3], [2, 2])],
    ["tensor: [] holds 1 elements, got 2 values", () => tensor(device, [1, 2], [])],
    ["tensor: sizes must be whole numbers >= 0, got [2, -1]", () => tensor(device, [1, 2], [2, -1])],
    ["tensor: sizes must be whole numbers >= 0, got [1.5]", () => tensor(device, [1, 2], [1.5])],
    [
      "tensor: at most 8 axes are supported, got 9: [1, 1, 1, 1, 1, 1, 1, 1, 1]",
      () => tensor(device, [1], new Array(9).fill(1)),
    ],
  ])("rejects: %s", (text, make) => {
    expect(make).toThrow(new ShapeError(text));
  });
  test("rejects gradients of integers", () => {
    expect(() => tensor(device, [1], [1], { dtype: "i32", requiresGrad: true })).toThrow(
      new DTypeError("tensor: only f32 and f16 tensors have gradients, got i32"),
    );
  });
  test("full, zeros, ones", async () => {
    using _scope = device.scope();
    expect(Array.from(await full(device, [2, 2], 3).data())).toEqual([3, 3, 3, 3]);
    expect(Array.from(await zeros(device, [2]).data())).toEqual([0, 0]);
    const mask = ones(device, [3], { dtype: "bool" });
    expect([mask.dtype, ...(await mask.data())]).toEqual(["bool", 1, 1, 1]);
    expect(ones(device, [], { requiresGrad: true }).requiresGrad).toBe(true);
  });
});

describe("host values", () => {
  test("the element type goes by the values", () => {
    using _scope = device.scope();
    const typeOf = (values: HostValues) => tensor(device, values).dtype;
    expect(typeOf([true, false])).toBe("bool");
    expect(typeOf(true)).toBe("bool");
    expect(typeOf(Int32Array.of(1, -2))).toBe("i32");
    expect(typeOf(Uint32Array.of(1))).toBe("u32");
    expect(typeOf(Uint8Array.of(1))).toBe("f32");
    expect(typeOf(Float64Array.of(1))).toBe("f32");
    expect(typeOf([1, 2])).toBe("f32");
  });
  test("nested arrays give the shape", async () => {
    using _scope = device.scope();
    const x = tensor(device, [[[1, 2, 3]], [[4, 5, 6]]]);
    expect(x.shape).toEqual([2, 1, 3]);
    expect(Array.from(await x.data())).toEqual([1, 2, 3, 4, 5, 6]);
    expect(tensor(device, [[true], [false]]).dtype).toBe("bool");
    expect(tensor(device, [Float32Array.of(1, 2), Float32Array.of(3, 4)]).shape).toEqual([2, 2]);
    expect(tensor(device, [[], []]).shape).toEqual([2, 0]);
    expect(() => tensor(device, [[1, 2], [3]])).toThrow(
      new ShapeError("tensor: nested arrays must have the same shape, got [2] and [1]"),
    );
  });
  test.each<[DType, number, string]>([
    ["i32", 1.5, "tensor: i32 holds whole numbers from -2147483648 to 2147483647, got 1.5 at index 1"],
    ["i32", 2 ** 31, "tensor: i32 holds whole numbers from -2147483648 to 2147483647, got 2147483648 at index 1"],
    ["i32", Number.NaN, "tensor: i32 holds whole numbers from -2147483648 to 2147483647, got NaN at index 1"],
    ["u32", -1, "tensor: u32 holds whole numbers from 0 to 4294967295, got -1 at index 1"],
  ])("%s refuses %d", (dtype, value, text) => {
    expect(() => tensor(device, [0, value], [2], { dtype })).toThrow(new DTypeError(text));
  });
  test("constructors", async () => {
    using _scope = device.scope();
    const read = async (x: Tensor) => [x.dtype, x.shape, Array.from(await x.data())];
    expect(await read(arange(device, { end: 4 }))).toEqual(["f32", [4], [0, 1, 2, 3]]);
    expect(await read(arange(device, { start: 5, end: -1, step: -2, dtype: "i32" }))).toEqual(["i32", [3], [5, 3, 1]]);
    expect(await read(arange(device, { start: 1, end: 1 }))).toEqual(["f32", [0], []]);
    expect(await read(linspace(device, { start: -1, end: 1, count: 5 }))).toEqual(["f32", [5], [-1, -0.5, 0, 0.5, 1]]);
    expect(await read(linspace(device, { start: 3, end: 7, count: 1 }))).toEqual(["f32", [1], [3]]);
    expect(await read(eye(device, 2, { columns: 3 }))).toEqual(["f32", [2, 3], [1, 0, 0, 0, 1, 0]]);
    const x = tensor(device, [[1, 2]], undefined, { dtype: "i32" });
    expect(await read(zerosLike(x))).toEqual(["i32", [1, 2], [0, 0]]);
    expect(await read(onesLike(x))).toEqual(["i32", [1, 2], [1, 1]]);
    expect(await read(fullLike(x, 7, { dtype: "f32" }))).toEqual(["f32", [1, 2], [7, 7]]);
    expect(() => arange(device, { end: 3, step: 0 })).toThrow(
      new ShapeError("arange: step must not be 0 and all must be finite, got start 0, end 3, step 0"),
    );
    expect(() => linspace(device, { start: 0, end: 1, count: -1 })).toThrow(
      new ShapeError("linspace: count must be a whole number >= 0, got -1"),
    );
  });
});

describe("constant", () => {
  test("is made once per device and value", async () => {
    const two = constant(device, 2.5);
    expect(constant(device, 2.5)).toBe(two);
    expect(constant(device, -2.5)).not.toBe(two);
    expect(two.requiresGrad).toBe(false);
    expect(await two.item()).toBe(2.5);
  });
  test("is made again when somebody freed it", async () => {
    constant(device, 3.5).dispose();
    expect(await constant(device, 3.5).item()).toBe(3.5);
  });
});

describe("reading and writing", () => {
  test("item takes one element of any rank", async () => {
    using _scope = device.scope();
    expect(await tensor(device, [4], [1, 1, 1]).item()).toBe(4);
    await expect(tensor(device, [1, 2], [1, 2]).item()).rejects.toThrow(
      new ShapeError("item: the tensor must hold one element, got 2 in [1, 2]"),
    );
  });
  test("write replaces all elements, after what was recorded before", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2]);
    const before = add(x, x);
    x.write([5, 6]);
    const after = add(x, x);
    expect(Array.from(await before.data())).toEqual([2, 4]);
    expect(Array.from(await after.data())).toEqual([10, 12]);
    expect(() => x.write([1])).toThrow("write: needs 2 values for [2], got 1");
  });
  test("write shows through views; detach is a leaf", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2], [2], { requiresGrad: true });
    const y = x.detach();
    x.write([3, 4]);
    expect(Array.from(await y.data())).toEqual([3, 4]);
    expect(y.requiresGrad).toBe(false);
  });
  test("reads at the same time", async () => {
    using _scope = device.scope();
    const tensors = Array.from({ length: 20 }, (_, i) => tensor(device, [i]));
    expect(await Promise.all(tensors.map((t) => t.item()))).toEqual(tensors.map((_, i) => i));
  });
  test("checkSameShape", () => {
    using _scope = device.scope();
    const [a, b] = [tensor(device, [1, 2]), tensor(device, [1])];
    expect(() => checkSameShape("mse", ["input", a], ["target", b])).toThrow(
      "mse: input and target must have the same shape, got [2] and [1]",
    );
    expect(() => checkSameShape("mse", ["input", a], ["target", a])).not.toThrow();
  });
  test("empty names itself in errors", () => {
    expect(() => empty(device, [-1], "f32", "thing")).toThrow("thing: sizes must be whole numbers >= 0, got [-1]");
  });
});
