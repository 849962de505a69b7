/** Comparisons, logic and choice: rows of `elementwise-table.ts`. They give bool, except `where`; all broadcast by NumPy's rule. */
import { readOptions } from "../options.js";
import type { Tensor } from "../tensor.js";
import { type Binary, binary, type Operand, operands, rowOps, type Unary } from "./elementwise/define-row.js";

/** `x == y`, as bool; NaN equals nothing. Any element type. */
export const equal: Binary = binary("equal");
/** `x != y`, as bool; NaN differs from everything. Any element type. */
export const notEqual: Binary = binary("notEqual");
/** `x < y`, as bool; false where either is NaN. */
export const less: Binary = binary("less");
/** `x <= y`, as bool; false where either is NaN. */
export const lessEqual: Binary = binary("lessEqual");
/** `x > y`, as bool; false where either is NaN. */
export const greater: Binary = binary("greater");
/** `x >= y`, as bool; false where either is NaN. */
export const greaterEqual: Binary = binary("greaterEqual");
/** Whether both are true, as bool. Numbers of any element type are true unless they are 0; so is NaN. */
export const logicalAnd: (x: Tensor, y: Tensor) => Tensor = rowOps.logicalAnd;
/** Whether at least one is true, as bool. See `logicalAnd` for numbers. */
export const logicalOr: (x: Tensor, y: Tensor) => Tensor = rowOps.logicalOr;
/** Whether exactly one is true, as bool. See `logicalAnd` for numbers. */
export const logicalXor: (x: Tensor, y: Tensor) => Tensor = rowOps.logicalXor;
/** Whether it is not true, as bool. See `logicalAnd` for numbers. */
export const logicalNot: Unary = rowOps.logicalNot;
/** Whether it is NaN, as bool; told by the bits, so right on every adapter. */
const nan: Unary = rowOps.isNaN;
/** Whether it is infinite, as bool. */
export const isInf: Unary = rowOps.isInf;
/** Whether it is neither infinite nor NaN, as bool. */
const finite: Unary = rowOps.isFinite;

export { finite as isFinite, nan as isNaN };

/**
 * `x` where `condition` (bool) holds, else `y`. Any element type; one of `x` and `y` may be a plain number. The gradient goes to
 * the one that was taken, and what was not taken does not matter, NaN included.
 */
export function where(condition: Tensor, x: Operand, y: Operand, options: object = {}): Tensor {
  readOptions("where", options, {});
  return rowOps.where(condition, ...operands(x, y));
}
