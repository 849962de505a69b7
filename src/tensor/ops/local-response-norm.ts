import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { describeShapes, sizeOf } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { avgPool2d } from "./avg-pool2d.js";
import { roundedOnce } from "./cast.js";
import { add, div, mul, pow, square } from "./elementwise.js";
import { pad } from "./pad.js";
import { reshape } from "./reshape.js";

/** Options of `localResponseNorm`. */
export interface LocalResponseNormOptions {
  /** Neighbouring channels that are summed. */
  readonly size: number;
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
}

/**
 * Local response normalisation over neighbouring channels, as in AlexNet.
 *
 * `y[..., c] = x[..., c] / (k + alpha / size * sum of x[..., d]^2 over the size channels d around c)^beta`; of an even `size`, the one more
 * lies before `c`.
 *
 * @param x - Channels last, `[..., C]`.
 * @param options - `size`; `alpha` default 1e-4, `beta` 0.75, `k` 1.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `x` has no axes, or `size` is not whole and positive.
 * @see Krizhevsky, Sutskever & Hinton 2012, section 3.3, where alpha is not divided by size; `torch.nn.functional.local_response_norm`.
 */
export function localResponseNorm(x: Tensor, options: LocalResponseNormOptions): Tensor {
  const kinds = { size: "number", alpha: "number?", beta: "number?", k: "number?" } as const;
  checkCall("localResponseNorm", { x }, options, kinds);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => localResponseNorm(wide, options));
  const { size, alpha = 1e-4, beta = 0.75, k = 1 } = options;
  const line = describeShapes([["x", x.shape]]);
  if (!Number.isInteger(size) || size < 1)
    throw new ShapeError(`localResponseNorm: size must be whole and at least 1, got ${size}${line}`);
  if (x.rank < 1) throw new ShapeError(`localResponseNorm: x must have at least 1 axis, channels last, got 0${line}`);
  if (x.size === 0) return mul(x, constant(x.device, 1));
  const { device } = x;
  const C = x.shape.at(-1) as number;
  // Channels as the rows of an image: what is summed is then a window of an average pooling.
  const squares = reshape(square(x), { shape: [sizeOf(x.shape) / C, C, 1, 1] });
  const sides = [Math.floor(size / 2), Math.floor((size - 1) / 2)] as const;
  const padded = pad(squares, { padding: [[0, 0], sides, [0, 0], [0, 0]] });
  const means = reshape(avgPool2d(padded, { kernelSize: [size, 1], stride: 1 }), { shape: x.shape });
  const base = add(mul(means, constant(device, alpha)), constant(device, k));
  return div(x, pow(base, constant(device, beta)));
}
