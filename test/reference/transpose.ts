/** Transposition in float64, one element at a time. */
import { stridesOf } from "../../src/tensor/shape.js";

/** `values` of `shape` with axis `axes[i]` moved to place i. */
export function transposeReference(
  values: ArrayLike<number>,
  shape: readonly number[],
  axes: readonly number[],
): Float64Array {
  const strides = stridesOf(shape);
  const outer = stridesOf(axes.map((axis) => shape[axis]!));
  return Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    let from = 0;
    axes.forEach((axis, place) => {
      from += (Math.floor(i / outer[place]!) % shape[axis]!) * strides[axis]!;
    });
    return values[from]!;
  });
}
