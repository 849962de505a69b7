/** Channels to pixels and back: the rearrangements of super-resolution networks. */
import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { describeShapes, rank4 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { reshape } from "./reshape.js";
import { transpose } from "./transpose.js";

/** Options of `pixelShuffle` and `pixelUnshuffle`. */
export interface PixelShuffleOptions {
  /** Pixels along each axis that one pixel becomes, or that become one. */
  readonly factor: number;
}

function checkFactor(op: string, factor: number): void {
  if (!Number.isInteger(factor) || factor < 1)
    throw new ShapeError(`${op}: factor must be whole and at least 1, got ${factor}`);
}

/**
 * Turns channels into pixels: `factor^2` of them into a square.
 *
 * `y[n, h f + i, w f + j, c] = x[n, h, w, (c f + i) f + j]`, PyTorch's order of channels; TensorFlow's `depth_to_space` has
 * `(i f + j) C + c` in its place.
 *
 * @param x - NHWC `[N, H, W, C factor^2]`.
 * @returns NHWC `[N, H factor, W factor, C]`.
 * @throws {ShapeError} when `x` has not 4 axes, or `factor^2` does not divide the channels.
 * @see Shi et al. 2016, arXiv:1609.05158; `torch.nn.functional.pixel_shuffle`, channels last.
 */
export function pixelShuffle(x: Tensor, options: PixelShuffleOptions): Tensor {
  const { factor } = checkCall("pixelShuffle", { x }, options, { factor: "number" });
  const [N, H, W, channels] = rank4("pixelShuffle", "x", x.shape);
  checkFactor("pixelShuffle", factor);
  const C = channels / factor ** 2;
  if (channels % factor ** 2 !== 0) {
    throw new ShapeError(
      `pixelShuffle: factor^2 must divide the channels, got ${factor}^2 and ${channels}${describeShapes([["x", x.shape, "NHWC"]])}`,
    );
  }
  const split = reshape(x, { shape: [N, H, W, C, factor, factor] });
  return reshape(transpose(split, { axes: [0, 1, 4, 2, 5, 3] }), { shape: [N, H * factor, W * factor, C] });
}

/**
 * Turns squares of `factor^2` pixels into channels: the inverse of `pixelShuffle`.
 *
 * @param x - NHWC `[N, H factor, W factor, C]`.
 * @returns NHWC `[N, H, W, C factor^2]`.
 * @throws {ShapeError} when `x` has not 4 axes, or `factor` does not divide height and width.
 * @see `torch.nn.functional.pixel_unshuffle`, channels last.
 */
export function pixelUnshuffle(x: Tensor, options: PixelShuffleOptions): Tensor {
  const { factor } = checkCall("pixelUnshuffle", { x }, options, { factor: "number" });
  const [N, H, W, C] = rank4("pixelUnshuffle", "x", x.shape);
  checkFactor("pixelUnshuffle", factor);
  if (H % factor !== 0 || W % factor !== 0) {
    throw new ShapeError(
      `pixelUnshuffle: factor must divide height and width, got ${factor} for ${H} x ${W}${describeShapes([["x", x.shape, "NHWC"]])}`,
    );
  }
  const split = reshape(x, { shape: [N, H / factor, factor, W / factor, factor, C] });
  return reshape(transpose(split, { axes: [0, 1, 3, 5, 2, 4] }), {
    shape: [N, H / factor, W / factor, C * factor ** 2],
  });
}
