/** Elementwise ops on whole numbers and bools, numbers as operands, options, ranks and sizes at the edge. */
import { describe, expect, test } from "vitest";
import * as vp from "../../src/index.js";
import { testDevice } from "../device.js";

const device = await testDevice();
const functions = vp as unknown as Record<string, (...inputs: vp.Tensor[]) => vp.Tensor>;
const [low, high, most] = [-(2 ** 31), 2 ** 31 - 1, 2 ** 32 - 1];

type Row = [op: string, dtype: vp.DType, inputs: number[][], output: vp.DType, expected: number[]];

describe("element types", () => {
  test.each<Row>([
    [
      "add",
      "i32",
      [
        [3, high, -5],
        [-7, 1, 5],
      ],
      "i32",
      [-4, low, 0],
    ],
    [
      "sub",
      "u32",
      [
        [3, 1],
        [1, 3],
      ],
      "u32",
      [2, most - 1],
    ],
    [
      "mul",
      "i32",
      [
        [3, -4, 65536],
        [-7, -2, 65536],
      ],
      "i32",
      [-21, 8, 0],
    ],
    [
      "div",
      "i32",
      [
        [7, -7, 1],
        [2, 2, -4],
      ],
      "f32",
      [3.5, -3.5, -0.25],
    ],
    [
      "div",
      "u32",
      [
        [7, 1],
        [2, 4],
      ],
      "f32",
      [3.5, 0.25],
    ],
    [
      "floorDiv",
      "i32",
      [
        [7, -7, 7, -7, 6, low, 5],
        [2, 2, -2, -2, -3, -1, 0],
      ],
      "i32",
      [3, -4, -4, 3, -2, low, -1],
    ],
    [
      "floorDiv",
      "u32",
      [
        [7, most, 5],
        [2, 2, 0],
      ],
      "u32",
      [3, high, most],
    ],
    [
      "remainder",
      "i32",
      [
        [7, -7, 7, -7, 6, low, 5],
        [3, 3, -3, -3, -3, -1, 0],
      ],
      "i32",
      [1, 2, -2, -1, 0, 0, 5],
    ],
    [
      "remainder",
      "u32",
      [
        [7, most, 5],
        [3, 10, 0],
      ],
      "u32",
      [1, 5, 5],
    ],
    [
      "fmod",
      "i32",
      [
        [7, -7, 7, -7, low, 5],
        [3, 3, -3, -3, -1, 0],
      ],
      "i32",
      [1, -1, 1, -1, 0, 5],
    ],
    [
      "pow",
      "i32",
      [
        [2, -3, 5, 1, -1, -1, 2],
        [10, 3, 0, -5, -3, -4, -1],
      ],
      "i32",
      [1024, -27, 1, 1, -1, 1, 0],
    ],
    [
      "pow",
      "u32",
      [
        [3, 0, 2],
        [20, 0, 31],
      ],
      "u32",
      [3486784401, 1, 2 ** 31],
    ],
    [
      "maximum",
      "i32",
      [
        [1, -2],
        [-1, 5],
      ],
      "i32",
      [1, 5],
    ],
    [
      "minimum",
      "u32",
      [
        [1, most],
        [2, 5],
      ],
      "u32",
      [1, 5],
    ],
    [
      "clampBetween",
      "i32",
      [
        [-9, 0, 9],
        [-1, -1, -1],
        [5, 5, 5],
      ],
      "i32",
      [-1, 0, 5],
    ],
    ["neg", "i32", [[3, -3, low]], "i32", [-3, 3, low]],
    ["neg", "u32", [[1, 0]], "u32", [most, 0]],
    ["abs", "i32", [[-3, 4]], "i32", [3, 4]],
    ["sign", "i32", [[-3, 0, 4]], "i32", [-1, 0, 1]],
    ["sign", "u32", [[0, 4]], "u32", [0, 1]],
    ["square", "i32", [[-3, 4]], "i32", [9, 16]],
    ["relu", "i32", [[-3, 4]], "i32", [0, 4]],
    ["floor", "i32", [[-3, 4]], "i32", [-3, 4]],
    [
      "equal",
      "i32",
      [
        [1, 2],
        [1, 3],
      ],
      "bool",
      [1, 0],
    ],
    [
      "equal",
      "bool",
      [
        [1, 0],
        [1, 1],
      ],
      "bool",
      [1, 0],
    ],
    [
      "notEqual",
      "bool",
      [
        [1, 0],
        [1, 1],
      ],
      "bool",
      [0, 1],
    ],
    [
      "less",
      "u32",
      [
        [1, most],
        [most, 1],
      ],
      "bool",
      [1, 0],
    ],
    [
      "greaterEqual",
      "i32",
      [
        [-1, 1],
        [1, 1],
      ],
      "bool",
      [0, 1],
    ],
    [
      "logicalAnd",
      "bool",
      [
        [0, 0, 1, 1],
        [0, 1, 0, 1],
      ],
      "bool",
      [0, 0, 0, 1],
    ],
    [
      "logicalOr",
      "bool",
      [
        [0, 0, 1, 1],
        [0, 1, 0, 1],
      ],
      "bool",
      [0, 1, 1, 1],
    ],
    [
      "logicalXor",
      "i32",
      [
        [0, 0, 2, -1],
        [0, 3, 0, 4],
      ],
      "bool",
      [0, 1, 1, 0],
    ],
    ["logicalNot", "u32", [[0, 7]], "bool", [1, 0]],
    ["isNaN", "i32", [[0, 7]], "bool", [0, 0]],
    ["isFinite", "u32", [[0, 7]], "bool", [1, 1]],
  ])("%s of %s", async (op, dtype, inputs, output, expected) => {
    using _scope = device.scope();
    const result = functions[op]!(...inputs.map((list) => vp.tensor(device, list, [list.length], { dtype })));
    expect(result.dtype).toBe(output);
    expect(Array.from(await result.data())).toEqual(expected);
  });
  test.each<vp.DType>(["f32", "i32", "u32", "bool"])("where of %s", async (dtype) => {
    using _scope = device.scope();
    const condition = vp.tensor(device, [true, false, true]);
    const [x, y] = [vp.ones(device, [3], { dtype }), vp.zeros(device, [3], { dtype })];
    const result = vp.where(condition, x, y);
    expect([result.dtype, ...(await result.data())]).toEqual([dtype, 1, 0, 1]);
  });
  test("clamp of whole numbers, one-sided too", async () => {
    using _scope = device.scope();
    const x = vp.tensor(device, Int32Array.of(-9, 0, 9));
    expect(Array.from(await vp.clamp(x, { min: -2 }).data())).toEqual([-2, 0, 9]);
    expect(Array.from(await vp.clamp(x, { max: 3 }).data())).toEqual([-9, 0, 3]);
  });
});

describe("numbers as operands", () => {
  test("on either side, of the tensor's element type", async () => {
    using _scope = device.scope();
    const x = vp.tensor(device, [1, 2, 4]);
    expect(Array.from(await vp.div(8, x).data())).toEqual([8, 4, 2]);
    expect(Array.from(await vp.maximum(x, 3).data())).toEqual([3, 3, 4]);
    expect(Array.from(await vp.where(vp.greater(x, 1), x, -1).data())).toEqual([-1, 2, 4]);
    expect(Array.from(await vp.lerp(x, vp.zeros(device, [3]), 0.25).data())).toEqual([0.75, 1.5, 3]);
    const whole = vp.tensor(device, Int32Array.of(7, -7));
    const rest = vp.remainder(whole, 3);
    expect([rest.dtype, ...(await rest.data())]).toEqual(["i32", 1, 2]);
    expect(() => vp.mul(whole, 0.5)).toThrow("i32 holds whole numbers from -2147483648 to 2147483647, got 0.5");
  });
});

describe("ranks and sizes", () => {
  test("two shapes may not broadcast to more than 8 axes, as no tensor has more", () => {
    expect(() => vp.tensor(device, [1], new Array(9).fill(1))).toThrow("at most 8 axes are supported, got 9");
  });
  test("more than 65,535 workgroups", async () => {
    using _scope = device.scope();
    const size = 65_535 * 256 + 777;
    const result = await vp.add(vp.full(device, [size], 1.5), 2).data();
    let wrong = 0;
    for (let i = 0; i < size; i++) if (result[i] !== 3.5) wrong++;
    expect([result.length, wrong]).toEqual([size, 0]);
  });
});
