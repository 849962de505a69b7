/** What a convolution layer puts around its input instead of zeros. */
import { axisPadding, type Padding } from "../tensor/conv2d-geometry.js";
import { pad } from "../tensor/ops/pad.js";
import type { Tensor } from "../tensor/tensor.js";

/** Zeros, the mirrored image without its edge, the nearest pixel, or the image again from its other side. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Its values. */
export const paddingModes: readonly PaddingMode[] = ["zeros", "reflect", "replicate", "circular"];

/** Kernel size, stride and dilation of both axes. */
export interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/**
 * `x` with its border, for a convolution that then pads nothing.
 *
 * @param x - NHWC.
 * @throws {ShapeError} when the mode needs a larger image.
 */
export function padImage(
  x: Tensor,
  mode: Exclude<PaddingMode, "zeros">,
  padding: Padding,
  { kernel, stride, dilation }: Windows,
): Tensor {
  const edges = ([0, 1] as const).map((i) => {
    const extent = dilation[i] * (kernel[i] - 1) + 1;
    return axisPadding(padding, i, x.shape[i + 1] as number, extent, stride[i]);
  }) as [readonly [number, number], readonly [number, number]];
  return edges.flat().some((own) => own > 0) ? pad(x, { mode, padding: [[0, 0], ...edges, [0, 0]] }) : x;
}
