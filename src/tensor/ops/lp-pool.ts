/** Pooling by the norm of each window: average pooling between two powers. */
import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { pair } from "../pair.js";
import { type PoolOptions, poolGeometry, poolKinds } from "../pool-window.js";
import { constant, type Tensor } from "../tensor.js";
import { avgPool2d } from "./avg-pool2d.js";
import { roundedOnce } from "./cast.js";
import { abs, mul, square } from "./elementwise.js";
import { flatAtZero } from "./norm.js";
import { avgPool1d, checkPool1d, type Pool1dOptions } from "./pool1d.js";
import { rootOrZero } from "./variance.js";

/** Options of `lpPool2d`. */
export interface LpPool2dOptions extends PoolOptions {
  /** The order of the norm: a finite number above 0. Default 2. */
  readonly p?: number;
}

/** Options of `lpPool1d`. */
export interface LpPool1dOptions extends Pool1dOptions {
  /** The order of the norm: a finite number above 0. Default 2. */
  readonly p?: number;
}

/** The p-norms of windows of `count` elements, of which `average` takes means. */
function normsOf(op: string, x: Tensor, p: number, count: number, average: (x: Tensor) => Tensor): Tensor {
  if (!(p > 0 && p < Number.POSITIVE_INFINITY))
    throw new ShapeError(`${op}: p must be a finite number above 0, got ${p}`);
  const powers = p === 2 ? square(x) : p === 1 ? abs(x) : flatAtZero(abs(x), p);
  const sums = mul(average(powers), constant(x.device, count));
  return p === 2 ? rootOrZero(sums) : p === 1 ? sums : flatAtZero(sums, 1 / p);
}

function checkFloat(op: string, x: Tensor): void {
  if (x.dtype !== "f32" && x.dtype !== "f16") throw new DTypeError(`${op}: x must be f32, got ${x.dtype}`);
}

/**
 * The norm of each window: `y[n,p,q,c] = (sum over the window of |x|^p)^(1/p)`. The gradient of a window of zeros is 0.
 *
 * Magnitudes, as in ONNX; PyTorch takes powers of the elements themselves, which is the same unless `p` is odd. As there, a
 * window that ends outside, with `ceilMode`, counts as if its missing elements had the mean power of the others.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `kernelSize`; `p` 2, `stride` default `kernelSize`, `padding` 0 (zeros), `ceilMode` false.
 * @returns NHWC `[N, OH, OW, C]`, sizes as `avgPool2d`.
 * @throws {ShapeError} as `avgPool2d`, and when `p` is not a finite number above 0.
 * @see `torch.nn.functional.lp_pool2d`, channels last; ONNX LpPool.
 */
export function lpPool2d(x: Tensor, options: LpPool2dOptions): Tensor {
  const { p = 2, ...windows } = checkCall("lpPool2d", { x }, options, { ...poolKinds, p: "number?" });
  checkFloat("lpPool2d", x);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => lpPool2d(wide, options));
  poolGeometry("lpPool2d", x.shape, windows);
  const [rows, columns] = pair("lpPool2d", "kernelSize", windows.kernelSize, 1);
  return normsOf("lpPool2d", x, p, rows * columns, (powers) =>
    avgPool2d(powers, { ...windows, countIncludePad: true }),
  );
}

/**
 * The norm of each window along the length. See `lpPool2d`.
 *
 * @param x - NLC `[N, L, C]`.
 * @param options - `kernelSize`; `p` 2, `stride` default `kernelSize`, `padding` 0 (zeros), `ceilMode` false.
 * @returns NLC `[N, OL, C]`.
 * @throws {ShapeError} when `x` has not 3 axes, and as `lpPool2d`.
 */
export function lpPool1d(x: Tensor, options: LpPool1dOptions): Tensor {
  const kinds = {
    kernelSize: "number",
    stride: "number?",
    padding: "span?",
    ceilMode: "boolean?",
    p: "number?",
  } as const;
  const { p = 2, ...windows } = checkCall("lpPool1d", { x }, options, kinds);
  checkFloat("lpPool1d", x);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => lpPool1d(wide, options));
  checkPool1d("lpPool1d", x, windows);
  return normsOf("lpPool1d", x, p, windows.kernelSize, (powers) =>
    avgPool1d(powers, { ...windows, countIncludePad: true }),
  );
}
