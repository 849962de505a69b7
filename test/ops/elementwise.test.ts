import { describe, expect, test } from "vitest";
import { elementwise } from "../../src/kernels/elementwise.js";
import { DeviceError, DTypeError, ShapeError } from "../../src/kernels/errors.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import * as activations from "../../src/tensor/ops/activations.js";
import type { Row as TableRow } from "../../src/tensor/ops/elementwise/row.js";
import * as ops from "../../src/tensor/ops/elementwise.js";
import { elementwiseTable } from "../../src/tensor/ops/elementwise-table.js";
import * as unary from "../../src/tensor/ops/functions.js";
import * as logic from "../../src/tensor/ops/logic.js";
import { stridesOf } from "../../src/tensor/shape.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, testDevice, uniform } from "../device.js";
import { type RowReference, rowReferences } from "../reference/elementwise.js";

const device = await testDevice();

/** f32 arithmetic and the drivers' exp and log: relative to the largest element. */
const tolerance = 2e-6;

const functions = { ...ops, ...activations, ...unary, ...logic, geluTanh } as unknown as Record<
  string,
  (...inputs: Tensor[]) => Tensor
>;
function geluTanh(x: Tensor): Tensor {
  return activations.gelu(x, { approximate: "tanh" });
}
type Row = TableRow & RowReference;
const rows = Object.entries(elementwiseTable)
  .filter(([name]) => name in functions)
  .map(([name, row]) => [name, { ...row, ...rowReferences[name as keyof typeof rowReferences] }] as [string, Row]);

function inputs(row: Row, shapes: readonly (readonly number[])[], seed: number): Tensor[] {
  return shapes.map((shape, i) => {
    const [low, high] = row.domain[i]!;
    const size = shape.reduce((a, b) => a * b, 1);
    const values = uniform(size, seed + i, low, high);
    const dtype = row.dtypes?.[i] === "bool" ? "bool" : "f32";
    return tensor(device, dtype === "bool" ? values.map(Math.floor) : values, shape, { dtype });
  });
}

/** The row's formula over broadcast inputs, in float64. */
async function reference(row: Row, tensors: readonly Tensor[], shape: readonly number[]): Promise<Float64Array> {
  const data = await Promise.all(tensors.map((t) => t.data()));
  const outer = stridesOf(shape);
  const result = new Float64Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < result.length; i++) {
    const values = tensors.map((t, k) => {
      const own = stridesOf(t.shape);
      const lead = shape.length - t.rank;
      const index = t.shape.reduce(
        (sum, size, axis) =>
          sum + (size === 1 ? 0 : (Math.floor(i / outer[axis + lead]!) % shape[axis + lead]!) * own[axis]!),
        0,
      );
      return data[k]![index]!;
    });
    result[i] = row.reference(...values);
  }
  return result;
}

const shapeCases: { name: string; shapes: readonly (readonly number[])[]; output: readonly number[] }[] = [
  {
    name: "same shape, odd",
    shapes: [
      [3, 5, 7],
      [3, 5, 7],
      [3, 5, 7],
    ],
    output: [3, 5, 7],
  },
  { name: "scalars", shapes: [[], [], []], output: [] },
  { name: "over channels", shapes: [[2, 3, 5, 7], [7], [1, 1, 1, 7]], output: [2, 3, 5, 7] },
  {
    name: "outer and inner axes",
    shapes: [
      [4, 1, 3, 1],
      [5, 1, 2],
      [1, 5, 3, 2],
    ],
    output: [4, 5, 3, 2],
  },
  {
    name: "rank 8",
    shapes: [
      [2, 1, 2, 1, 2, 1, 2, 1],
      [1, 3, 1, 2, 1, 2, 1, 2],
      [2, 1, 1, 2, 2, 1, 1, 2],
    ],
    output: [2, 3, 2, 2, 2, 2, 2, 2],
  },
  {
    name: "rank 8, every input along some of the last axes",
    shapes: [
      [2, 1, 2, 3, 1, 3, 2, 1],
      [1, 3, 2, 1, 2, 1, 2, 3],
      [2, 3, 1, 3, 2, 3, 1, 3],
    ],
    output: [2, 3, 2, 3, 2, 3, 2, 3],
  },
  { name: "a scalar and 1031 elements", shapes: [[1031], [], [1]], output: [1031] },
  { name: "no elements", shapes: [[0, 3], [1, 3], [3]], output: [0, 3] },
];

/** Every shape once per arity; the other rows share that kernel and differ in the formula only. */
const thorough = new Set(["add", "abs", "where"]);

describe.each(rows)("elementwise %s", (name, row) => {
  const shapes = shapeCases.filter(
    ({ name: shape }) => thorough.has(name) || shape === "over channels" || shape === "a scalar and 1031 elements",
  );
  test.each(shapes)("forward: $name", async ({ shapes }) => {
    using _scope = device.scope();
    const tensors = inputs(row, shapes.slice(0, row.inputs.length), 7);
    const output = functions[name]!(...tensors);
    expectClose(await output.data(), await reference(row, tensors, output.shape), tolerance, name);
  });

  const differentiable = row.vjp !== null && (row.output ?? "f32") === "f32" && !row.dtypes;
  test.runIf(differentiable)("gradient, broadcast", async () => {
    using _scope = device.scope();
    const shapes = [[2, 3, 4], [3, 1], [4]].slice(0, row.inputs.length);
    const tensors = await offKinks(row, inputs(row, shapes, 3));
    const wrt = row.vjp!.map((gradient) => gradient !== null);
    await gradcheck(
      (...free) =>
        functions[name]!(...tensors.map((t, i) => (wrt[i] ? free[wrt.slice(0, i).filter(Boolean).length]! : t))),
      tensors.filter((_, i) => wrt[i]),
      { step: 2e-3 },
    );
  });
});

/** Moves the first input by steps of 0.2 until no combination lies on a kink. */
async function offKinks(row: Row, tensors: Tensor[]): Promise<Tensor[]> {
  if (!row.kink) return tensors;
  const [first, ...others] = tensors;
  const data = Array.from(await first!.data());
  const rest = await Promise.all(others.map(async (t) => Array.from(await t.data())));
  const combinations = rest.reduce<number[][]>(
    (lists, values) => lists.flatMap((list) => values.map((v) => [...list, v])),
    [[]],
  );
  const moved = data.map((value) => {
    let v = value;
    while (combinations.some((combination) => row.kink!(v, ...combination))) v += 0.021;
    return v;
  });
  return [tensor(device, moved, first!.shape), ...others];
}

describe("elementwise: special values", () => {
  const of = async (name: string, ...values: number[]) =>
    (await functions[name]!(...values.map((v) => tensor(device, [v]))).data())[0];
  test.each([
    ["relu", [Number.NaN], Number.NaN],
    ["sigmoid", [Number.NaN], Number.NaN],
    ["tanh", [Number.NaN], Number.NaN],
    ["maximum", [Number.NaN, 1], Number.NaN],
    ["minimum", [1, Number.NaN], Number.NaN],
    ["sigmoid", [-80], 1 / (1 + Math.exp(80))],
    ["sigmoid", [100], 1],
    ["tanh", [100], 1],
    ["tanh", [-100], -1],
    ["pow", [-2, 3], -8],
    ["pow", [-2, 2], 4],
    ["pow", [-2, 0.5], Number.NaN],
    ["pow", [0, 0], 1],
    ["relu", [-0], 0],
  ])("%s(%j) is %j", async (name, values, expected) => {
    const actual = (await of(name, ...values)) as number;
    if (Number.isNaN(expected)) expect(actual).toBeNaN();
    else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(2e-6 * Math.abs(expected));
  });
});

describe("elementwise: errors", () => {
  const x = tensor(device, [1, 2]);
  test("atan2 of sides near the largest number", async () => {
    const [y, x] = [tensor(device, [3e38, 3e38, -2e38], [3]), tensor(device, [1e38, -3e38, 3e38], [3])];
    const expected = [Math.atan2(3, 1), Math.atan2(1, -1), Math.atan2(-2, 3)];
    expectClose(await functions["atan2"]!(y, x).data(), expected, tolerance);
  });

  test("a dispatch with one input rejects another output shape", () => {
    const x = tensor(device, [1, 2, 3]);
    const launch = { expression: "x", output: x.storage, outputType: "f32" } as const;
    const of = (own: number[], shape: number[]) => () =>
      elementwise(device, { ...launch, inputs: [{ storage: x.storage, shape: own, type: "f32" }], shape });
    expect(of([3], [2, 3])).toThrow(DeviceError);
    expect(of([3], [2, 3])).toThrow("elementwise: one input must have the output's shape, got [3] and [2,3]");
    expect(of([1], [3])).toThrow("elementwise: one input must have the output's shape, got [1] and [3]");
  });

  test("rejects shapes that do not broadcast", () => {
    const [a, b] = [tensor(device, [1, 2, 3]), tensor(device, [1, 2])];
    expect(() => ops.add(a, b)).toThrow(
      "add: shapes do not broadcast: sizes 3 and 2 meet at axis -1\n  x [3]\n  y [2]",
    );
  });
  test("rejects a wrong element type", () => {
    const a = tensor(device, [1, 2], [2], { dtype: "i32" });
    const b = tensor(device, [1, 0], [2], { dtype: "bool" });
    expect(() => unary.exp(a)).toThrow(new DTypeError('exp: x must be f32, got i32; cast(x, "f32") converts'));
    expect(() => ops.add(b, b)).toThrow(
      new DTypeError('add: x must be f32, i32 or u32, got bool; cast(x, "f32") converts'),
    );
    expect(() => ops.add(a, tensor(device, [1, 2]))).toThrow(
      new DTypeError('add: x and y must have the same element type, got i32 and f32; cast(y, "i32") converts'),
    );
    expect(() => logic.where(a, a, a)).toThrow(
      new DTypeError('where: condition must be bool, got i32; cast(condition, "bool") converts'),
    );
  });
  test.each<[string, () => Tensor]>([
    ["leakyRelu: slope must be a finite number, got NaN", () => activations.leakyRelu(x, { slope: Number.NaN })],
    ["elu: alpha must be a finite number, got Infinity", () => activations.elu(x, { alpha: Number.POSITIVE_INFINITY })],
    ["celu: alpha must not be 0", () => activations.celu(x, { alpha: 0 })],
    [
      'gelu: approximate must be "none" or "tanh", got "erf"',
      () => activations.gelu(x, { approximate: "erf" as "none" }),
    ],
    ["softplus: beta must not be 0", () => activations.softplus(x, { beta: 0 })],
    ["hardtanh: min must not exceed max, got 2 and 1", () => activations.hardtanh(x, { min: 2 })],
  ])("rejects: %s", (text, call) => {
    expect(call).toThrow(new ShapeError(text));
  });
  test("two numbers are no tensors", () => {
    expect(() => ops.add(1, 2)).toThrow("add: x must be a tensor, got number");
  });
});
