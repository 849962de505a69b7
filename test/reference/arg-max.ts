/** Places of extremes, one element at a time. */
import { groupsOf } from "./reduce.js";

/** The place of the first extreme along `axis`, or of all elements without one. */
export function argReference(
  name: "argMax" | "argMin",
  values: ArrayLike<number>,
  shape: readonly number[],
  axis?: number,
): number[] {
  return groupsOf(values, shape, axis).map((group) => {
    let best = 0;
    group.forEach((value, i) => {
      if (name === "argMax" ? value > group[best]! : value < group[best]!) best = i;
    });
    return best;
  });
}
