/** Reductions over axes in float64, one group of elements at a time. */
import { stridesOf } from "../../src/tensor/shape.js";

/** The elements that are reduced together, for each element of the result in row-major order. */
export function groupsOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  axes?: readonly number[] | number,
): number[][] {
  const list = (axes === undefined ? shape.map((_, i) => i) : [axes].flat()).map(
    (a) => ((a as number) + shape.length) % Math.max(shape.length, 1),
  );
  const keptShape = shape.map((size, i) => (list.includes(i) ? 1 : size));
  const kept = stridesOf(keptShape);
  const strides = stridesOf(shape);
  const groups = Array.from({ length: keptShape.reduce((a, b) => a * b, 1) }, () => [] as number[]);
  for (let i = 0; i < values.length; i++) {
    let index = 0;
    shape.forEach((size, axis) => {
      if (!list.includes(axis)) index += (Math.floor(i / strides[axis]!) % size) * kept[axis]!;
    });
    groups[index]!.push(values[i]!);
  }
  return groups;
}

const total = (v: readonly number[]) => v.reduce((a, b) => a + b, 0);
const meanOf = (v: readonly number[]) => total(v) / v.length;
const varianceOf = (v: readonly number[], correction = 1) => {
  const mean = meanOf(v);
  return total(v.map((x) => (x - mean) ** 2)) / Math.max(0, v.length - correction);
};

/** One group of elements to one number, and for some a parameter. */
export const reductions = {
  sum: total,
  mean: meanOf,
  max: (v: readonly number[]) => v.reduce((a, b) => Math.max(a, b), -Infinity),
  min: (v: readonly number[]) => v.reduce((a, b) => Math.min(a, b), Infinity),
  prod: (v: readonly number[]) => v.reduce((a, b) => a * b, 1),
  any: (v: readonly number[]) => Number(v.some((x) => x !== 0)),
  all: (v: readonly number[]) => Number(v.every((x) => x !== 0)),
  variance: varianceOf,
  std: (v: readonly number[], correction?: number) => Math.sqrt(varianceOf(v, correction)),
  norm(v: readonly number[], p = 2) {
    const magnitudes = v.map(Math.abs);
    if (p === Infinity) return reductions.max(magnitudes);
    if (p === -Infinity) return reductions.min(magnitudes);
    if (p === 0) return magnitudes.filter((x) => x !== 0).length;
    return total(magnitudes.map((x) => x ** p)) ** (1 / p);
  },
  logSumExp(v: readonly number[]) {
    const largest = reductions.max(v);
    return largest === -Infinity ? largest : Math.log(total(v.map((x) => Math.exp(x - largest)))) + largest;
  },
};

/** Reduces `values` of `shape` over `axes` (default all); the result is row-major over the axes that stay. */
export function reduceReference(
  kind: keyof typeof reductions,
  values: ArrayLike<number>,
  shape: readonly number[],
  axes?: readonly number[] | number,
  parameter?: number,
): Float64Array {
  const reduce = reductions[kind] as (v: readonly number[], parameter?: number) => number;
  return Float64Array.from(groupsOf(values, shape, axes), (group) => reduce(group, parameter));
}
