/** Reductions over axes in float64, one element at a time. */
import { stridesOf } from "../../src/tensor/shape.js";

const start = { sum: 0, mean: 0, max: -Infinity, min: Infinity } as const;

/** Reduces `values` of `shape` over `axes` (default all); the result is row-major over the axes that stay. */
export function reduceReference(
  kind: keyof typeof start,
  values: ArrayLike<number>,
  shape: readonly number[],
  axes?: readonly number[] | number,
): Float64Array {
  const list = (axes === undefined ? shape.map((_, i) => i) : [axes].flat()).map(
    (a) => ((a as number) + shape.length) % Math.max(shape.length, 1),
  );
  const keptShape = shape.map((size, i) => (list.includes(i) ? 1 : size));
  const kept = stridesOf(keptShape);
  const strides = stridesOf(shape);
  const result = new Float64Array(keptShape.reduce((a, b) => a * b, 1)).fill(start[kind]);
  const count = list.reduce((n, axis) => n * shape[axis]!, 1);
  for (let i = 0; i < values.length; i++) {
    let index = 0;
    shape.forEach((size, axis) => {
      if (!list.includes(axis)) index += (Math.floor(i / strides[axis]!) % size) * kept[axis]!;
    });
    const v = values[i]!;
    if (kind === "max") result[index] = Math.max(result[index]!, v);
    else if (kind === "min") result[index] = Math.min(result[index]!, v);
    else result[index]! += v;
  }
  return kind === "mean" ? result.map((v) => v / count) : result;
}
