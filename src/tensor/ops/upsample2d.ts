/** Resizing of images, and its gradient: a linear pair, each the gradient of the other. */
import { ShapeError } from "../../kernels/errors.js";
import * as kernels from "../../kernels/upsample2d.js";
import { defineOp, type Op } from "../define-op.js";
import { type Pair, pair } from "../pair.js";
import { describeShapes, rank4, type Shape } from "../shape.js";

/** The rule of a resizing. */
interface Sampling {
  /** Default `"nearest"`. */
  readonly mode?: "nearest" | "bilinear";
  /** Bilinear only: the centres of the corner pixels stay where they are. Default false: their outer corners do. */
  readonly alignCorners?: boolean;
}

/** Options of `upsample2d`: a factor (a size then becomes `floor(size * scale)`), or the new height and width. */
export type Upsample2dOptions = Sampling &
  (
    | { readonly scale: Pair; readonly size?: never }
    | { readonly size: readonly [height: number, width: number]; readonly scale?: never }
  );

/** Options of `upsample2dGrad`: the height and width before the resizing. */
export interface Upsample2dGradOptions extends Sampling {
  readonly size: readonly [height: number, width: number];
}

function scaled(op: string, [H, W]: readonly [number, number], scale: Pair): [number, number] {
  const [rows, columns] = typeof scale === "number" ? [scale, scale] : scale;
  if (!(rows > 0 && columns > 0 && Number.isFinite(rows * columns))) {
    throw new ShapeError(`${op}: scale must be positive, got ${typeof scale === "number" ? scale : scale.join(", ")}`);
  }
  return [Math.floor(H * rows), Math.floor(W * columns)];
}

/** Checks the rule and the sizes on both sides; the kernels' positions are whole numbers below 2^31. */
function checkSampling(op: string, sampling: Sampling, x: Shape, from: readonly number[], to: readonly number[]) {
  const { mode = "nearest", alignCorners = false } = sampling;
  const line = () => describeShapes([["x", x, "NHWC"]]);
  if (alignCorners && mode === "nearest")
    throw new ShapeError(`${op}: alignCorners needs mode "bilinear", got mode "nearest"`);
  if (Math.min(...from, ...to) < 1) {
    throw new ShapeError(
      `${op}: heights and widths must be at least 1, got ${from.join(" x ")} to ${to.join(" x ")}${line()}`,
    );
  }
  from.forEach((size, i) => {
    if (2 * size * (to[i] as number) < 2 ** 31) return;
    throw new ShapeError(
      `${op}: 2 x input size x output size of an axis must be below 2^31, got ${size} and ${to[i]}${line()}`,
    );
  });
  return { mode, alignCorners };
}

/**
 * Resizes images, up or down.
 *
 * Nearest: `y[n,i,j,c] = x[n, floor(i H / OH), floor(j W / OW), c]`. Bilinear: weights by distance at
 * `max((i + 1/2) H / OH - 1/2, 0)`, or at `i (H - 1) / (OH - 1)` with `alignCorners`.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `scale` (both axes, or `[rows, columns]`) or `size` `[OH, OW]`; `mode` default `"nearest"`; `alignCorners` default false.
 * @returns NHWC `[N, OH, OW, C]`; with `scale`, `OH = floor(H scale)`, and positions use the ratio of the sizes, not `scale`.
 * @throws {ShapeError} when `x` has not 4 axes, a size is below 1, or `alignCorners` meets nearest.
 * @see `torch.nn.functional.interpolate` with `size` and the same modes, channels last.
 */
export const upsample2d: Op<readonly ["x"], Upsample2dOptions> = defineOp({
  name: "upsample2d",
  inputs: ["x"],
  plan([x], options: Upsample2dOptions) {
    const [N, H, W, C] = rank4("upsample2d", "x", x.shape);
    const [OH, OW] =
      options.size === undefined
        ? scaled("upsample2d", [H, W], options.scale)
        : pair("upsample2d", "size", options.size, 0);
    const rule = checkSampling("upsample2d", options, x.shape, [H, W], [OH, OW]);
    return { shape: [N, OH, OW, C], geometry: { N, H, W, OH, OW, C, ...rule } };
  },
  forward({ device, output, plan }, [x]) {
    kernels.upsample2d(device, x.storage, output.storage, plan.geometry);
    return plan.geometry;
  },
  vjp: {
    x: ({ H, W, mode, alignCorners }, gradOutput) => upsample2dGrad(gradOutput, { size: [H, W], mode, alignCorners }),
  },
});

/**
 * The gradient of `upsample2d` with respect to its input: each input pixel sums what the outputs that read it pass on.
 *
 * @param gradOutput - NHWC `[N, OH, OW, C]`.
 * @param options - `size` `[H, W]` before the resizing, and the same `mode` and `alignCorners`.
 * @returns NHWC `[N, H, W, C]`.
 * @throws {ShapeError} as `upsample2d`.
 */
export const upsample2dGrad: Op<readonly ["gradOutput"], Upsample2dGradOptions> = defineOp({
  name: "upsample2dGrad",
  inputs: ["gradOutput"],
  plan([gradOutput], options: Upsample2dGradOptions) {
    const [N, OH, OW, C] = rank4("upsample2dGrad", "gradOutput", gradOutput.shape);
    const [H, W] = pair("upsample2dGrad", "size", options.size, 0);
    const rule = checkSampling("upsample2dGrad", options, gradOutput.shape, [H, W], [OH, OW]);
    return { shape: [N, H, W, C], geometry: { N, H, W, OH, OW, C, ...rule } };
  },
  forward({ device, output, plan }, [gradOutput]) {
    kernels.upsample2dGrad(device, gradOutput.storage, output.storage, plan.geometry);
    return plan.geometry;
  },
  vjp: {
    gradOutput: ({ OH, OW, mode, alignCorners }, gradGrad) =>
      upsample2d(gradGrad, { size: [OH, OW], mode, alignCorners }),
  },
});
