/** Slices and their transpose in float64, one element at a time; ranges are whole numbers, nothing left out. */
import { stridesOf } from "../../src/tensor/shape.js";

/** What is taken along one axis: `start, start + step, ...`, `count` of them. */
export interface RangeReference {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

function* positions(
  shape: readonly number[],
  ranges: readonly RangeReference[],
): Generator<[from: number, to: number]> {
  const strides = stridesOf(shape);
  const counts = ranges.map(({ count }) => count);
  const outer = stridesOf(counts);
  const n = counts.reduce((a, b) => a * b, 1);
  for (let i = 0; i < n; i++) {
    let from = 0;
    ranges.forEach(({ start, step, count }, axis) => {
      const p = Math.floor(i / outer[axis]!) % count;
      from += (start + p * step) * strides[axis]!;
    });
    yield [from, i];
  }
}

/** The elements that the ranges take out of `values` of `shape`. */
export function sliceReference(
  values: ArrayLike<number>,
  shape: readonly number[],
  ranges: readonly RangeReference[],
): Float64Array {
  const result = new Float64Array(ranges.reduce((n, { count }) => n * count, 1));
  for (const [from, to] of positions(shape, ranges)) result[to] = values[from]!;
  return result;
}

/** Zeros of `shape`, with `values` where the ranges point. */
export function sliceScatterReference(
  values: ArrayLike<number>,
  shape: readonly number[],
  ranges: readonly RangeReference[],
): Float64Array {
  const result = new Float64Array(shape.reduce((a, b) => a * b, 1));
  for (const [from, to] of positions(shape, ranges)) result[from] = values[to]!;
  return result;
}
