/** What a convolution layer puts around its input instead of zeros. */
import { ShapeError } from "../kernels/errors.js";
import { axisPadding, type Padding } from "../tensor/conv2d-geometry.js";
import { concat } from "../tensor/ops/concat.js";
import { pad } from "../tensor/ops/pad.js";
import { slice } from "../tensor/ops/slice.js";
import { describeShapes } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Zeros, the mirrored image without its edge, the nearest pixel, or the image again from its other side. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Kernel size, stride and dilation of both axes. */
export interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** One axis continued from its other side. */
function wrap(op: string, x: Tensor, axis: number, [before, after]: readonly [number, number]): Tensor {
  const size = x.shape[axis] as number;
  if (Math.max(before, after) > size) {
    throw new ShapeError(
      `${op}: circular padding must be at most the size of its axis, got ${Math.max(before, after)} for ${size}${describeShapes([["x", x.shape, "NHWC"]])}`,
    );
  }
  const part = (from: number, to: number) =>
    slice(x, {
      start: x.shape.map((_, i) => (i === axis ? from : null)),
      end: x.shape.map((_, i) => (i === axis ? to : null)),
    });
  const parts = [...(before > 0 ? [part(size - before, size)] : []), x, ...(after > 0 ? [part(0, after)] : [])];
  return parts.length === 1 ? x : concat(parts, { axis });
}

/**
 * `x` with its border, for a convolution that then pads nothing.
 *
 * @param x - NHWC.
 * @throws {ShapeError} when the mode needs a larger image.
 */
export function padImage(
  op: string,
  x: Tensor,
  mode: Exclude<PaddingMode, "zeros">,
  padding: Padding,
  { kernel, stride, dilation }: Windows,
): Tensor {
  const edges = ([0, 1] as const).map((i) => {
    const extent = dilation[i] * (kernel[i] - 1) + 1;
    return axisPadding(padding, i, x.shape[i + 1] as number, extent, stride[i]);
  }) as [readonly [number, number], readonly [number, number]];
  if (mode !== "circular") return pad(x, { mode, padding: [[0, 0], ...edges, [0, 0]] });
  return wrap(op, wrap(op, x, 1, edges[0]), 2, edges[1]);
}
