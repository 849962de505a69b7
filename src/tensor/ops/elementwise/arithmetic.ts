/** Arithmetic, limits, rounding. At kinks the gradients are PyTorch's: abs'(0) = 0, equal maxima share, a limit passes at the limit. */
import { constant, type Tensor } from "../../tensor.js";
import { type ArithmeticName, input, numeric, type Row, type RowOps } from "./row.js";

const rounding = (wgsl: string): Row => ({
  inputs: ["x"],
  accepts: numeric,
  wgsl: { f32: wgsl, i32: "x", u32: "x" },
  vjp: ["zero"],
});

/** `value` where `condition` holds, else 0: unlike a product with 0 or 1, it gives 0 for infinity too. */
const masked = (ops: RowOps, condition: Tensor, value: Tensor) =>
  ops.where(condition, value, constant(value.device, 0));
const minus1 = { a: 1, b: -1 } as const;
const isZero = (ops: RowOps, x: Tensor) => ops.equal(x, constant(x.device, 0));

/** Rows by name. */
export const arithmeticRows: Readonly<Record<ArithmeticName, Row>> = {
  add: { inputs: ["x", "y"], accepts: numeric, wgsl: "x + y", vjp: [(_ops, _saved, g) => g, (_ops, _saved, g) => g] },
  sub: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: "x - y",
    vjp: [(_ops, _saved, g) => g, (ops, _saved, g) => ops.neg(g)],
  },
  mul: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: "x * y",
    vjp: [(ops, saved, g) => ops.mul(g, input(saved, 1)), (ops, saved, g) => ops.mul(g, input(saved, 0))],
  },
  div: {
    inputs: ["x", "y"],
    accepts: numeric,
    output: "f32",
    wgsl: { f32: "x / y", i32: "f32(x) / f32(y)", u32: "f32(x) / f32(y)" },
    vjp: [
      (ops, saved, g) => ops.div(g, input(saved, 1)),
      (ops, saved, g) => ops.neg(ops.mul(g, ops.div(saved.output, input(saved, 1)))),
    ],
  },
  floorDiv: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: { f32: "float_floor_div(x, y)", i32: "i32_floor_div(x, y)", u32: "u32_floor_div(x, y)" },
    vjp: ["zero", "zero"],
  },
  remainder: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: { f32: "float_remainder(x, y)", i32: "i32_remainder(x, y)", u32: "u32_remainder(x, y)" },
    vjp: [
      (_ops, _saved, g) => g,
      (ops, saved, g) => ops.neg(ops.mul(g, ops.floorDiv(input(saved, 0), input(saved, 1)))),
    ],
  },
  fmod: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: { f32: "float_fmod(x, y)", i32: "i32_fmod(x, y)", u32: "u32_remainder(x, y)" },
    vjp: [
      (_ops, _saved, g) => g,
      (ops, saved, g) => ops.neg(ops.mul(g, ops.trunc(ops.div(input(saved, 0), input(saved, 1))))),
    ],
  },
  pow: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: { f32: "power(x, y)", i32: "i32_power(x, y)", u32: "u32_power(x, y)" },
    vjp: [
      (ops, saved, g) => ops.mul(g, ops.powGradBase(input(saved, 0), input(saved, 1))),
      (ops, saved, g) => ops.mul(g, ops.powGradExponent(input(saved, 0), input(saved, 1))),
    ],
  },
  /** d pow / d base = y x^(y-1), 0 where y is 0. */
  powGradBase: {
    inputs: ["x", "y"],
    wgsl: "select(y * power(x, y - 1.0), 0.0, y == 0.0)",
    vjp: [
      (ops, saved, g) => {
        const [x, y] = [input(saved, 0), input(saved, 1)];
        return masked(
          ops,
          ops.logicalNot(isZero(ops, y)),
          ops.mul(g, ops.mul(y, ops.powGradBase(x, ops.affine(y, minus1)))),
        );
      },
      (ops, saved, g) => {
        const [x, y] = [input(saved, 0), input(saved, 1)];
        const less = ops.affine(y, minus1);
        const slope = ops.add(ops.pow(x, less), ops.mul(y, ops.powGradExponent(x, less)));
        return masked(ops, ops.logicalNot(isZero(ops, y)), ops.mul(g, slope));
      },
    ],
  },
  /** d pow / d exponent = x^y log x, 0 where x is 0 and y is not negative. */
  powGradExponent: {
    inputs: ["x", "y"],
    wgsl: "select(power(x, y) * logarithm(x), 0.0, x == 0.0 && y >= 0.0)",
    vjp: [
      (ops, saved, g) => {
        const [x, y] = [input(saved, 0), input(saved, 1)];
        const slope = ops.add(ops.mul(ops.powGradBase(x, y), ops.log(x)), ops.pow(x, ops.affine(y, minus1)));
        return masked(ops, ops.logicalNot(isZero(ops, x)), ops.mul(g, slope));
      },
      (ops, saved, g) => {
        const x = input(saved, 0);
        return masked(ops, ops.logicalNot(isZero(ops, x)), ops.mul(g, ops.mul(saved.output, ops.log(x))));
      },
    ],
  },
  maximum: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: {
      f32: "select(nan_of(x), select(y, x, order_key(x) >= order_key(y)), ordered(x, y))",
      i32: "max(x, y)",
      u32: "max(x, y)",
    },
    vjp: [
      (ops, saved, g) => ops.maximumGrad(g, input(saved, 0), input(saved, 1)),
      (ops, saved, g) => ops.maximumGrad(g, input(saved, 1), input(saved, 0)),
    ],
  },
  minimum: {
    inputs: ["x", "y"],
    accepts: numeric,
    wgsl: {
      f32: "select(nan_of(x), select(y, x, order_key(x) <= order_key(y)), ordered(x, y))",
      i32: "min(x, y)",
      u32: "min(x, y)",
    },
    vjp: [
      (ops, saved, g) => ops.maximumGrad(g, input(saved, 1), input(saved, 0)),
      (ops, saved, g) => ops.maximumGrad(g, input(saved, 0), input(saved, 1)),
    ],
  },
  /** What of the gradient x goes to y in max(y, z): 0 where y < z, half of it where they are equal, else all (NaN too). */
  maximumGrad: {
    inputs: ["x", "y", "z"],
    wgsl: "select(select(x, 0.5 * x, order_key(y) == order_key(z) && ordered(y, z)), 0.0, order_key(y) < order_key(z) && ordered(y, z))",
    vjp: [(ops, saved, g) => ops.maximumGrad(g, input(saved, 1), input(saved, 2)), "zero", "zero"],
  },
  clampBetween: {
    inputs: ["x", "low", "high"],
    accepts: numeric,
    wgsl: { f32: "limited(x, y, z)", i32: "min(max(x, y), z)", u32: "min(max(x, y), z)" },
    vjp: [
      (ops, saved, g) => masked(ops, ops.within(input(saved, 0), input(saved, 1), input(saved, 2)), g),
      // The upper limit wins where the limits are crossed, as in the value.
      (ops, saved, g) => {
        const [x, low, high] = [input(saved, 0), input(saved, 1), input(saved, 2)];
        return masked(ops, ops.logicalAnd(ops.less(x, low), ops.less(low, high)), g);
      },
      (ops, saved, g) => {
        const [x, low, high] = [input(saved, 0), input(saved, 1), input(saved, 2)];
        return masked(ops, ops.logicalOr(ops.greater(x, high), ops.greater(low, high)), g);
      },
    ],
  },
  /** low <= x <= high, as bool. */
  within: {
    inputs: ["x", "low", "high"],
    output: "bool",
    wgsl: "select(0u, 1u, order_key(x) >= order_key(y) && order_key(x) <= order_key(z) && !is_nan(x))",
    vjp: null,
  },
  /** x + weight (y - x), from the nearer end. */
  lerp: {
    inputs: ["x", "y", "weight"],
    wgsl: "select(y - (1.0 - z) * (y - x), x + z * (y - x), z < 0.5)",
    vjp: [
      (ops, saved, g) => ops.mul(g, ops.affine(input(saved, 2), { a: -1, b: 1 })),
      (ops, saved, g) => ops.mul(g, input(saved, 2)),
      (ops, saved, g) => ops.mul(g, ops.sub(input(saved, 1), input(saved, 0))),
    ],
  },
  /** a x, of a plain number; unlike `affine` it keeps the sign of zero. */
  scale: { inputs: ["x"], wgsl: "dims.a * x", vjp: [(ops, saved, g) => ops.scale(g, saved.numbers)] },
  /** a x + b, of plain numbers. */
  affine: {
    inputs: ["x"],
    wgsl: "dims.a * x + dims.b",
    vjp: [(ops, { numbers: { a = 0 } }, g) => ops.scale(g, { a })],
  },
  /** The gradient x where a < y < b, else 0. */
  passBetween: {
    inputs: ["x", "y"],
    wgsl: "select(0.0, x, y > dims.a && y < dims.b)",
    vjp: [(ops, saved, g) => ops.passBetween(g, input(saved, 1), saved.numbers), "zero"],
  },
  neg: {
    inputs: ["x"],
    accepts: numeric,
    wgsl: { f32: "-x", i32: "-x", u32: "0u - x" },
    vjp: [(ops, _saved, g) => ops.neg(g)],
  },
  abs: {
    inputs: ["x"],
    accepts: numeric,
    wgsl: "abs(x)",
    vjp: [(ops, saved, g) => ops.absGrad(g, input(saved))],
  },
  /** The gradient x times the slope of |y|: 0 where y is 0. */
  absGrad: {
    inputs: ["x", "y"],
    wgsl: "x * select(f32(sign(order_key(y))), 0.0, is_nan(y))",
    vjp: [(ops, saved, g) => ops.absGrad(g, input(saved, 1)), "zero"],
  },
  sign: {
    inputs: ["x"],
    accepts: numeric,
    wgsl: { f32: "select(f32(sign(order_key(x))), 0.0, is_nan(x))", i32: "sign(x)", u32: "min(x, 1u)" },
    vjp: ["zero"],
  },
  square: {
    inputs: ["x"],
    accepts: numeric,
    wgsl: "x * x",
    vjp: [(ops, saved, g) => ops.squareGrad(g, input(saved))],
  },
  /** The gradient x times the slope of y^2. */
  squareGrad: {
    inputs: ["x", "y"],
    wgsl: "2.0 * x * y",
    vjp: [(ops, saved, g) => ops.squareGrad(g, input(saved, 1)), (ops, saved, g) => ops.squareGrad(g, input(saved, 0))],
  },
  reciprocal: {
    inputs: ["x"],
    wgsl: "1.0 / x",
    vjp: [(ops, saved, g) => ops.neg(ops.mul(g, ops.square(saved.output)))],
  },
  sqrt: {
    inputs: ["x"],
    wgsl: "square_root(x)",
    vjp: [(ops, saved, g) => ops.div(g, ops.scale(saved.output, { a: 2 }))],
  },
  rsqrt: {
    inputs: ["x"],
    wgsl: "inverse_square_root(x)",
    vjp: [(ops, { output }, g) => ops.mul(ops.scale(g, { a: -0.5 }), ops.mul(ops.square(output), output))],
  },
  floor: rounding("floor(x)"),
  ceil: rounding("ceil(x)"),
  round: rounding("round(x)"),
  trunc: rounding("trunc(x)"),
  /** x - trunc x: with the sign of x. */
  frac: { inputs: ["x"], wgsl: "select(x - trunc(x), nan_of(x), !is_finite(x))", vjp: [(_ops, _saved, g) => g] },
};
