import { ShapeError } from "../../kernels/errors.js";
import { checkCall } from "../define-op.js";
import { type Pair, pair } from "../pair.js";
import { describeShapes, rank4, sameShape } from "../shape.js";
import { type Tensor, zeros } from "../tensor.js";
import { checkIndexType } from "./gather.js";
import { reshape } from "./reshape.js";
import { scatter } from "./scatter.js";

/** Options of `maxUnpool2d`: those of the pooling. Each pair is for both axes, or `[rows, columns]`. */
export interface MaxUnpool2dOptions {
  readonly kernelSize: Pair;
  /** Default: `kernelSize`. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Pair;
  /** Height and width of the result, less than a stride from the default: `(OH - 1) stride - 2 padding + kernelSize`. */
  readonly size?: Pair;
}

/** The height and width of what was pooled. */
function unpooledSize(x: Tensor, options: MaxUnpool2dOptions): [number, number] {
  const [, OH, OW] = rank4("maxUnpool2d", "x", x.shape);
  const kernel = pair("maxUnpool2d", "kernelSize", options.kernelSize, 1);
  const stride = pair("maxUnpool2d", "stride", options.stride ?? options.kernelSize, 1);
  const padding = pair("maxUnpool2d", "padding", options.padding ?? 0, 0);
  const likely = ([0, 1] as const).map(
    (i) => ([OH, OW][i] as number) * stride[i] - stride[i] - 2 * padding[i] + kernel[i],
  );
  const size = options.size === undefined ? likely : pair("maxUnpool2d", "size", options.size, 0);
  const near = size.every((own, i) => Math.abs(own - (likely[i] as number)) < (stride[i] as number) && own > 0);
  if (!near)
    throw new ShapeError(
      `maxUnpool2d: size must be positive and less than the stride ${stride.join(" x ")} from ${likely.join(" x ")}, got ${size.join(" x ")}${describeShapes([["x", x.shape, "NHWC"]])}`,
    );
  return size as [number, number];
}

/**
 * Puts maxima back where they were, zeros elsewhere: a partial inverse of `maxPool2dWithIndices`.
 *
 * Where overlapping windows had the same maximum, the last one in row-major order stays. An index outside of the image is left
 * out, and the next wait for the GPU rejects with an `IndexError`.
 *
 * @param x - NHWC `[N, OH, OW, C]`, any element type.
 * @param indices - i32 or u32, `x`'s shape: `h W + w`.
 * @param options - `kernelSize`, `stride` default `kernelSize`, `padding` 0; `size` where several sizes have such a pooling.
 * @returns NHWC `[N, H, W, C]`.
 * @throws {ShapeError} when `x` has not 4 axes, the indices have another shape, or the size is impossible.
 * @throws {DTypeError} when the indices are no whole numbers.
 * @see `torch.nn.functional.max_unpool2d`, channels last.
 */
export function maxUnpool2d(x: Tensor, indices: Tensor, options: MaxUnpool2dOptions): Tensor {
  const kinds = { kernelSize: "any", stride: "any?", padding: "any?", size: "any?" } as const;
  checkCall("maxUnpool2d", { x, indices }, options, kinds);
  checkIndexType("maxUnpool2d", indices);
  const [N, OH, OW, C] = rank4("maxUnpool2d", "x", x.shape);
  if (!sameShape(x.shape, indices.shape)) {
    const shapes = [["x", x.shape, "NHWC"] as const, ["indices", indices.shape] as const];
    throw new ShapeError(`maxUnpool2d: indices must have x's shape${describeShapes(shapes)}`);
  }
  const [H, W] = unpooledSize(x, options);
  const flat = (t: Tensor) => reshape(t, { shape: [N, OH * OW, C] });
  const empty = zeros(x.device, [N, H * W, C], { dtype: x.dtype });
  return reshape(scatter(empty, flat(indices), flat(x), { axis: 1 }), { shape: [N, H, W, C] });
}
