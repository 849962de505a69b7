import { ShapeError } from "../../kernels/errors.js";
import { checkInputs } from "../define-op.js";
import { checkEps, readOptions } from "../options.js";
import { describeShapes, formatShape, sameShape } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { roundedOnce } from "./cast.js";
import { add, mul, reciprocal, sqrt, square } from "./elementwise.js";
import { type LayerNormOptions, layerNormKinds, trailing } from "./layer-norm.js";
import { reshape } from "./reshape.js";
import { mean } from "./sum.js";

/**
 * Root-mean-square normalisation: over the trailing axes, for each index of the leading ones.
 *
 * `y = x * weight / sqrt(mean(x^2) + eps)`
 *
 * @param x - `[..., ...shape]`.
 * @param weight - Of shape `shape`, or `null` for 1.
 * @param options - `shape` default: the weight's, or the last axis; `eps` default 2^-23, the rounding unit of f32.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `x` does not end with `shape`, or the weight has another.
 * @see Zhang & Sennrich 2019, arXiv:1910.07467. Same numbers as `torch.nn.functional.rms_norm`.
 */
export function rmsNorm(x: Tensor, weight: Tensor | null = null, options: LayerNormOptions = {}): Tensor {
  checkInputs("rmsNorm", ["x", "weight?"], [x, weight]);
  readOptions("rmsNorm", options, layerNormKinds);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => rmsNorm(wide, weight, options));
  const { shape = weight?.shape ?? x.shape.slice(-1), eps = 2 ** -23 } = options;
  checkEps("rmsNorm", eps);
  const { rows, length } = trailing("rmsNorm", x.shape, shape);
  if (weight && !sameShape(weight.shape, shape)) {
    const lines = describeShapes([
      ["x", x.shape],
      ["weight", weight.shape],
    ]);
    throw new ShapeError(
      `rmsNorm: weight must have the shape ${formatShape(shape)}, got ${formatShape(weight.shape)}${lines}`,
    );
  }
  const flat = reshape(x, { shape: [rows, length] });
  const power = add(mean(square(flat), { axes: 1, keepDims: true }), constant(x.device, eps));
  const normalised = reshape(mul(flat, reciprocal(sqrt(power))), { shape: x.shape });
  return weight ? mul(normalised, weight) : normalised;
}
