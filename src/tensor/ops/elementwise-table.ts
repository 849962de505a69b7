/**
 * The elementwise ops that are one formula: name, WGSL expression, gradient, the same formula in JavaScript's doubles, and
 * where to test it. A row is the whole op, and its tests are generated from the row.
 *
 * In `wgsl` the inputs are called x, y, z in order, whatever their names. Gradients are written with other rows (`op`), so
 * every row can be differentiated again. At kinks they are PyTorch's: relu'(0) = 0, abs'(0) = 0, equal maxima share.
 */
import type { DType, Tensor } from "../tensor.js";

/** The gradient of a row with respect to one input: what is saved is the inputs and the output. */
export type RowGradient = ((ops: RowOps, saved: RowSaved, gradOutput: Tensor) => Tensor) | "zero" | null;

/** Names of the rows. */
export type RowName =
  | ("add" | "sub" | "mul" | "div" | "pow" | "powGradBase" | "powGradExponent" | "maximum" | "minimum" | "shareGreater")
  | ("equal" | "less" | "lessEqual" | "greater" | "greaterEqual")
  | (
      | "neg"
      | "abs"
      | "sign"
      | "exp"
      | "log"
      | "sqrt"
      | "square"
      | "absGrad"
      | "squareGrad"
      | "reciprocal"
      | "relu"
      | "reluGrad"
    )
  | ("sigmoid" | "sigmoidSlope" | "tanh" | "tanhSlope" | "where" | "clampBetween" | "within");

/** Rows by name, as functions. */
export type RowOps = Readonly<Record<RowName, (...inputs: Tensor[]) => Tensor>>;

/** What a row's gradients may use. */
export interface RowSaved {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
}

/** One elementwise op. */
export interface Row {
  readonly inputs: readonly string[];
  /** Element types of the inputs; default f32 for each. */
  readonly dtypes?: readonly DType[];
  /** Default f32. */
  readonly output?: DType;
  readonly wgsl: string;
  readonly vjp: readonly RowGradient[] | null;
  /** The formula in float64, the judge in tests. */
  readonly reference: (...values: number[]) => number;
  /** Interval of test values for each input; the tests stay off kinks by themselves. */
  readonly domain: readonly (readonly [number, number])[];
  /** Points where the gradient has a kink or jump: finite differences are not tried within 0.05 of equality. */
  readonly kink?: (...values: number[]) => boolean;
}

const wide = [-3, 3] as const;
const nearZero = (x = 0) => Math.abs(x) < 0.05;
const nearEqual = (x = 0, y = 0) => Math.abs(x - y) < 0.05;
const input = (saved: RowSaved, i: number): Tensor => saved.inputs[i] as Tensor;

const comparison = (wgsl: string, reference: (x: number, y: number) => boolean): Row => ({
  inputs: ["x", "y"],
  output: "bool",
  wgsl: `select(0u, 1u, ${wgsl})`,
  vjp: null,
  reference: (x: number, y: number) => (reference(x, y) ? 1 : 0),
  domain: [wide, wide],
});

/** The table. */
export const elementwiseTable: Readonly<Record<RowName, Row>> = {
  add: {
    inputs: ["x", "y"],
    wgsl: "x + y",
    vjp: [(_ops, _saved, g) => g, (_ops, _saved, g) => g],
    reference: (x, y) => x + y,
    domain: [wide, wide],
  },
  sub: {
    inputs: ["x", "y"],
    wgsl: "x - y",
    vjp: [(_ops, _saved, g) => g, (ops, _saved, g) => ops.neg(g)],
    reference: (x, y) => x - y,
    domain: [wide, wide],
  },
  mul: {
    inputs: ["x", "y"],
    wgsl: "x * y",
    vjp: [(ops, saved, g) => ops.mul(g, input(saved, 1)), (ops, saved, g) => ops.mul(g, input(saved, 0))],
    reference: (x, y) => x * y,
    domain: [wide, wide],
  },
  div: {
    inputs: ["x", "y"],
    wgsl: "x / y",
    vjp: [
      (ops, saved, g) => ops.div(g, input(saved, 1)),
      (ops, saved, g) => ops.neg(ops.mul(g, ops.div(saved.output, input(saved, 1)))),
    ],
    reference: (x, y) => x / y,
    domain: [wide, [0.5, 3]],
  },
  pow: {
    inputs: ["x", "y"],
    wgsl: "power(x, y)",
    vjp: [
      (ops, saved, g) => ops.mul(g, ops.powGradBase(input(saved, 0), input(saved, 1))),
      (ops, saved, g) => ops.mul(g, ops.powGradExponent(input(saved, 0), input(saved, 1))),
    ],
    reference: (x, y) => x ** y,
    domain: [
      [0.2, 3],
      [-2, 3],
    ],
  },
  /** d pow / d base = y x^(y-1), 0 where y is 0. */
  powGradBase: {
    inputs: ["x", "y"],
    wgsl: "select(y * power(x, y - 1.0), 0.0, y == 0.0)",
    vjp: null,
    reference: (x, y) => (y === 0 ? 0 : y * x ** (y - 1)),
    domain: [
      [0.2, 3],
      [-2, 3],
    ],
  },
  /** d pow / d exponent = x^y log x, 0 where x is 0 and y is not negative. */
  powGradExponent: {
    inputs: ["x", "y"],
    wgsl: "select(power(x, y) * logarithm(x), 0.0, x == 0.0 && y >= 0.0)",
    vjp: null,
    reference: (x, y) => (x === 0 && y >= 0 ? 0 : x ** y * Math.log(x)),
    domain: [
      [0.2, 3],
      [-2, 3],
    ],
  },
  maximum: {
    inputs: ["x", "y"],
    wgsl: "select(max(x, y), x + y, is_nan(x) || is_nan(y))",
    vjp: [
      (ops, saved, g) => ops.mul(g, ops.shareGreater(input(saved, 0), input(saved, 1))),
      (ops, saved, g) => ops.mul(g, ops.shareGreater(input(saved, 1), input(saved, 0))),
    ],
    reference: (x, y) => Math.max(x, y),
    domain: [wide, wide],
    kink: nearEqual,
  },
  minimum: {
    inputs: ["x", "y"],
    wgsl: "select(min(x, y), x + y, is_nan(x) || is_nan(y))",
    vjp: [
      (ops, saved, g) => ops.mul(g, ops.shareGreater(input(saved, 1), input(saved, 0))),
      (ops, saved, g) => ops.mul(g, ops.shareGreater(input(saved, 0), input(saved, 1))),
    ],
    reference: (x, y) => Math.min(x, y),
    domain: [wide, wide],
    kink: nearEqual,
  },
  /** 1 where x > y, a half where they are equal, else 0: the share of a maximum's gradient that x gets. */
  shareGreater: {
    inputs: ["x", "y"],
    wgsl: "select(select(0.0, 0.5, x == y), 1.0, x > y)",
    vjp: ["zero", "zero"],
    reference: (x, y) => (x > y ? 1 : x === y ? 0.5 : 0),
    domain: [wide, wide],
    kink: nearEqual,
  },
  equal: comparison("x == y", (x, y) => x === y),
  less: comparison("x < y", (x, y) => x < y),
  lessEqual: comparison("x <= y", (x, y) => x <= y),
  greater: comparison("x > y", (x, y) => x > y),
  greaterEqual: comparison("x >= y", (x, y) => x >= y),
  neg: {
    inputs: ["x"],
    wgsl: "-x",
    vjp: [(ops, _saved, g) => ops.neg(g)],
    reference: (x) => -x,
    domain: [wide],
  },
  abs: {
    inputs: ["x"],
    wgsl: "abs(x)",
    vjp: [(ops, saved, g) => ops.absGrad(g, input(saved, 0))],
    reference: Math.abs,
    domain: [wide],
    kink: nearZero,
  },
  sign: {
    inputs: ["x"],
    wgsl: "select(sign(x), x, is_nan(x))",
    vjp: ["zero"],
    reference: Math.sign,
    domain: [wide],
    kink: nearZero,
  },
  exp: {
    inputs: ["x"],
    wgsl: "exponential(x)",
    vjp: [(ops, saved, g) => ops.mul(g, ops.exp(input(saved, 0)))],
    reference: Math.exp,
    domain: [wide],
  },
  log: {
    inputs: ["x"],
    wgsl: "logarithm(x)",
    vjp: [(ops, saved, g) => ops.div(g, input(saved, 0))],
    reference: Math.log,
    domain: [[0.2, 3]],
  },
  sqrt: {
    inputs: ["x"],
    wgsl: "square_root(x)",
    vjp: [(ops, saved, g) => ops.div(g, ops.add(ops.sqrt(input(saved, 0)), ops.sqrt(input(saved, 0))))],
    reference: Math.sqrt,
    domain: [[0.2, 3]],
  },
  square: {
    inputs: ["x"],
    wgsl: "x * x",
    vjp: [(ops, saved, g) => ops.squareGrad(g, input(saved, 0))],
    reference: (x) => x * x,
    domain: [wide],
  },
  /** The gradient x times the slope of |y|: 0 where y is 0. */
  absGrad: {
    inputs: ["x", "y"],
    wgsl: "x * select(sign(y), y, is_nan(y))",
    vjp: [(ops, saved, g) => ops.absGrad(g, input(saved, 1)), "zero"],
    reference: (x, y) => x * Math.sign(y),
    domain: [wide, wide],
    kink: (_x, y) => nearZero(y),
  },
  /** The gradient x times the slope of y^2. */
  squareGrad: {
    inputs: ["x", "y"],
    wgsl: "2.0 * x * y",
    vjp: [(ops, saved, g) => ops.squareGrad(g, input(saved, 1)), (ops, saved, g) => ops.squareGrad(g, input(saved, 0))],
    reference: (x, y) => 2 * x * y,
    domain: [wide, wide],
  },
  reciprocal: {
    inputs: ["x"],
    wgsl: "1.0 / x",
    vjp: [(ops, saved, g) => ops.neg(ops.mul(g, ops.square(ops.reciprocal(input(saved, 0)))))],
    reference: (x) => 1 / x,
    domain: [[0.5, 3]],
  },
  relu: {
    inputs: ["x"],
    wgsl: "select(max(x, 0.0), x, is_nan(x))",
    vjp: [(ops, saved, g) => ops.reluGrad(g, saved.output)],
    reference: (x) => Math.max(x, 0),
    domain: [wide],
    kink: nearZero,
  },
  /** The gradient x where the value y of relu is positive, else 0. */
  reluGrad: {
    inputs: ["x", "y"],
    wgsl: "select(x, 0.0, y <= 0.0)",
    vjp: [(ops, saved, g) => ops.reluGrad(g, input(saved, 1)), "zero"],
    reference: (x, y) => (y <= 0 ? 0 : x),
    domain: [wide, wide],
    kink: (_x, y) => nearZero(y),
  },
  sigmoid: {
    inputs: ["x"],
    wgsl: "logistic(x)",
    vjp: [(ops, saved, g) => ops.mul(g, ops.sigmoidSlope(ops.sigmoid(input(saved, 0))))],
    reference: (x) => 1 / (1 + Math.exp(-x)),
    domain: [wide],
  },
  /** x (1 - x): the slope of sigmoid, from its value. */
  sigmoidSlope: {
    inputs: ["x"],
    wgsl: "x * (1.0 - x)",
    vjp: [(ops, saved, g) => ops.sub(g, ops.mul(g, ops.add(input(saved, 0), input(saved, 0))))],
    reference: (x) => x * (1 - x),
    domain: [wide],
  },
  tanh: {
    inputs: ["x"],
    wgsl: "hyperbolic_tangent(x)",
    vjp: [(ops, saved, g) => ops.mul(g, ops.tanhSlope(ops.tanh(input(saved, 0))))],
    reference: Math.tanh,
    domain: [wide],
  },
  /** 1 - x^2: the slope of tanh, from its value. */
  tanhSlope: {
    inputs: ["x"],
    wgsl: "1.0 - x * x",
    vjp: [(ops, saved, g) => ops.neg(ops.mul(g, ops.add(input(saved, 0), input(saved, 0))))],
    reference: (x) => 1 - x * x,
    domain: [wide],
  },
  where: {
    inputs: ["condition", "x", "y"],
    dtypes: ["bool", "f32", "f32"],
    wgsl: "select(z, y, x != 0u)",
    vjp: [
      null,
      (ops, saved, g) => ops.where(input(saved, 0), g, ops.sub(g, g)),
      (ops, saved, g) => ops.where(input(saved, 0), ops.sub(g, g), g),
    ],
    reference: (condition, x, y) => (condition !== 0 ? x : y),
    domain: [[0, 2], wide, wide],
  },
  clampBetween: {
    inputs: ["x", "low", "high"],
    wgsl: "select(min(max(x, y), z), x, is_nan(x))",
    vjp: [(ops, saved, g) => ops.mul(g, ops.within(input(saved, 0), input(saved, 1), input(saved, 2))), null, null],
    reference: (x, low, high) => Math.min(Math.max(x, low), high),
    domain: [wide, [-2, -1], [1, 2]],
    kink: (x, low, high) => nearEqual(x, low) || nearEqual(x, high),
  },
  /** 1 where low <= x <= high, else 0. */
  within: {
    inputs: ["x", "low", "high"],
    wgsl: "select(0.0, 1.0, x >= y && x <= z)",
    vjp: ["zero", "zero", "zero"],
    reference: (x, low, high) => (x >= low && x <= high ? 1 : 0),
    domain: [wide, [-2, -1], [1, 2]],
    kink: (x, low, high) => nearEqual(x, low) || nearEqual(x, high),
  },
};
