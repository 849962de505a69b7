/** scatter in plain loops: for each place of the result the last element of the source that went there, or -1. */
export function scatterOrigins(
  shape: readonly number[],
  axis: number,
  indices: ArrayLike<number>,
  own: readonly number[],
): number[] {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const origins = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(-1);
  for (let k = 0; k < indices.length; k++) {
    let [rest, place] = [k, 0];
    for (let i = own.length - 1; i >= 0; i--) {
      const p = rest % own[i]!;
      rest = (rest - p) / own[i]!;
      place += (i === axis ? indices[k]! : p) * strides[i]!;
    }
    origins[place] = k;
  }
  return origins;
}
