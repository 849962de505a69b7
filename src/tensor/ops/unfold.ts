/** Windows of images as rows, and rows put back into images: a linear pair, each the gradient of the other. */
import { ShapeError } from "../../kernels/errors.js";
import * as kernels from "../../kernels/unfold.js";
import { conv2dSizes, type Padding } from "../conv2d-geometry.js";
import { defineOp } from "../define-op.js";
import { type Pair, pair } from "../pair.js";
import { describeShapes, rank3, rank4, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Options of `unfold`. Each number is for both axes, or `[rows, columns]`. */
export interface UnfoldOptions {
  readonly kernelSize: Pair;
  /** Distance of neighbouring windows. Default 1. */
  readonly stride?: Pair;
  /** Zeros around the image, as in `conv2d`. Default 0. */
  readonly padding?: Padding;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: Pair;
}

/** Options of `fold`. */
export interface FoldOptions extends UnfoldOptions {
  /** Height and width of the image, or one number for both. */
  readonly size: Pair;
}

const kinds = { kernelSize: "any", stride: "pair?", padding: "padding?", dilation: "pair?" } as const;

function geometryOf(
  op: string,
  [N, H, W, C]: readonly [number, number, number, number],
  { kernelSize, ...options }: UnfoldOptions,
  x: Shape,
): kernels.UnfoldGeometry {
  const kernel = pair(op, "kernelSize", kernelSize, 1);
  const { settings, OH, OW } = conv2dSizes(op, [H, W], kernel, options, [["x", x]]);
  const axis = (i: 0 | 1) => {
    const [before, after] = settings.padding[i];
    return { kernel: kernel[i], stride: settings.stride[i], dilation: settings.dilation[i], before, after };
  };
  return { N, H, W, C, OH, OW, rows: axis(0), columns: axis(1) };
}

/**
 * The windows of images as rows (im2col). `y[n, p OW + q, (i KW + j) C + c] = x[n, p*stride + i*dilation - padding, q*stride + j*dilation - padding, c]`
 *
 * A row is in the order of an HWIO filter: `matmul(unfold(x, ...), reshape(weight, { shape: [KH * KW * C, O] }))` is `conv2d`.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `kernelSize`; `stride` 1, `padding` 0 (zeros), `dilation` 1.
 * @returns `[N, OH OW, KH KW C]`, `OH = floor((H + padding - dilation (KH - 1) - 1) / stride) + 1`.
 * @throws {ShapeError} when `x` has not 4 axes, an option is out of range, or the dilated kernel exceeds the padded image.
 * @see `torch.nn.functional.unfold`, whose rows are in the order C, KH, KW and are columns.
 */
export const unfold = defineOp({
  name: "unfold",
  inputs: ["x"],
  options: kinds,
  plan([x], options: UnfoldOptions) {
    const geometry = geometryOf("unfold", rank4("unfold", "x", x.shape), options, x.shape);
    const { N, C, OH, OW, rows, columns } = geometry;
    return { shape: [N, OH * OW, rows.kernel * columns.kernel * C], geometry, options };
  },
  forward({ device, output, plan: { geometry, options } }, [x]) {
    kernels.unfold(device, x.storage, output.storage, geometry);
    return { ...options, size: [geometry.H, geometry.W] as const };
  },
  vjp: { x: (options, gradOutput): Tensor => fold(gradOutput, options) },
});

/**
 * Windows put back into images, overlaps added up (col2im): the transpose of `unfold` with the same options.
 *
 * @param x - `[N, OH OW, KH KW C]`, as `unfold` makes them of images of `size`.
 * @param options - `size` of the images; `kernelSize`, `stride` 1, `padding` 0, `dilation` 1.
 * @returns NHWC `[N, H, W, C]`.
 * @throws {ShapeError} when `x` has not 3 axes, or such images do not have so many windows, or a row is not a multiple of the kernel.
 * @see `torch.nn.functional.fold`.
 */
export const fold = defineOp({
  name: "fold",
  inputs: ["x"],
  options: { ...kinds, size: "any" },
  plan([x], { size, ...options }: FoldOptions) {
    const [N, count, length] = rank3("fold", "x", x.shape);
    const [KH, KW] = pair("fold", "kernelSize", options.kernelSize, 1);
    const lines = describeShapes([["x", x.shape]]);
    if (length % (KH * KW) !== 0)
      throw new ShapeError(`fold: rows must be a multiple of the kernel, got ${length} for ${KH} x ${KW}${lines}`);
    const [H, W] = pair("fold", "size", size, 1);
    const geometry = geometryOf("fold", [N, H, W, length / (KH * KW)], options, x.shape);
    const { OH, OW, C } = geometry;
    if (count !== OH * OW)
      throw new ShapeError(
        `fold: an image of ${H} x ${W} has ${OH} x ${OW} = ${OH * OW} windows, got ${count} rows${lines}`,
      );
    return { shape: [N, H, W, C], geometry, options };
  },
  forward({ device, output, plan: { geometry, options } }, [x]) {
    kernels.fold(device, x.storage, output.storage, geometry);
    return options;
  },
  vjp: { x: (options, gradOutput): Tensor => unfold(gradOutput, options) },
});
