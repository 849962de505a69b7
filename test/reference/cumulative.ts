/** Running values along an axis in float64, one element at a time. */

const combine = {
  cumSum: (a: number, b: number) => a + b,
  cumProd: (a: number, b: number) => a * b,
  cumMax: Math.max,
  cumMin: Math.min,
};
const first = { cumSum: 0, cumProd: 1, cumMax: -Infinity, cumMin: Infinity };

/** Every running value of `values` of `shape`. */
export function cumulativeReference(
  kind: keyof typeof combine,
  values: ArrayLike<number>,
  shape: readonly number[],
  { axis, reverse = false, exclusive = false }: { axis: number; reverse?: boolean; exclusive?: boolean },
): Float64Array {
  const at = axis < 0 ? axis + shape.length : axis;
  const length = shape[at]!;
  const inner = shape.slice(at + 1).reduce((a, b) => a * b, 1);
  const result = new Float64Array(values.length);
  for (let row = 0; row < values.length / Math.max(length, 1); row++) {
    const base = Math.floor(row / inner) * length * inner + (row % inner);
    let running: number = first[kind];
    for (let step = 0; step < length; step++) {
      const place = base + (reverse ? length - 1 - step : step) * inner;
      const before = running;
      running = combine[kind](running, values[place]!);
      result[place] = exclusive ? before : running;
    }
  }
  return result;
}
