import { checkCall } from "../define-op.js";
import { resizingOf } from "../resizing.js";
import { describeShapes, rank3 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { reshape } from "./reshape.js";
import { upsample2d } from "./upsample2d.js";

/** Options of `upsample1d`: a factor (the length then becomes `floor(L * scale)`), or the new length. */
export type Upsample1dOptions = {
  /** Default `"nearest"`. */
  readonly mode?: "nearest" | "nearest-exact" | "linear";
  /** Linear only: the centres of the end elements stay where they are. Default false: their outer ends do. */
  readonly alignCorners?: boolean;
} & ({ readonly scale: number; readonly size?: never } | { readonly size: number; readonly scale?: never });

/**
 * Resizes sequences, up or down. See `upsample2d` for the rules.
 *
 * @param x - NLC `[N, L, C]`.
 * @param options - `scale` or `size`; `mode` default `"nearest"`; `alignCorners` default false.
 * @returns NLC `[N, OL, C]`; with `scale`, `OL = floor(L scale)`.
 * @throws {ShapeError} when `x` has not 3 axes, a length is below 1, or `alignCorners` meets nearest.
 * @see `torch.nn.functional.interpolate` of 3-D inputs, channels last.
 */
export function upsample1d(x: Tensor, given: Upsample1dOptions): Tensor {
  const kinds = { mode: "any?", alignCorners: "boolean?", scale: "number?", size: "number?" } as const;
  const options = checkCall("upsample1d", { x }, given, kinds);
  const [N, L, C] = rank3("upsample1d", "x", x.shape);
  const rule = {
    mode: options.mode === "linear" ? ("bilinear" as const) : (options.mode ?? ("nearest" as const)),
    alignCorners: options.alignCorners ?? false,
  };
  const { scale, size } = options;
  const target =
    size === undefined
      ? { ...(scale === undefined ? {} : { scale: [1, scale] as const }) }
      : { size: [1, size] as const, ...(scale === undefined ? {} : { scale: [1, scale] as const }) };
  const { OW } = resizingOf(
    "upsample1d",
    x.shape,
    [1, L],
    { ...rule, ...target },
    describeShapes([["x", x.shape, "NLC"]]),
  );
  const image = reshape(x, { shape: [N, 1, L, C] });
  const resized = scale === undefined ? { size: [1, OW] as const } : { scale: [1, scale] as const };
  return reshape(upsample2d(image, { ...rule, ...resized }), { shape: [N, OW, C] });
}
