/** Activations: rows of `elementwise-table.ts`. f32, any shape; every option, default and gradient at a kink as in PyTorch. */
import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { checkChoice } from "../options.js";
import type { Tensor } from "../tensor.js";
import { checkNumber, rowOps, type Unary } from "./elementwise/define-row.js";

/** `max(x, 0)`; NaN stays NaN; its gradient at 0 is 0. f32 or i32. */
export const relu: Unary = rowOps.relu;
/** `1 / (1 + e^-x)`, without overflow. */
export const sigmoid: Unary = rowOps.sigmoid;
/** Hyperbolic tangent. */
export const tanh: Unary = rowOps.tanh;
/** `log sigmoid(x) = -log(1 + e^-x)`, without overflow. */
export const logSigmoid: Unary = rowOps.logSigmoid;
/** `x sigmoid(x)`, also called swish. */
export const silu: Unary = rowOps.silu;
/** `x tanh(softplus(x))`. @see Misra 2019, arXiv:1908.08681. */
export const mish: Unary = rowOps.mish;
/** `x / (1 + |x|)`. */
export const softsign: Unary = rowOps.softsign;
/** `min(max(x + 3, 0), 6) / 6`; its gradient is 1/6 strictly between -3 and 3, else 0. */
export const hardSigmoid: Unary = rowOps.hardSigmoid;
/** `x hardSigmoid(x)`. @see Howard et al. 2019, arXiv:1905.02244. */
export const hardSwish: Unary = rowOps.hardSwish;

/** Options of `leakyRelu`. */
export interface LeakyReluOptions {
  /** Slope where `x <= 0`. Default 0.01. */
  readonly slope?: number;
}

/**
 * `x` above 0, `slope x` below.
 *
 * @param options - `slope` 0.01, which is also the gradient at 0.
 * @throws {ShapeError} when the slope is not finite.
 */
export function leakyRelu(x: Tensor, options: LeakyReluOptions = {}): Tensor {
  const { slope = 0.01 } = checkCall("leakyRelu", { x }, options, { slope: "number?" });
  checkNumber("leakyRelu", "slope", slope);
  return rowOps.leakyRelu(x, { a: slope });
}

/** Options of `elu` and `celu`. */
export interface EluOptions {
  /** What the function tends to far below 0 is `-alpha`. Default 1. */
  readonly alpha?: number;
}

/**
 * `x` above 0, `alpha (e^x - 1)` below.
 *
 * @throws {ShapeError} when alpha is not finite.
 * @see Clevert et al. 2015, arXiv:1511.07289.
 */
export function elu(x: Tensor, options: EluOptions = {}): Tensor {
  const { alpha = 1 } = checkCall("elu", { x }, options, { alpha: "number?" });
  checkNumber("elu", "alpha", alpha);
  return rowOps.elu(x, { a: alpha, b: 1, c: 1 });
}

/**
 * `x` above 0, `alpha (e^(x / alpha) - 1)` below: `elu` with a continuous derivative.
 *
 * @throws {ShapeError} when alpha is 0 or not finite.
 * @see Barron 2017, arXiv:1704.07483.
 */
export function celu(x: Tensor, options: EluOptions = {}): Tensor {
  const { alpha = 1 } = checkCall("celu", { x }, options, { alpha: "number?" });
  checkNumber("celu", "alpha", alpha);
  if (alpha === 0) throw new ShapeError("celu: alpha must not be 0");
  return rowOps.elu(x, { a: alpha, b: 1, c: 1 / alpha });
}

/** `1.0507 elu(x)` with alpha 1.6733: activations keep mean 0 and variance 1. @see Klambauer et al. 2017, arXiv:1706.02515. */
export function selu(x: Tensor, options: object = {}): Tensor {
  checkCall("selu", { x }, options, {});
  const [alpha, scale] = [1.6732632423543772, 1.0507009873554805];
  return rowOps.elu(x, { a: alpha * scale, b: scale, c: 1 });
}

/** Options of `gelu`. */
export interface GeluOptions {
  /** `"tanh"` takes the approximation of GPT-2. Default `"none"`, the exact function. */
  readonly approximate?: "none" | "tanh";
}

/**
 * `x` times the standard normal distribution function at `x`; or `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
 *
 * @throws {ShapeError} when `approximate` is neither `"none"` nor `"tanh"`.
 * @see Hendrycks & Gimpel 2016, arXiv:1606.08415.
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  const { approximate = "none" } = checkCall("gelu", { x }, options, { approximate: "any?" });
  checkChoice("gelu", "approximate", approximate, ["none", "tanh"]);
  return approximate === "tanh" ? rowOps.geluTanh(x) : rowOps.gelu(x);
}

/** Options of `softplus`. */
export interface SoftplusOptions {
  /** Sharpness of the bend. Default 1. */
  readonly beta?: number;
  /** Where `beta x` exceeds it, the result is `x` itself. Default 20. */
  readonly threshold?: number;
}

/**
 * `log(1 + e^(beta x)) / beta`, a smooth `relu`.
 *
 * @throws {ShapeError} when beta is 0, or either is not finite.
 */
export function softplus(x: Tensor, options: SoftplusOptions = {}): Tensor {
  const { beta = 1, threshold = 20 } = checkCall("softplus", { x }, options, { beta: "number?", threshold: "number?" });
  checkNumber("softplus", "beta", beta);
  checkNumber("softplus", "threshold", threshold);
  if (beta === 0) throw new ShapeError("softplus: beta must not be 0");
  return rowOps.softplus(x, { a: beta, b: threshold });
}

/** Options of `hardtanh`. */
export interface HardtanhOptions {
  /** Default -1. */
  readonly min?: number;
  /** Default 1. */
  readonly max?: number;
}

/**
 * `x` limited to [min, max]. As `clamp`, except that the gradient at the limits themselves is 0.
 *
 * @throws {ShapeError} when `min` exceeds `max`, or either is not finite.
 */
export function hardtanh(x: Tensor, options: HardtanhOptions = {}): Tensor {
  const { min = -1, max = 1 } = checkCall("hardtanh", { x }, options, { min: "number?", max: "number?" });
  checkNumber("hardtanh", "min", min);
  checkNumber("hardtanh", "max", max);
  if (min > max) throw new ShapeError(`hardtanh: min must not exceed max, got ${min} and ${max}`);
  return rowOps.hardtanh(x, { a: min, b: max });
}

/** `x` limited to [0, 6]; its gradient is 1 strictly between, else 0. */
export function relu6(x: Tensor, options: object = {}): Tensor {
  checkCall("relu6", { x }, options, {});
  return rowOps.hardtanh(x, { a: 0, b: 6 });
}
