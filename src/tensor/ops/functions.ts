/**
 * Exponentials, logarithms, trigonometric and hyperbolic functions, erf: rows of `elementwise-table.ts`. f32. They are computed in
 * WGSL of the project's own, as the built-in functions are inaccurate on many adapters: `docs/accuracy.md` has their errors.
 */
import { type Binary, binary, rowOps, type Unary } from "./elementwise/define-row.js";

/** `e^x`. */
export const exp: Unary = rowOps.exp;
/** `2^x`. */
export const exp2: Unary = rowOps.exp2;
/** `e^x - 1`, accurate near 0. */
export const expm1: Unary = rowOps.expm1;
/** Natural logarithm; -infinity at 0, NaN below. */
export const log: Unary = rowOps.log;
/** Logarithm to base 2. */
export const log2: Unary = rowOps.log2;
/** Logarithm to base 10. */
export const log10: Unary = rowOps.log10;
/** `log(1 + x)`, accurate near 0. */
export const log1p: Unary = rowOps.log1p;
/** The error function, `2 / sqrt(pi)` times the integral of `e^-t^2` from 0 to `x`. */
export const erf: Unary = rowOps.erf;
/** `1 - erf(x)`, accurate where it is small. */
export const erfc: Unary = rowOps.erfc;
/** Sine of radians, accurate for arguments of any size. */
export const sin: Unary = rowOps.sin;
/** Cosine of radians, accurate for arguments of any size. */
export const cos: Unary = rowOps.cos;
/** Tangent of radians, accurate for arguments of any size. */
export const tan: Unary = rowOps.tan;
/** Arcsine, in [-pi/2, pi/2]; NaN outside [-1, 1]. */
export const asin: Unary = rowOps.asin;
/** Arccosine, in [0, pi]; NaN outside [-1, 1]. */
export const acos: Unary = rowOps.acos;
/** Arctangent, in [-pi/2, pi/2]. */
export const atan: Unary = rowOps.atan;
/** The angle of the point (`x`, `y`), in [-pi, pi]; `y` comes first, as in every language. */
export const atan2: Binary = binary("atan2");
/** Hyperbolic sine. */
export const sinh: Unary = rowOps.sinh;
/** Hyperbolic cosine. */
export const cosh: Unary = rowOps.cosh;
/** The inverse of `sinh`. */
export const asinh: Unary = rowOps.asinh;
/** The inverse of `cosh`; NaN below 1. */
export const acosh: Unary = rowOps.acosh;
/** The inverse of `tanh`; infinite at -1 and 1, NaN outside. */
export const atanh: Unary = rowOps.atanh;
