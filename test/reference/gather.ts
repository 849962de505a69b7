/** Gathering and scattering along an axis, one element at a time. */

/** Row-major position of `[o, k, i]` in `[outer, count, inner]`. */
const around = (shape: readonly number[], axis: number) => ({
  outer: shape.slice(0, axis).reduce((a, b) => a * b, 1),
  length: shape[axis]!,
  inner: shape.slice(axis + 1).reduce((a, b) => a * b, 1),
});

/** For each element of the gathered tensor, the element of `x` that it is. */
export function gatherPlaces(
  shape: readonly number[],
  axis: number,
  indices: ArrayLike<number>,
  each: boolean,
): number[] {
  const { outer, length, inner } = around(shape, axis);
  const count = each ? indices.length / (outer * inner) : indices.length;
  const places: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < inner; i++) {
        const index = indices[each ? (o * count + k) * inner + i : k]!;
        places.push((o * length + index) * inner + i);
      }
    }
  }
  return places;
}

/** Zeros with every element of `source` added at its place. */
export function scatterReference(places: readonly number[], source: ArrayLike<number>, size: number): Float64Array {
  const result = new Float64Array(size);
  places.forEach((place, i) => {
    result[place]! += source[i]!;
  });
  return result;
}
