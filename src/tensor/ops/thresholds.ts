/** Activations with a threshold, made of other ops. At it the gradients are PyTorch's. */
import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { broadcastShapes, describeShapes, resolveAxis, sameShape } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { roundedOnce } from "./cast.js";
import { clamp } from "./clamp.js";
import { split } from "./concat.js";
import { checkNumber } from "./elementwise/define-row.js";
import { greater, lessEqual, mul, sigmoid, sub, tanh, where } from "./elementwise.js";
import { logicalNot } from "./logic.js";

function checkFloat(op: string, x: Tensor): void {
  if (x.dtype !== "f32" && x.dtype !== "f16") throw new DTypeError(`${op}: x must be f32, got ${x.dtype}`);
}

/**
 * `x` above 0, `weight x` below: `leakyRelu` with slopes that are learned.
 *
 * The gradient at 0 is `weight`. That of the weight sums `x` where `x <= 0`.
 *
 * @param x - f32, any shape.
 * @param weight - f32, one number or a shape that broadcasts to `x`'s: `[C]` for a slope a channel, channels last.
 * @returns `x`'s shape.
 * @throws {ShapeError} when the weight does not broadcast to `x`.
 * @see He et al. 2015, arXiv:1502.01852; `torch.nn.functional.prelu`.
 */
export function prelu(x: Tensor, weight: Tensor, options: object = {}): Tensor {
  checkCall("prelu", { x, weight }, options, {});
  checkFloat("prelu", x);
  const shapes = [["x", x.shape] as const, ["weight", weight.shape] as const];
  if (!sameShape(broadcastShapes("prelu", shapes), x.shape))
    throw new ShapeError(`prelu: weight must broadcast to x's shape${describeShapes(shapes)}`);
  const above = greater(x, constant(x.device, 0));
  // Without what is above, so that an infinity there is not multiplied by the weight's zero gradient.
  return where(above, x, mul(where(above, constant(x.device, 0), x), weight));
}

/** Options of `threshold`. */
export interface ThresholdOptions {
  /** What an element must exceed. */
  readonly threshold: number;
  /** What stands for the others. */
  readonly value: number;
}

/**
 * `x` above the threshold, else `value`; NaN stays NaN.
 *
 * @param x - f32, any shape.
 * @throws {ShapeError} when either number is not finite.
 * @see `torch.nn.functional.threshold`; ONNX's ThresholdedRelu has the value 0.
 */
export function threshold(x: Tensor, options: ThresholdOptions): Tensor {
  const kinds = { threshold: "number", value: "number" } as const;
  const { threshold: least, value } = checkCall("threshold", { x }, options, kinds);
  checkFloat("threshold", x);
  checkNumber("threshold", "threshold", least);
  checkNumber("threshold", "value", value);
  return where(lessEqual(x, constant(x.device, least, x.dtype)), constant(x.device, value, x.dtype), x);
}

/** Options of `hardShrink` and `softShrink`. */
export interface ShrinkOptions {
  /** Half the width of what becomes 0. Default 0.5. */
  readonly lambda?: number;
}

function lambdaOf(op: string, x: Tensor, options: ShrinkOptions): number {
  const { lambda = 0.5 } = checkCall(op, { x }, options, { lambda: "number?" });
  checkFloat(op, x);
  if (!(lambda >= 0 && lambda < Number.POSITIVE_INFINITY))
    throw new ShapeError(`${op}: lambda must be a finite number >= 0, got ${lambda}`);
  return lambda;
}

/**
 * 0 where `|x| <= lambda`, else `x`. NaN stays NaN.
 *
 * @param x - f32, any shape.
 * @param options - `lambda` 0.5.
 * @throws {ShapeError} when lambda is negative or not finite.
 */
export function hardShrink(x: Tensor, options: ShrinkOptions = {}): Tensor {
  const lambda = lambdaOf("hardShrink", x, options);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => hardShrink(wide, options));
  const [low, high, zero] = [-lambda, lambda, 0].map((value) => constant(x.device, value)) as [Tensor, Tensor, Tensor];
  const outside = logicalNot(lessEqual(x, high));
  return where(outside, x, where(lessEqual(low, x), zero, x));
}

/**
 * `x` moved towards 0 by `lambda`, and 0 where it would pass it: `x - clamp(x, -lambda, lambda)`. NaN stays NaN.
 *
 * @param x - f32, any shape.
 * @param options - `lambda` 0.5.
 * @throws {ShapeError} when lambda is negative or not finite.
 */
export function softShrink(x: Tensor, options: ShrinkOptions = {}): Tensor {
  const lambda = lambdaOf("softShrink", x, options);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => softShrink(wide, options));
  return sub(x, clamp(x, { min: -lambda, max: lambda }));
}

/** `x - tanh(x)`. f32, any shape. */
export function tanhShrink(x: Tensor, options: object = {}): Tensor {
  checkCall("tanhShrink", { x }, options, {});
  checkFloat("tanhShrink", x);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => tanhShrink(wide));
  return sub(x, tanh(x));
}

/** Options of `glu`. */
export interface GluOptions {
  /** The axis that is halved; negative ones count from the end. Default -1: the channels. */
  readonly axis?: number;
}

/**
 * A gated linear unit: the first half of an axis times the sigmoid of the second.
 *
 * @param x - f32, an even number of elements along the axis.
 * @param options - `axis` -1.
 * @returns `x`'s shape with half as many along the axis.
 * @throws {ShapeError} when the axis does not exist or its size is odd.
 * @see Dauphin et al. 2016, arXiv:1612.08083; `torch.nn.functional.glu`.
 */
export function glu(x: Tensor, options: GluOptions = {}): Tensor {
  const { axis: given = -1 } = checkCall("glu", { x }, options, { axis: "number?" });
  checkFloat("glu", x);
  const axis = resolveAxis("glu", given, x.rank);
  const size = x.shape[axis] as number;
  if (size % 2 !== 0)
    throw new ShapeError(
      `glu: the axis must have an even size, got ${size} on axis ${axis}${describeShapes([["x", x.shape]])}`,
    );
  if (x.dtype === "f16") return roundedOnce(x, (wide) => glu(wide, { axis }));
  const [values, gates] = split(x, { parts: 2, axis }) as [Tensor, Tensor];
  return mul(values, sigmoid(gates));
}
