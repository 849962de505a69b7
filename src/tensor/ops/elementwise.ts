/**
 * Arithmetic, limits and roundings: rows of `elementwise-table.ts`, given their names and doc comments here. All broadcast by
 * NumPy's rule, and a plain number may stand for one of two operands. f32, i32 and u32 (whole numbers wrap around), never mixed:
 * `cast` converts. Logic is in `logic.ts`, functions in `functions.ts`, activations in `activations.ts`.
 */
import { isFloat } from "../host-values.js";
import { readOptions } from "../options.js";
import type { Tensor } from "../tensor.js";
import { relu, sigmoid, tanh } from "./activations.js";
import { type Binary, binary, type Operand, operands, rowOps, type Unary } from "./elementwise/define-row.js";
import { exp, log } from "./functions.js";
import { equal, greater, greaterEqual, less, lessEqual, where } from "./logic.js";

// Ops that others are made of are found here together.
export { equal, exp, greater, greaterEqual, less, lessEqual, log, relu, sigmoid, tanh, where };

/** `x + y`. */
export const add: Binary = binary("add");
/** `x - y`. */
export const sub: Binary = binary("sub");
/** `x * y`. */
export const mul: Binary = binary("mul");
/** `x / y`, always f32: whole numbers are divided truly, as in PyTorch. See `floorDiv` for whole quotients. */
export const div: Binary = binary("div");
/**
 * The floor of `x / y`, as `torch.floor_divide` and Python's `//`: -7 by 2 is -4. Its gradient is 0. Dividing a whole number by 0
 * gives -1 (the largest u32).
 */
export const floorDiv: Binary = binary("floorDiv");
/** `x - floorDiv(x, y) y`, with the sign of `y`, exact: as `torch.remainder` and Python's `%`. A whole number modulo 0 is itself. */
export const remainder: Binary = binary("remainder");
/** `x - trunc(x / y) y`, with the sign of `x`, exact: as `torch.fmod`, C's fmod and JavaScript's `%`. A whole number modulo 0 is itself. */
export const fmod: Binary = binary("fmod");
/** The larger of the two; NaN if either is. Equal values share the gradient. */
export const maximum: Binary = binary("maximum");
/** The smaller of the two; NaN if either is. Equal values share the gradient. */
export const minimum: Binary = binary("minimum");

/**
 * `x` to the power `y`, with the special cases of IEEE 754: `x^0` and `1^y` are 1 even for NaN; a negative base takes whole
 * exponents only, else NaN. Whole numbers to negative powers are 0, except for the bases 1 and -1. The gradient is PyTorch's: 0
 * with respect to the base where `y` is 0, and 0 with respect to the exponent where `x` is 0 and `y >= 0`.
 */
export function pow(x: Operand, y: Operand, options: object = {}): Tensor {
  readOptions("pow", options, {});
  if (typeof x === "object") {
    if (y === 2) return rowOps.square(x);
    if (y === 0.5) return rowOps.sqrt(x);
    if (y === -1 && isFloat(x.dtype)) return rowOps.reciprocal(x);
  }
  return rowOps.pow(...operands(x, y));
}

/**
 * Linear interpolation, `x + weight (y - x)`. As `torch.lerp`.
 *
 * @param weight - A tensor or a number; 0 gives `x`, 1 gives `y`.
 */
export function lerp(x: Tensor, y: Tensor, weight: Operand, options: object = {}): Tensor {
  readOptions("lerp", options, {});
  return rowOps.lerp(x, y, operands(x, weight)[1]);
}

/** `-x`; a u32 wraps around. */
export const neg: Unary = rowOps.neg;
/** `|x|`; its gradient at 0 is 0. */
export const abs: Unary = rowOps.abs;
/** -1, 0 or 1; 0 for NaN, as in PyTorch. Its gradient is 0 everywhere. */
export const sign: Unary = rowOps.sign;
/** Square root; NaN below 0. Its gradient at 0 is infinite. */
export const sqrt: Unary = rowOps.sqrt;
/** `1 / sqrt(x)`. */
export const rsqrt: Unary = rowOps.rsqrt;
/** `x * x`. */
export const square: Unary = rowOps.square;
/** `x sign(y)`: the gradient of `abs` at y, times x. */
export const absGrad: Binary = binary("absGrad");
/** `2 x y`: the gradient of `square` at y, times x. */
export const squareGrad: Binary = binary("squareGrad");
/** `1 / x`. */
export const reciprocal: Unary = rowOps.reciprocal;
/** The largest whole number not above `x`; its gradient is 0. */
export const floor: Unary = rowOps.floor;
/** The smallest whole number not below `x`; its gradient is 0. */
export const ceil: Unary = rowOps.ceil;
/** The nearest whole number, halves to the even one, as in PyTorch and NumPy (not as `Math.round`); its gradient is 0. */
export const round: Unary = rowOps.round;
/** `x` without its fraction; its gradient is 0. */
export const trunc: Unary = rowOps.trunc;
/** `x - trunc(x)`, with the sign of `x`, as `torch.frac`; its gradient is 1. */
export const frac: Unary = rowOps.frac;
/**
 * `x` limited to [low, high], both tensors; the upper limit wins where they are crossed. The gradient passes to `x` where
 * `low <= x <= high`, else to the limit that was taken, as in `torch.clamp`. See `clamp` for plain numbers.
 */
export const clampBetween: (x: Tensor, low: Tensor, high: Tensor) => Tensor = rowOps.clampBetween;
