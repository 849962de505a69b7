import { ShapeError } from "../../kernels/errors.js";
import { reduceRuns } from "../../kernels/reduce.js";
import { stridedCopy } from "../../kernels/strided-copy.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import {
  broadcastShapes,
  checkShape,
  formatShape,
  resolveAxes,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../shape.js";
import { constant, type DType, type Tensor } from "../tensor.js";
import { mul } from "./elementwise.js";
import { reshape } from "./reshape.js";

/** Options of the reductions over axes. */
export interface ReduceOptions {
  /** Axes to reduce, negative ones counted from the end. Default: all. */
  readonly axes?: readonly number[] | number;
  /** Keep reduced axes with size 1. Default false. */
  readonly keepDims?: boolean;
}

/** What they may be. */
export const reduceKinds = { axes: "axes?", keepDims: "boolean?" } as const;

/** The result shape with every reduced axis kept as 1, and the axes. */
export function reducedShape(
  op: string,
  shape: Shape,
  options: ReduceOptions,
): { kept: number[]; shape: number[]; axes: number[] } {
  const axes = resolveAxes(op, options.axes, shape.length);
  const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size));
  return { kept, shape: options.keepDims ? kept : shape.filter((_, i) => !axes.includes(i)), axes };
}

/** Runs of neighbouring axes, last run first, each as the [outer, length, inner] that it reduces once later runs are gone. */
export function axisRuns(shape: Shape, axes: readonly number[]): { outer: number; length: number; inner: number }[] {
  const sizes = [...shape];
  const runs: { outer: number; length: number; inner: number }[] = [];
  for (let i = axes.length - 1; i >= 0; i--) {
    const end = (axes[i] as number) + 1;
    while (i > 0 && axes[i - 1] === (axes[i] as number) - 1) i--;
    const start = axes[i] as number;
    runs.push({
      outer: sizeOf(sizes.slice(0, start)),
      length: sizeOf(sizes.slice(start, end)),
      inner: sizeOf(sizes.slice(end)),
    });
    sizes.fill(1, start, end);
  }
  return runs;
}

/** Sums and products of masks count them. */
export const countingType = (dtype: DType): DType => (dtype === "bool" ? "i32" : dtype);

/** An axis of size 1 where there is none to reduce. */
export const runsOf = (shape: Shape, axes: readonly number[]) =>
  axes.length > 0 ? axisRuns(shape, axes) : [{ outer: sizeOf(shape), length: 1, inner: 1 }];

function defineSum(name: "sum" | "mean") {
  return defineOp({
    name,
    inputs: ["x"],
    dtypes: name === "sum" ? { x: "any" } : {},
    options: reduceKinds,
    plan: ([x], options: ReduceOptions) => ({ ...reducedShape(name, x.shape, options), dtype: countingType(x.dtype) }),
    forward({ device, output, plan }, [x]) {
      const count = sizeOf(plan.axes.map((axis) => x.shape[axis] as number));
      const saved = { shape: x.shape, kept: plan.kept, count };
      if (count === 0) {
        // Nothing to add up: 0, and 0 / 0 for the mean.
        output.fill(name === "sum" ? 0 : Number.NaN);
        return saved;
      }
      const types = { type: storedAs(x.dtype), resultType: storedAs(output.dtype) };
      const scale = name === "mean" ? 1 / count : 1;
      reduceRuns(device, "sum", x.storage, output.storage, axisRuns(x.shape, plan.axes), { ...types, scale });
      return saved;
    },
    vjp: {
      x({ shape, kept, count }, gradOutput): Tensor {
        const small = reshape(gradOutput, { shape: kept });
        return broadcastTo(name === "sum" ? small : mul(small, constant(small.device, 1 / count)), { shape });
      },
    },
  });
}

/**
 * The sum over axes. `y = sum x`
 *
 * @param x - Any shape; f32, i32, u32, or bool, whose true elements are counted. Integers wrap around.
 * @param options - `axes` (default all), `keepDims` (default false).
 * @returns `x`'s shape without the axes, or with size 1 there; of `x`'s element type, i32 for bool.
 * @throws {ShapeError} when an axis does not exist or is named twice.
 */
export const sum = defineSum("sum");

/** The mean over axes of an f32 tensor; NaN where there are no elements. See `sum` for the options. */
export const mean = defineSum("mean");

/** Options of `broadcastTo`. */
export interface BroadcastToOptions {
  readonly shape: Shape;
}

/**
 * Repeats axes of size 1, and adds leading ones, until the shape is `shape`.
 *
 * @param x - Any shape and element type.
 * @param options - `shape`, at most 8 axes.
 * @throws {ShapeError} when `x` does not broadcast to it.
 */
export const broadcastTo = defineOp({
  name: "broadcastTo",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: { shape: "numbers" },
  plan([x], { shape }: BroadcastToOptions) {
    checkShape("broadcastTo", shape);
    const joint = broadcastShapes("broadcastTo", [
      ["x", x.shape],
      ["shape", shape],
    ]);
    if (!sameShape(joint, shape))
      throw new ShapeError(`broadcastTo: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`);
    return { shape, dtype: x.dtype };
  },
  forward({ device, output, plan: { shape } }, [x]) {
    const own = stridesOf(x.shape);
    const lead = shape.length - x.rank;
    const strides = shape.map((_, i) => (i < lead || x.shape[i - lead] === 1 ? 0 : (own[i - lead] as number)));
    const input = { storage: x.storage, offset: 0, strides };
    const result = { storage: output.storage, offset: 0, strides: stridesOf(shape) };
    stridedCopy(device, shape, input, result, storedAs(output.dtype));
    return { shape: x.shape };
  },
  vjp: { x: ({ shape }, gradOutput) => sumTo(gradOutput, { shape }) },
});

/**
 * The transpose of broadcasting: sums `x` over the axes along which a tensor of shape `shape` was repeated to `x`'s shape.
 * `backward` undoes all broadcasting here.
 */
export function sumTo(x: Tensor, { shape }: BroadcastToOptions): Tensor {
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((size, i) => (i < lead || (shape[i - lead] === 1 && size !== 1) ? [i] : []));
  return reshape(axes.length > 0 ? sum(x, { axes }) : x, { shape });
}
