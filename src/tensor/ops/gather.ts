import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkIndices, gather as dispatch, type IndexedSize } from "../../kernels/gather.js";
import { scatterSum as scatterKernel } from "../../kernels/scatter-sum.js";
import { checkCall, defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { describeShapes, resolveAxis, type Shape, sizeOf } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { equal, where } from "./logic.js";
import { reshape } from "./reshape.js";
import { slice } from "./slice.js";

/** Options of `gather` and `take`. */
export interface GatherOptions {
  /** The axis of `x` that the indices point into; negative ones count from the end. */
  readonly axis: number;
}

/** @throws {DTypeError} unless `indices` holds whole numbers. */
export function checkIndexType(op: string, indices: Tensor): void {
  if (indices.dtype !== "i32" && indices.dtype !== "u32")
    throw new DTypeError(`${op}: indices must be i32 or u32, got ${indices.dtype}`);
}

/** Options of the two ops that gather and scatter are made of. */
interface IndexedOptions {
  /** Name of the op that the user called. */
  readonly op: string;
  readonly axis: number;
  /** One index for each element, or one for each place along the axis. */
  readonly each: boolean;
  /** Size of the axis in the result of `scatterSum`. */
  readonly size?: number;
}

function sizesOf(shape: Shape, axis: number, length: number, count: number): IndexedSize {
  return { outer: sizeOf(shape.slice(0, axis)), length, count, inner: sizeOf(shape.slice(axis + 1)) };
}

const withSize = (shape: Shape, axis: number, size: number) => shape.map((own, i) => (i === axis ? size : own));

/** `y[o, k, i] = x[o, index, i]`: the indices have `y`'s shape when `each`, else one axis. */
export const gatherAlong = defineOp({
  name: "gather",
  inputs: ["x", "indices"],
  dtypes: { x: "any", indices: "any" },
  plan([x, indices], { op, axis, each }: IndexedOptions) {
    const count = indices.shape[each ? axis : 0] as number;
    return { shape: withSize(x.shape, axis, count), dtype: x.dtype, op, axis, each, count };
  },
  forward({ device, output, plan: { op, axis, each, count } }, [x, indices]) {
    const size = x.shape[axis] as number;
    const checked = { storage: indices.storage, count: indices.size, signed: indices.dtype === "i32" };
    checkIndices(device, op, checked, size);
    if (x.size === 0) output.fill(0);
    else if (output.size > 0) {
      const sizes = sizesOf(x.shape, axis, size, count);
      dispatch(device, x.storage, { storage: indices.storage, each }, output.storage, sizes);
    }
    return { indices, options: { op, axis, each, size } };
  },
  vjp: { x: ({ indices, options }, gradOutput): Tensor => scatterSum(gradOutput, indices, options), indices: "zero" },
});

/** The transpose of `gatherAlong`: zeros of size `size` along the axis, with every element added where its index points. */
export const scatterSum = defineOp({
  name: "scatterSum",
  inputs: ["x", "indices"],
  dtypes: { x: "any", indices: "any" },
  plan([x], { op, axis, each, size = 0 }: IndexedOptions) {
    return { shape: withSize(x.shape, axis, size), dtype: x.dtype, op, axis, each, size };
  },
  forward({ device, output, plan: { op, axis, each, size } }, [x, indices]) {
    const count = x.shape[axis] as number;
    if (x.size === 0) output.fill(0);
    else if (output.size > 0) {
      const tensors = { input: x.storage, output: output.storage, type: storedAs(x.dtype) };
      scatterKernel(device, tensors, { storage: indices.storage, each }, sizesOf(x.shape, axis, size, count));
    }
    return { indices, options: { op, axis, each } };
  },
  vjp: { x: ({ indices, options }, gradOutput): Tensor => gatherAlong(gradOutput, indices, options), indices: "zero" },
});

/**
 * Elements along an axis, one index for each: `y[.., k, ..] = x[.., indices[.., k, ..], ..]`, as `torch.gather` and NumPy's
 * `take_along_axis`.
 *
 * An index outside of the axis gives 0, and the next wait for the GPU (`data`, `item`, `finish`) rejects with an `IndexError`.
 * The gradient is added up in a fixed order.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param indices - i32 or u32, of as many axes; off the axis no larger than `x`.
 * @param options - `axis`.
 * @returns The shape of `indices`.
 * @throws {ShapeError} when the axis does not exist or the shapes do not fit.
 * @throws {DTypeError} when the indices are no whole numbers.
 */
export function gather(x: Tensor, indices: Tensor, options: GatherOptions): Tensor {
  checkCall("gather", { x, indices }, options, { axis: "number" });
  checkIndexType("gather", indices);
  const axis = resolveAxis("gather", options.axis, x.rank);
  const clash = indices.shape.findIndex((size, i) => i !== axis && size > (x.shape[i] as number));
  if (indices.rank !== x.rank || clash >= 0) {
    const shapes = describeShapes([
      ["x", x.shape],
      ["indices", indices.shape],
    ]);
    throw new ShapeError(
      indices.rank !== x.rank
        ? `gather: indices must have as many axes as x, got ${indices.rank} and ${x.rank}${shapes}`
        : `gather: off axis ${axis} indices must not be larger than x, got ${indices.shape[clash]} and ${x.shape[clash]} on axis ${clash}${shapes}`,
    );
  }
  const part = withSize(indices.shape, axis, x.shape[axis] as number);
  const used = part.some((size, i) => size !== x.shape[i]) ? slice(x, { start: part.map(() => 0), end: part }) : x;
  return gatherAlong(used, indices, { op: "gather", axis, each: true });
}

function takeAs(op: string, x: Tensor, indices: Tensor, given: number): Tensor {
  checkIndexType(op, indices);
  const axis = resolveAxis(op, given, x.rank);
  const flat = reshape(indices, { shape: [indices.size] });
  const rows = gatherAlong(x, flat, { op, axis, each: false });
  return reshape(rows, { shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] });
}

/**
 * Whole slices along an axis, in the order of `indices`, as NumPy's `take` and `torch.index_select`. See `gather` for what
 * happens to an index outside of the axis.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param indices - i32 or u32, any shape.
 * @param options - `axis`.
 * @returns `x`'s shape with the axis replaced by the axes of `indices`.
 * @throws {ShapeError} when the axis does not exist. @throws {DTypeError} when the indices are no whole numbers.
 */
export function take(x: Tensor, indices: Tensor, options: GatherOptions): Tensor {
  const { axis } = checkCall("take", { x, indices }, options, { axis: "number" });
  return takeAs("take", x, indices, axis);
}

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** Index of a row that gets no gradient, negative ones from the end. Its values are read as they are. Default: none. */
  readonly paddingIdx?: number;
}

/**
 * Rows of a table. `y[..., :] = weight[indices[...], :]` The gradient of a row is added up in a fixed order: the same bits on
 * every run. See `gather` for what happens to an index outside of the table.
 *
 * @param weight - [V, C].
 * @param indices - i32 or u32, any shape.
 * @param options - `paddingIdx` (default none): a row without a gradient, as in `torch.nn.functional.embedding`.
 * @returns The shape of `indices`, then C.
 * @throws {ShapeError} when `weight` does not have 2 axes, or `paddingIdx` is no row of it.
 * @throws {DTypeError} when the indices are no whole numbers.
 */
export function embedding(weight: Tensor, indices: Tensor, options: EmbeddingOptions = {}): Tensor {
  const { paddingIdx } = checkCall("embedding", { weight, indices }, options, { paddingIdx: "number?" });
  if (weight.rank !== 2)
    throw new ShapeError(
      `embedding: weight must have 2 axes, got ${weight.rank}${describeShapes([["weight", weight.shape]])}`,
    );
  const rows = takeAs("embedding", weight, indices, 0);
  if (paddingIdx === undefined) return rows;
  const V = weight.shape[0] as number;
  if (!Number.isInteger(paddingIdx) || paddingIdx < -V || paddingIdx >= V)
    throw new ShapeError(
      `embedding: paddingIdx must lie in [${-V}, ${V - 1}], got ${paddingIdx}${describeShapes([["weight", weight.shape]])}`,
    );
  const index = constant(weight.device, paddingIdx < 0 ? paddingIdx + V : paddingIdx, indices.dtype);
  const padded = equal(reshape(indices, { shape: [...indices.shape, 1] }), index);
  // The same values, of which those of the padding row are constant.
  return where(padded, rows.detach(), rows);
}
