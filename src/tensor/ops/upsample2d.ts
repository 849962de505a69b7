/** Resizing of images, and its gradient: a linear pair, each the gradient of the other. */
import * as kernels from "../../kernels/upsample2d.js";
import { checkCall, checkInputs, defineOp, type Op } from "../define-op.js";
import { type Pair, pair } from "../pair.js";
import { checkResizing, type Resizing, resizingOf, type Sampling } from "../resizing.js";
import { rank4 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { roundedOnce } from "./cast.js";
import { resample } from "./resample.js";

/** Options of `upsample2d`: a factor (a size then becomes `floor(size * scale)`), or the new height and width. */
export type Upsample2dOptions = Sampling &
  ({ readonly scale: Pair; readonly size?: never } | { readonly size: Pair; readonly scale?: never });

/** What they may be; `pair` looks at the size. */
export const upsample2dKinds = {
  mode: "any?",
  alignCorners: "boolean?",
  antialias: "boolean?",
  scale: "pair?",
  size: "any?",
} as const;

/** Options of `upsample2dGrad`: the height and width before the resizing, and the factor where one was given. */
export interface Upsample2dGradOptions extends Sampling {
  readonly size: readonly [height: number, width: number];
  readonly scale?: Pair;
}

type Direct = Resizing & { readonly mode: "nearest" | "nearest-exact" | "bilinear" };

const direct: Op<readonly ["x"], Direct> = defineOp({
  name: "upsample2d",
  inputs: ["x"],
  plan([x], resizing: Direct) {
    const [N, , , C] = rank4("upsample2d", "x", x.shape);
    return { shape: [N, resizing.OH, resizing.OW, C], geometry: { N, C, ...resizing } };
  },
  forward({ device, output, plan }, [x]) {
    kernels.upsample2d(device, x.storage, output.storage, plan.geometry);
    return plan.geometry;
  },
  vjp: { x: (geometry, gradOutput) => directGrad(gradOutput, geometry) },
});

const directGrad: Op<readonly ["gradOutput"], Direct> = defineOp({
  name: "upsample2dGrad",
  inputs: ["gradOutput"],
  plan([gradOutput], resizing: Direct) {
    const [N, , , C] = rank4("upsample2dGrad", "gradOutput", gradOutput.shape);
    return { shape: [N, resizing.H, resizing.W, C], geometry: { N, C, ...resizing } };
  },
  forward({ device, output, plan }, [gradOutput]) {
    kernels.upsample2dGrad(device, gradOutput.storage, output.storage, plan.geometry);
    return plan.geometry;
  },
  vjp: { gradOutput: (geometry, gradGrad) => direct(gradGrad, geometry) },
});

/** Both axes by sparse matrices: rows first, and columns first on the way back. */
function separable(x: Tensor, resizing: Resizing, transposed: boolean): Tensor {
  const { H, W, OH, OW, ratios, alignCorners, antialias } = resizing;
  const mode = resizing.mode === "bicubic" ? "bicubic" : "bilinear";
  const axes = [
    { axis: 1, input: H, output: OH, step: ratios[0][0] / ratios[0][1] },
    { axis: 2, input: W, output: OW, step: ratios[1][0] / ratios[1][1] },
  ];
  return (transposed ? axes.reverse() : axes).reduce(
    (y, { axis, ...sizes }) => resample(y, { axis, transposed, resizing: { mode, alignCorners, antialias, ...sizes } }),
    x,
  );
}

const isDirect = (resizing: Resizing): resizing is Direct => resizing.mode !== "bicubic" && !resizing.antialias;

/**
 * Resizes images, up or down.
 *
 * With `r` the ratio of input to output size, or the inverse of `scale`: nearest `y[n,i,j,c] = x[n, floor(i r), floor(j r), c]`;
 * nearest-exact at `floor((i + 1/2) r)`; bilinear weighs by distance at `max((i + 1/2) r - 1/2, 0)`, bicubic by Keys' cubic with a = -3/4
 * at `(i + 1/2) r - 1/2`, both at `i (H - 1) / (OH - 1)` with `alignCorners`. `antialias` widens a bilinear or bicubic (then a = -1/2)
 * filter by `r` where the image shrinks, so that every pixel counts. Bilinear copies an axis that keeps its size.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param options - `scale` or `size` (both axes, or `[rows, columns]`); `mode` default `"nearest"`; `alignCorners` default false;
 *   `antialias` default false.
 * @returns NHWC `[N, OH, OW, C]`; with `scale`, `OH = floor(H scale)`.
 * @throws {ShapeError} when `x` has not 4 axes, a size is below 1, `alignCorners` or `antialias` meets nearest, or they meet.
 * @see `torch.nn.functional.interpolate` with the same modes, channels last; with `scale` as its `scale_factor`.
 */
export function upsample2d(x: Tensor, options: Upsample2dOptions): Tensor {
  checkCall("upsample2d", { x }, options, upsample2dKinds);
  const [, H, W] = rank4("upsample2d", "x", x.shape);
  const resizing = resizingOf("upsample2d", x.shape, [H, W], options);
  if (isDirect(resizing)) return direct(x, resizing);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => separable(wide, resizing, false));
  return separable(x, resizing, false);
}

/**
 * The gradient of `upsample2d` with respect to its input: each input pixel sums what the outputs that read it pass on.
 *
 * @param gradOutput - NHWC `[N, OH, OW, C]`.
 * @param options - `size` `[H, W]` before the resizing, the `scale` where there was one, and the same rule.
 * @returns NHWC `[N, H, W, C]`.
 * @throws {ShapeError} as `upsample2d`.
 */
export function upsample2dGrad(gradOutput: Tensor, options: Upsample2dGradOptions): Tensor {
  const op = "upsample2dGrad";
  checkInputs(op, ["gradOutput"], [gradOutput]);
  const [, OH, OW] = rank4(op, "gradOutput", gradOutput.shape);
  const { size, ...rest } = options;
  const from = pair(op, "size", size, 0);
  const resizing = checkResizing(op, gradOutput.shape, from, [OH, OW], rest);
  return isDirect(resizing) ? directGrad(gradOutput, resizing) : separable(gradOutput, resizing, true);
}
