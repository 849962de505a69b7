/** Max pooling in float64, window by window. */
import { type AdaptiveWindow, type Window, windows } from "./pool-window.js";

/** The largest element of each window and its index; NaN wins, the last one of several. */
export function maxPoolReference(
  x: ArrayLike<number>,
  shape: readonly number[],
  window: Window | AdaptiveWindow,
): { shape: number[]; values: Float64Array; winners: number[] } {
  const { shape: outputShape, taps } = windows(shape, window);
  const winners = taps.map((list) => {
    let best = list[0]!.from;
    for (const { from } of list) if (Number.isNaN(x[from]!) || x[from]! > x[best]!) best = from;
    return best;
  });
  return { shape: outputShape, values: Float64Array.from(winners, (from) => x[from]!), winners };
}
