import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkIndices } from "../../kernels/gather.js";
import { scatterPlace as placeKernel } from "../../kernels/scatter-sum.js";
import { checkCall, defineOp } from "../define-op.js";
import { describeShapes, resolveAxis, sizeOf } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { greater, maximum, sub, where } from "./elementwise.js";
import { checkIndexType, type GatherOptions, gatherAlong } from "./gather.js";
import { slice, sliceScatter } from "./slice.js";

/** For each place of an axis 1 + the number of the last index that names it, 0 where none does. */
const placeAlong = defineOp({
  name: "scatter",
  inputs: ["indices"],
  dtypes: { indices: "any" },
  plan([indices], { axis, size }: { readonly axis: number; readonly size: number }) {
    return { shape: indices.shape.map((own, i) => (i === axis ? size : own)), dtype: "i32" as const, axis, size };
  },
  forward({ device, output, plan: { axis, size } }, [indices]): void {
    const { shape, storage, dtype } = indices;
    checkIndices(device, "scatter", { storage, count: indices.size, signed: dtype === "i32" }, size);
    const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
    if (output.size > 0)
      placeKernel(device, storage, output.storage, { outer, length: size, count: shape[axis] as number, inner });
  },
  vjp: null,
});

/**
 * Puts elements where indices point, one index for each: `y = x`, and then `y[.., indices[.., k, ..], ..] = source[.., k, ..]`
 * for every element of `indices`. Of equal indices the last one stays, on every run. See `scatterAdd` for sums.
 *
 * The gradient reaches `x` where nothing was put, and `source` where an element stayed. An index outside of the axis is left out,
 * and the next wait for the GPU rejects with an `IndexError`.
 *
 * @param x - Any shape with at least one axis, any element type.
 * @param indices - i32 or u32, of as many axes; no larger than `source`, and off the axis no larger than `x`.
 * @param source - Of `x`'s element type.
 * @param options - `axis`.
 * @returns `x`'s shape.
 * @throws {ShapeError} when the axis does not exist or the shapes do not fit.
 * @throws {DTypeError} when the indices are no whole numbers, or the others differ.
 * @see `torch.scatter`; NumPy's `put_along_axis`; ONNX ScatterElements.
 */
export function scatter(x: Tensor, indices: Tensor, source: Tensor, options: GatherOptions): Tensor {
  const { axis: given } = checkCall("scatter", { x, indices, source }, options, { axis: "number" });
  checkIndexType("scatter", indices);
  if (x.dtype !== source.dtype)
    throw new DTypeError(`scatter: x and source must have the same element type, got ${x.dtype} and ${source.dtype}`);
  const axis = resolveAxis("scatter", given, x.rank);
  const { shape } = indices;
  const fits =
    shape.length === x.rank &&
    source.rank === x.rank &&
    shape.every((own, i) => own <= (source.shape[i] as number) && (i === axis || own <= (x.shape[i] as number)));
  if (!fits) {
    const lines = describeShapes([
      ["x", x.shape],
      ["indices", shape],
      ["source", source.shape],
    ]);
    throw new ShapeError(
      `scatter: indices must not be larger than source, nor, off axis ${axis}, than x, got [${shape.join(", ")}]${lines}`,
    );
  }
  const start = shape.map(() => 0);
  const whole = (t: Tensor) =>
    t.shape.every((own, i) => own === x.shape[i]) ? t : sliceScatter(t, { shape: x.shape, start });
  const used = shape.some((own, i) => own !== source.shape[i]) ? slice(source, { start, end: shape }) : source;
  const place = placeAlong(indices, { axis, size: x.shape[axis] as number });
  if (used.size === 0) return where(greater(whole(place), constant(x.device, 0, "i32")), x, x);
  // Where nothing was put, the first element stands in, and is not taken.
  const number = sub(maximum(place, 1), 1);
  const taken = gatherAlong(used, number, { op: "scatter", axis, each: true });
  return where(greater(whole(place), constant(x.device, 0, "i32")), whole(taken), x);
}
