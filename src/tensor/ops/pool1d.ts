/** Pooling along one axis: that of planes of one row. */
import { checkInputs, type Op } from "../define-op.js";
import { adaptiveGeometry, poolGeometry } from "../pool-window.js";
import { describeShapes, rank3, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { type AvgWindows, defineAvgPool } from "./avg-pool2d.js";
import { defineMaxPool } from "./max-pool2d.js";
import { reshape } from "./reshape.js";

/** Options of the 1-D poolings. */
export interface Pool1dOptions {
  readonly kernelSize: number;
  /** Default: `kernelSize`. */
  readonly stride?: number;
  /** Elements on each side, at most half the kernel; `[before, after]`, `"same"` or `"valid"` as in `avgPool2d`. Default 0. */
  readonly padding?: number | readonly [number, number] | "same" | "valid";
  /** Round the output size up, as long as the last window starts inside the input or the padding before it. Default false. */
  readonly ceilMode?: boolean;
}

/** Options of `maxPool1d`. */
export interface MaxPool1dOptions extends Pool1dOptions {
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: number;
}

/** Options of `avgPool1d`. */
export interface AvgPool1dOptions extends Pool1dOptions {
  /** Whether padding counts, as zeros. Default true, but false with padding `"same"`. */
  readonly countIncludePad?: boolean;
}

/** Options of the adaptive 1-D poolings. */
export interface AdaptivePool1dOptions {
  /** Length of the output. */
  readonly size: number;
}

/** The options of a plane of one row. */
function ofPlane({ kernelSize, stride = kernelSize, padding = 0, dilation = 1, ceilMode = false }: MaxPool1dOptions) {
  const sides = typeof padding === "number" ? ([padding, padding] as const) : padding;
  return {
    kernelSize: [1, kernelSize] as const,
    stride: [1, stride] as const,
    dilation: [1, dilation] as const,
    padding: typeof sides === "string" ? sides : ([[0, 0], sides] as const),
    ceilMode,
  };
}

/** The shape of a plane of one row as the user knows it. */
const line = ([N, , L, C]: Shape): string => describeShapes([["x", [N, L, C] as number[], "NLC"]]);

/** @throws {ShapeError} unless the windows fit `x`, NLC. */
export function checkPool1d(op: string, x: Tensor, options: MaxPool1dOptions): void {
  const [N, L, C] = rank3(op, "x", x.shape);
  const plane = [N, 1, L, C];
  poolGeometry(op, plane, ofPlane(options), line(plane));
}

/** A pooling of `[N, 1, L, C]` as one of `[N, L, C]`. */
function alongLength<Options extends object>(name: string, pool: Op<readonly ["x"], Options>) {
  return (x: Tensor, options: Options): Tensor => {
    checkInputs(name, ["x"], [x]);
    const [N, L, C] = rank3(name, "x", x.shape);
    const y = (pool as (x: Tensor, options: Options) => Tensor)(reshape(x, { shape: [N, 1, L, C] }), options);
    return reshape(y, { shape: [N, y.shape[2] as number, C] });
  };
}

/** What they may be. */
export const pool1dKinds = { kernelSize: "number", stride: "number?", padding: "span?", ceilMode: "boolean?" } as const;
const maxima = defineMaxPool(
  "maxPool1d",
  (x, options: MaxPool1dOptions) => poolGeometry("maxPool1d", x, ofPlane(options), line(x)),
  { ...pool1dKinds, dilation: "number?" },
);
const averages = defineAvgPool(
  "avgPool1d",
  (x, options: AvgPool1dOptions): AvgWindows => {
    const { countIncludePad = options.padding !== "same" } = options;
    return { geometry: poolGeometry("avgPool1d", x, ofPlane(options), line(x)), countIncludePad, divisor: 0 };
  },
  { ...pool1dKinds, countIncludePad: "boolean?" },
);
const adaptiveMaxima = defineMaxPool(
  "adaptiveMaxPool1d",
  (x, { size }: AdaptivePool1dOptions) => adaptiveGeometry("adaptiveMaxPool1d", x, { size: [1, size] }, line(x)),
  { size: "number" },
);
const adaptiveAverages = defineAvgPool(
  "adaptiveAvgPool1d",
  (x, { size }: AdaptivePool1dOptions): AvgWindows => {
    const geometry = adaptiveGeometry("adaptiveAvgPool1d", x, { size: [1, size] }, line(x));
    return { geometry, countIncludePad: false, divisor: 0 };
  },
  { size: "number" },
);

/**
 * The largest element of each window along the length. See `maxPool2d`.
 *
 * @param x - NLC `[N, L, C]`.
 * @param options - `kernelSize`; `stride` default `kernelSize`, `padding` 0, `dilation` 1, `ceilMode` false.
 * @returns NLC `[N, OL, C]`, `OL = floor((L + padding on both sides - dilation (kernelSize - 1) - 1) / stride) + 1`.
 * @throws {ShapeError} when `x` has not 3 axes, and as `maxPool2d`.
 */
export const maxPool1d = alongLength("maxPool1d", maxima);

/**
 * The mean of each window along the length. See `avgPool2d`.
 *
 * @param x - NLC `[N, L, C]`.
 * @param options - `kernelSize`; `stride` default `kernelSize`, `padding` 0, `ceilMode` false, `countIncludePad` true.
 * @returns NLC `[N, OL, C]`, `OL = floor((L + padding on both sides - kernelSize) / stride) + 1`.
 * @throws {ShapeError} when `x` has not 3 axes, and as `avgPool2d`.
 */
export const avgPool1d = alongLength("avgPool1d", averages);

/**
 * The largest element of each of `size` windows along the length. See `adaptiveMaxPool2d`.
 *
 * @param x - NLC `[N, L, C]`.
 * @returns NLC `[N, size, C]`.
 * @throws {ShapeError} when `x` has not 3 axes or no length, or `size` is not whole and positive.
 */
export const adaptiveMaxPool1d = alongLength("adaptiveMaxPool1d", adaptiveMaxima);

/**
 * The mean of each of `size` windows along the length. See `adaptiveAvgPool2d`.
 *
 * @param x - NLC `[N, L, C]`.
 * @returns NLC `[N, size, C]`.
 * @throws {ShapeError} when `x` has not 3 axes or no length, or `size` is not whole and positive.
 */
export const adaptiveAvgPool1d = alongLength("adaptiveAvgPool1d", adaptiveAverages);
