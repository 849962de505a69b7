/** Exponentials, logarithms, trigonometric and hyperbolic functions, erf. */
import type { Tensor } from "../../tensor.js";
import { type FunctionName, input, type Row, type RowOps } from "./row.js";

/** A function of one input; `slope` is its derivative at x, from x and its value. */
const unary = (wgsl: string, slope: (ops: RowOps, x: Tensor, value: Tensor) => Tensor): Row => ({
  inputs: ["x"],
  wgsl: `${wgsl}(x)`,
  vjp: [(ops, saved, g) => ops.mul(g, slope(ops, input(saved), saved.output))],
});

/** As `unary`, with a gradient that is a quotient: g / slope. */
const inverse = (wgsl: string, below: (ops: RowOps, x: Tensor) => Tensor): Row => ({
  inputs: ["x"],
  wgsl: `${wgsl}(x)`,
  vjp: [(ops, saved, g) => ops.div(g, below(ops, input(saved)))],
});

/** a x^2 + b. */
const squarePlus = (ops: RowOps, x: Tensor, a: number, b: number) => ops.affine(ops.square(x), { a, b });

/** The gradient of atan2: g times `other` over x^2 + y^2. */
const angle = (ops: RowOps, g: Tensor, other: Tensor, y: Tensor, x: Tensor) =>
  ops.mul(ops.mul(g, other), ops.reciprocal(ops.add(ops.square(y), ops.square(x))));

/** Rows by name. */
export const functionRows: Readonly<Record<FunctionName, Row>> = {
  exp: unary("exponential", (_ops, _x, value) => value),
  exp2: unary("exponential_2", (ops, _x, value) => ops.scale(value, { a: Math.LN2 })),
  expm1: unary("exponential_minus_1", (ops, _x, value) => ops.affine(value, { a: 1, b: 1 })),
  log: inverse("logarithm", (_ops, x) => x),
  log2: inverse("logarithm_2", (ops, x) => ops.scale(x, { a: Math.LN2 })),
  log10: inverse("logarithm_10", (ops, x) => ops.scale(x, { a: Math.LN10 })),
  log1p: inverse("logarithm_1_plus", (ops, x) => ops.affine(x, { a: 1, b: 1 })),
  erf: unary("error_function", (ops, x) => ops.scale(ops.exp(ops.neg(ops.square(x))), { a: 2 / Math.sqrt(Math.PI) })),
  erfc: unary("error_function_complement", (ops, x) =>
    ops.scale(ops.exp(ops.neg(ops.square(x))), { a: -2 / Math.sqrt(Math.PI) }),
  ),
  sin: unary("sine", (ops, x) => ops.cos(x)),
  cos: unary("cosine", (ops, x) => ops.neg(ops.sin(x))),
  tan: unary("tangent", (ops, _x, value) => squarePlus(ops, value, 1, 1)),
  asin: unary("arc_sine", (ops, x) => ops.rsqrt(squarePlus(ops, x, -1, 1))),
  acos: unary("arc_cosine", (ops, x) => ops.neg(ops.rsqrt(squarePlus(ops, x, -1, 1)))),
  atan: inverse("arc_tangent", (ops, x) => squarePlus(ops, x, 1, 1)),
  atan2: {
    inputs: ["y", "x"],
    wgsl: "arc_tangent_2(x, y)",
    vjp: [
      (ops, saved, g) => angle(ops, g, input(saved, 1), input(saved, 0), input(saved, 1)),
      (ops, saved, g) => angle(ops, g, ops.neg(input(saved, 0)), input(saved, 0), input(saved, 1)),
    ],
  },
  sinh: unary("hyperbolic_sine", (ops, x) => ops.cosh(x)),
  cosh: unary("hyperbolic_cosine", (ops, x) => ops.sinh(x)),
  asinh: unary("inverse_hyperbolic_sine", (ops, x) => ops.rsqrt(squarePlus(ops, x, 1, 1))),
  acosh: unary("inverse_hyperbolic_cosine", (ops, x) => ops.rsqrt(squarePlus(ops, x, 1, -1))),
  atanh: inverse("inverse_hyperbolic_tangent", (ops, x) => squarePlus(ops, x, -1, 1)),
};
