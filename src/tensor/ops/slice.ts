import { ShapeError } from "../../kernels/errors.js";
import { stridedCopy } from "../../kernels/strided-copy.js";
import { type ScatterAxis, stridedScatter } from "../../kernels/strided-scatter.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { checkShape, describeShapes, formatShape, type Shape, stridesOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Options of `slice`: one entry an axis, outermost first; axes without an entry are taken whole. */
export interface SliceOptions {
  /** First index; negative ones count from the end. `null`: the first element (the last one, where the step is negative). */
  readonly start: readonly (number | null)[];
  /** Index to stop before; negative ones count from the end. `null`, the default: through the last element (the first one). */
  readonly end?: readonly (number | null)[];
  /** Distance between the elements that are taken; negative walks backwards. Default 1. */
  readonly step?: readonly number[];
}

interface Range {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** `start`, `end` and `step` of one axis with the sizes filled in; `end` is -1 where a backward walk takes the first element. */
function resolveRange(shape: Shape, axis: number, options: SliceOptions): Range {
  const size = shape[axis] as number;
  const step = options.step?.[axis] ?? 1;
  if (!Number.isInteger(step) || step === 0)
    throw new ShapeError(`slice: step must be a whole number other than 0, got ${step} on axis ${axis}`);
  // What a forward walk may stop before, and a backward walk begin at: one step beyond the ends.
  const [first, last] = step > 0 ? [0, size] : [-1, size - 1];
  const resolve = (name: "start" | "end", otherwise: number) => {
    const given = options[name]?.[axis] ?? null;
    if (given === null) return otherwise;
    if (!Number.isInteger(given) && Math.abs(given) !== Infinity)
      throw new ShapeError(
        `slice: ${name} must be a whole number on axis ${axis}, got ${given}${describeShapes([["x", shape]])}`,
      );
    return Math.min(Math.max(given < 0 ? given + size : given, first), last);
  };
  const start = resolve("start", step > 0 ? 0 : size - 1);
  const end = resolve("end", step > 0 ? size : -1);
  return { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
}

/**
 * A part of a tensor: along each axis the indices `start, start + step, ...` before `end`. As `x[start:end:step]` in NumPy
 * and PyTorch: `start` and `end` beyond an end of the axis mean that end, so a part may be smaller than asked for, or empty.
 *
 * @param x - Any shape and element type.
 * @param options - `start`, `end` (default: to the end), `step` (default 1); one entry an axis, missing ones take all of it.
 * @returns `ceil((end - start) / step)` elements along each axis, contiguous.
 * @throws {ShapeError} when there are more entries than axes, or one is no whole number.
 *
 * @example
 * slice(image, { start: [0, 2], end: [1, -2] }); // image[0:1, 2:-2]
 * slice(image, { start: [null, null, null], step: [1, 1, -1] }); // mirrored along axis 2
 */
export const slice = defineOp({
  name: "slice",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: { start: "places", end: "places?", step: "numbers?" },
  plan([x], options: SliceOptions) {
    for (const name of ["start", "end", "step"] as const) {
      const length = options[name]?.length ?? 0;
      if (length > x.rank)
        throw new ShapeError(
          `slice: ${name} must have at most one entry an axis, got ${length}${describeShapes([["x", x.shape]])}`,
        );
    }
    const ranges = x.shape.map((_, axis) => resolveRange(x.shape, axis, options));
    return { shape: ranges.map(({ count }) => count), dtype: x.dtype, ranges };
  },
  forward({ device, output, plan: { shape, ranges } }, [x]) {
    const strides = stridesOf(x.shape);
    const offset = ranges.reduce((sum, { start }, axis) => sum + start * (strides[axis] as number), 0);
    stridedCopy(
      device,
      shape,
      { storage: x.storage, offset, strides: ranges.map(({ step }, axis) => step * (strides[axis] as number)) },
      { storage: output.storage, offset: 0, strides: stridesOf(shape) },
      storedAs(output.dtype),
    );
    return { shape: x.shape, start: ranges.map((range) => range.start), step: ranges.map((range) => range.step) };
  },
  vjp: { x: (saved, gradOutput): Tensor => sliceScatter(gradOutput, saved) },
});

/** The slice that reads what a scatter over `axes` writes. */
function sliceOf(axes: readonly ScatterAxis[]): SliceOptions {
  return {
    start: axes.map(({ size, start, count }) => (count > 0 ? start : size > 0 ? 0 : null)),
    // A backward walk through the first element has no index to stop before.
    end: axes.map(({ size, start, step, count }) => {
      if (count === 0) return size > 0 ? 0 : null;
      const end = start + (count - 1) * step + Math.sign(step);
      return end < 0 ? null : end;
    }),
    step: axes.map(({ step }) => step),
  };
}

/** Options of `sliceScatter`. */
export interface SliceScatterOptions {
  /** Shape of the result. */
  readonly shape: Shape;
  /** Index of the first element along each axis, not negative. */
  readonly start: readonly number[];
  /** Distance between elements along each axis. Default 1; may be negative. */
  readonly step?: readonly number[];
}

/**
 * The transpose of `slice`: zeros of shape `shape`, with `x` in the places that the slice would read.
 *
 * @param x - Any shape and element type.
 * @returns A tensor of shape `shape`.
 * @throws {ShapeError} when `x` does not fit there.
 */
export const sliceScatter = defineOp({
  name: "sliceScatter",
  inputs: ["x"],
  dtypes: { x: "any" },
  plan([x], { shape, start, step = shape.map(() => 1) }: SliceScatterOptions) {
    checkShape("sliceScatter", shape);
    const axes = shape.map((size, i) => ({
      size,
      start: start[i] ?? Number.NaN,
      step: step[i] ?? Number.NaN,
      count: x.shape[i] ?? Number.NaN,
    }));
    const fits = axes.every(({ size, start, step, count }) => {
      const last = start + (count - 1) * step;
      if (!Number.isInteger(start) || !Number.isInteger(last) || step === 0) return false;
      return count === 0 || (Math.min(start, last) >= 0 && Math.max(start, last) < size);
    });
    if (!fits || x.rank !== shape.length) {
      throw new ShapeError(
        `sliceScatter: x must fit into the shape, got start ${formatShape(start)} and step ${formatShape(step)}${describeShapes(
          [
            ["x", x.shape],
            ["shape", shape],
          ],
        )}`,
      );
    }
    return { shape, dtype: x.dtype, axes };
  },
  forward({ device, output, plan: { axes } }, [x]) {
    stridedScatter(device, axes, x.storage, output.storage, { type: storedAs(output.dtype) });
    return { axes };
  },
  vjp: { x: ({ axes }, gradOutput): Tensor => slice(gradOutput, sliceOf(axes)) },
});
