/** The windows of the pooling ops: their options, checks and output size. */
import { ShapeError } from "../kernels/errors.js";
import type { PoolGeometry, WindowAxis } from "../kernels/pool-window.js";
import { type Pair, pair } from "./pair.js";
import { describeShapes, rank4, type Shape } from "./shape.js";

/** Options of the pooling ops. Each number is for both axes, or `[rows, columns]`. */
export interface PoolOptions {
  readonly kernelSize: Pair;
  /** Default: `kernelSize`. */
  readonly stride?: Pair;
  /** Pixels on each side, at most half the kernel. Default 0. */
  readonly padding?: Pair;
  /** Round the output size up, as long as the last window starts inside the input or the padding before it. Default false. */
  readonly ceilMode?: boolean;
}

/** Number of windows along an axis. */
function countWindows(size: number, { kernel, stride, padding, dilation }: WindowAxis, ceilMode: boolean): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  const count = Math.floor((room + (ceilMode ? stride - 1 : 0)) / stride) + 1;
  return ceilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** True when every window holds a position of the axis; with dilation, one can step over a small input. */
function allFilled(size: number, count: number, { kernel, stride, padding, dilation }: WindowAxis): boolean {
  for (let o = 0; o < count; o++) {
    const start = o * stride - padding;
    const first = start + Math.max(0, Math.ceil(-start / dilation)) * dilation;
    if (first >= size || first > start + (kernel - 1) * dilation) return false;
  }
  return true;
}

/** The sizes of a pooling of `x`. @throws {ShapeError} when the windows do not fit it. */
export function poolGeometry(op: string, x: Shape, options: PoolOptions & { readonly dilation?: Pair }): PoolGeometry {
  const [N, H, W, C] = rank4(op, "x", x);
  const kernel = pair(op, "kernelSize", options.kernelSize, 1);
  const stride = pair(op, "stride", options.stride ?? options.kernelSize, 1);
  const padding = pair(op, "padding", options.padding ?? 0, 0);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const line = describeShapes([["x", x, "NHWC"]]);
  if (padding[0] > kernel[0] / 2 || padding[1] > kernel[1] / 2) {
    throw new ShapeError(
      `${op}: padding must be at most half the kernel, got ${padding.join(" x ")} for ${kernel.join(" x ")}${line}`,
    );
  }
  const axis = (i: 0 | 1) => ({ kernel: kernel[i], stride: stride[i], padding: padding[i], dilation: dilation[i] });
  const [rows, columns] = [axis(0), axis(1)];
  const OH = countWindows(H, rows, options.ceilMode ?? false);
  const OW = countWindows(W, columns, options.ceilMode ?? false);
  if (OH < 1 || OW < 1) {
    const spans = [rows, columns].map((own) => own.dilation * (own.kernel - 1) + 1);
    throw new ShapeError(
      `${op}: the kernel must fit into the padded input, got ${spans.join(" x ")} for ${H + 2 * padding[0]} x ${W + 2 * padding[1]}${line}`,
    );
  }
  if (!allFilled(H, OH, rows) || !allFilled(W, OW, columns)) {
    throw new ShapeError(
      `${op}: every window must hold an element of the input, got one that holds none (kernel ${kernel.join(" x ")}, padding ${padding.join(" x ")}, dilation ${dilation.join(" x ")})${line}`,
    );
  }
  return { N, H, W, OH, OW, C, rows, columns };
}
