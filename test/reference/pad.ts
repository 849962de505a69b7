/** Padding in float64, one element at a time, over all axes at once. */
import type { PadMode } from "../../src/tensor/ops/pad.js";
import { stridesOf } from "../../src/tensor/shape.js";

/** Where position `p`, counted from the first input element, reads along an axis of `size` elements; -1: outside. */
function source(mode: PadMode, p: number, size: number): number {
  if (p >= 0 && p < size) return p;
  if (mode === "constant") return -1;
  if (mode === "replicate") return p < 0 ? 0 : size - 1;
  if (mode === "circular") return p < 0 ? p + size : p - size;
  if (mode === "symmetric") return p < 0 ? -p - 1 : 2 * size - 1 - p;
  return p < 0 ? -p : 2 * (size - 1) - p;
}

/** For each element of the padded tensor, the index of the element of `shape` that it copies, or -1. */
export function padSources(
  mode: PadMode,
  shape: readonly number[],
  padding: readonly (readonly [number, number])[],
): number[] {
  const padded = shape.map((size, i) => padding[i]![0] + size + padding[i]![1]);
  const outer = stridesOf(padded);
  const strides = stridesOf(shape);
  return Array.from({ length: padded.reduce((a, b) => a * b, 1) }, (_, index) => {
    let from = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      const p = (Math.floor(index / outer[axis]!) % padded[axis]!) - padding[axis]![0];
      const own = source(mode, p, shape[axis]!);
      if (own < 0) return -1;
      from += own * strides[axis]!;
    }
    return from;
  });
}
