import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkIndices } from "../../kernels/gather.js";
import { checkCall } from "../define-op.js";
import { isFloat } from "../host-values.js";
import { describeShapes, resolveAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { cast, roundedOnce } from "./cast.js";
import { add } from "./elementwise.js";
import { checkIndexType, type GatherOptions, scatterSum } from "./gather.js";
import { slice, sliceScatter } from "./slice.js";

function check(op: string, x: Tensor, indices: Tensor, source: Tensor, options: GatherOptions): number {
  const { axis } = checkCall(op, { x, indices, source }, options, { axis: "number" });
  checkIndexType(op, indices);
  if (!isFloat(x.dtype) || !isFloat(source.dtype))
    throw new DTypeError(`${op}: x and source must be f32, got ${x.dtype} and ${source.dtype}`);
  return resolveAxis(op, axis, x.rank);
}

const lines = (x: Tensor, indices: Tensor, source: Tensor) =>
  describeShapes([
    ["x", x.shape],
    ["indices", indices.shape],
    ["source", source.shape],
  ]);

function checkRange(op: string, indices: Tensor, size: number): void {
  const { storage, size: count, dtype, device } = indices;
  checkIndices(device, op, { storage, count, signed: dtype === "i32" }, size);
}

/**
 * Adds elements where indices point, one index for each: `y = x`, and then `y[.., indices[.., k, ..], ..] += source[.., k, ..]`
 * for every element of `indices`, as `torch.scatter_add`. Equal indices add up, in a fixed order.
 *
 * An index outside of the axis is left out, and the next wait for the GPU rejects with an `IndexError`.
 *
 * @param x - f32, any shape with at least one axis.
 * @param indices - i32 or u32, of as many axes; no larger than `source`, and off the axis no larger than `x`.
 * @param source - f32.
 * @param options - `axis`.
 * @returns `x`'s shape.
 * @throws {ShapeError} when the axis does not exist or the shapes do not fit.
 * @throws {DTypeError} when the indices are no whole numbers, or the others not f32.
 */
export function scatterAdd(x: Tensor, indices: Tensor, source: Tensor, options: GatherOptions): Tensor {
  const axis = check("scatterAdd", x, indices, source, options);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => scatterAdd(wide, indices, cast(source, "f32"), options));
  const { shape } = indices;
  const fits =
    shape.length === x.rank &&
    source.rank === x.rank &&
    shape.every((own, i) => own <= (source.shape[i] as number) && (i === axis || own <= (x.shape[i] as number)));
  if (!fits) {
    throw new ShapeError(
      `scatterAdd: indices must not be larger than source, nor, off axis ${axis}, than x, got [${shape.join(", ")}]${lines(x, indices, source)}`,
    );
  }
  const size = x.shape[axis] as number;
  checkRange("scatterAdd", indices, size);
  const zero = shape.map(() => 0);
  const used = shape.some((own, i) => own !== source.shape[i]) ? slice(source, { start: zero, end: shape }) : source;
  const sums = scatterSum(used, indices, { op: "scatterAdd", axis, each: true, size });
  const whole = sums.shape.every((own, i) => own === x.shape[i]);
  return add(x, whole ? sums : sliceScatter(sums, { shape: x.shape, start: zero }));
}

/**
 * Adds whole slices where indices point: `y = x`, and then `y[.., indices[k], ..] += source[.., k, ..]` for every k, as
 * `torch.index_add`. Equal indices add up, in a fixed order. See `scatterAdd` for indices outside of the axis.
 *
 * @param x - f32, any shape with at least one axis.
 * @param indices - i32 or u32, [K].
 * @param source - f32, `x`'s shape with K along the axis.
 * @param options - `axis`.
 * @returns `x`'s shape.
 * @throws {ShapeError} when the axis does not exist or the shapes do not fit.
 * @throws {DTypeError} when the indices are no whole numbers, or the others not f32.
 */
export function indexAdd(x: Tensor, indices: Tensor, source: Tensor, options: GatherOptions): Tensor {
  const axis = check("indexAdd", x, indices, source, options);
  if (x.dtype === "f16") return roundedOnce(x, (wide) => indexAdd(wide, indices, cast(source, "f32"), options));
  const wanted = x.shape.map((own, i) => (i === axis ? indices.size : own));
  if (indices.rank !== 1 || source.shape.join() !== wanted.join()) {
    throw new ShapeError(
      `indexAdd: source must have x's shape with one slice for each index along axis ${axis}, [${wanted.join(", ")}], got [${source.shape.join(", ")}]${lines(x, indices, source)}`,
    );
  }
  const size = x.shape[axis] as number;
  checkRange("indexAdd", indices, size);
  return add(x, scatterSum(source, indices, { op: "indexAdd", axis, each: false, size }));
}
