/** The windows of the pooling ops: their options, checks and output size. */
import { ShapeError } from "../kernels/errors.js";
import type { PoolGeometry, WindowAxis } from "../kernels/pool-window.js";
import { axisPadding, type Padding } from "./conv2d-geometry.js";
import { type Pair, pair } from "./pair.js";
import { describeShapes, formatShape, rank4, type Shape } from "./shape.js";

/** Options of the pooling ops. Each number is for both axes, or `[rows, columns]`. */
export interface PoolOptions {
  readonly kernelSize: Pair;
  /** Default: `kernelSize`. */
  readonly stride?: Pair;
  /**
   * Pixels on each side, at most half the kernel; `[[top, bottom], [left, right]]` where the sides differ. `"same"` is
   * TensorFlow's rule: ceil(size / stride) outputs, an odd pixel at the end; `"valid"` is none. Default 0.
   */
  readonly padding?: Padding;
  /** Round the output size up, as long as the last window starts inside the input or the padding before it. Default false. */
  readonly ceilMode?: boolean;
}

/** What they may be; `pair` looks at the numbers. */
export const poolKinds = { kernelSize: "any", stride: "any?", padding: "padding?", ceilMode: "boolean?" } as const;

/** Number of windows along an axis. */
function countWindows(size: number, axis: WindowAxis, ceilMode: boolean): number {
  const { kernel, stride, before, after, dilation } = axis;
  const room = size + before + after - dilation * (kernel - 1) - 1;
  const count = Math.floor((room + (ceilMode ? stride - 1 : 0)) / stride) + 1;
  return ceilMode && (count - 1) * stride >= size + before ? count - 1 : count;
}

/** True when every window holds a position of the axis; with dilation, one can step over a small input. */
function allFilled(size: number, count: number, { kernel, stride, before, dilation }: WindowAxis): boolean {
  for (let o = 0; o < count; o++) {
    const start = o * stride - before;
    const first = start + Math.max(0, Math.ceil(-start / dilation)) * dilation;
    if (first >= size || first > start + (kernel - 1) * dilation) return false;
  }
  return true;
}

/** Padding as an error prints it: `1 x 2` where opposite sides are alike. */
const formatPadding = (axes: readonly WindowAxis[]): string =>
  axes.every(({ before, after }) => before === after)
    ? axes.map(({ before }) => before).join(" x ")
    : `[${axes.map(({ before, after }) => formatShape([before, after])).join(", ")}]`;

/** The options of both axes, each whole and in its range. @throws {ShapeError} when one is not. */
export function checkPooling(op: string, options: PoolOptions & { readonly dilation?: Pair }) {
  const kernel = pair(op, "kernelSize", options.kernelSize, 1);
  const stride = pair(op, "stride", options.stride ?? options.kernelSize, 1);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const { padding = 0 } = options;
  const given = typeof padding === "string" || typeof padding === "number" ? padding : padding.flat();
  const ends = typeof given === "object" && given.length === 4 ? [given.slice(0, 2), given.slice(2)] : [given];
  for (const own of typeof given === "string" ? [] : ends) pair(op, "padding", own as Pair, 0);
  return { kernel, stride, dilation, padding };
}

/** The windows along both axes, checked one by one but not yet against the input. */
function windowAxes(
  op: string,
  sizes: readonly [number, number],
  options: PoolOptions & { readonly dilation?: Pair },
  line: string,
): [WindowAxis, WindowAxis] {
  const { kernel, stride, dilation, padding } = checkPooling(op, options);
  const axis = (i: 0 | 1): WindowAxis => {
    const extent = dilation[i] * (kernel[i] - 1) + 1;
    const [before, after] = axisPadding(padding, i, sizes[i], extent, stride[i]);
    return { kernel: kernel[i], stride: stride[i], dilation: dilation[i], before, after };
  };
  const axes: [WindowAxis, WindowAxis] = [axis(0), axis(1)];
  if (typeof padding !== "string" && axes.some((own) => Math.max(own.before, own.after) > own.kernel / 2)) {
    throw new ShapeError(
      `${op}: padding must be at most half the kernel, got ${formatPadding(axes)} for ${kernel.join(" x ")}${line}`,
    );
  }
  return axes;
}

const imageLine = (x: Shape): string => describeShapes([["x", x, "NHWC"]]);

/**
 * The sizes of a pooling of `x`.
 *
 * @param line - The last line of an error: the shape as the user knows it.
 * @throws {ShapeError} when the windows do not fit it.
 */
export function poolGeometry(
  op: string,
  x: Shape,
  options: PoolOptions & { readonly dilation?: Pair },
  line = imageLine(x),
): PoolGeometry {
  const [N, H, W, C] = rank4(op, "x", x);
  const axes = windowAxes(op, [H, W], options, line);
  const [rows, columns] = axes;
  const OH = countWindows(H, rows, options.ceilMode ?? false);
  const OW = countWindows(W, columns, options.ceilMode ?? false);
  if (OH < 1 || OW < 1) {
    const spans = axes.map((own) => own.dilation * (own.kernel - 1) + 1);
    const padded = [H, W].map((size, i) => size + (axes[i] as WindowAxis).before + (axes[i] as WindowAxis).after);
    throw new ShapeError(
      `${op}: the kernel must fit into the padded input, got ${spans.join(" x ")} for ${padded.join(" x ")}${line}`,
    );
  }
  if (!allFilled(H, OH, rows) || !allFilled(W, OW, columns)) {
    const of = (name: "kernel" | "dilation") => axes.map((own) => own[name]).join(" x ");
    throw new ShapeError(
      `${op}: every window must hold an element of the input, got one that holds none (kernel ${of("kernel")}, padding ${formatPadding(axes)}, dilation ${of("dilation")})${line}`,
    );
  }
  return { N, H, W, OH, OW, C, rows, columns };
}

/** Options of the adaptive poolings. */
export interface AdaptivePoolOptions {
  /** Height and width of the output, or one number for both. */
  readonly size: Pair;
}

/** The sizes of an adaptive pooling of `x`. @throws {ShapeError} when `x` has no pixels or a size is not whole and positive. */
export function adaptiveGeometry(
  op: string,
  x: Shape,
  { size }: AdaptivePoolOptions,
  line = imageLine(x),
): PoolGeometry {
  const [N, H, W, C] = rank4(op, "x", x);
  const [OH, OW] = pair(op, "size", size, 1);
  if (H < 1 || W < 1) throw new ShapeError(`${op}: height and width must be at least 1, got ${H} x ${W}${line}`);
  return { N, H, W, OH, OW, C, rows: "adaptive", columns: "adaptive" };
}
