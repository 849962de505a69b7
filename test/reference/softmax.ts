/** Softmax along an axis in float64. */
import { gatherPlaces } from "./gather.js";

/** `values` of `shape` along `axis`; its logarithm when `log`. */
export function softmaxReference(
  values: ArrayLike<number>,
  shape: readonly number[],
  axis: number,
  log: boolean,
): Float64Array {
  const at = (axis + shape.length) % shape.length;
  const length = shape[at]!;
  const result = new Float64Array(values.length);
  const rows = values.length / Math.max(length, 1);
  // Places of the elements of the axis, row after row.
  const places = Array.from({ length }, (_, k) => gatherPlaces(shape, at, [k], false));
  for (let row = 0; row < rows; row++) {
    let largest = -Infinity;
    for (const place of places) largest = Math.max(largest, values[place[row]!]!);
    let total = 0;
    for (const place of places) total += Math.exp(values[place[row]!]! - largest);
    for (const place of places) {
      const shifted = values[place[row]!]! - largest;
      result[place[row]!] = log ? shifted - Math.log(total) : Math.exp(shifted) / total;
    }
  }
  return result;
}
