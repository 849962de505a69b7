/** Average pooling and its gradient in float64, window by window. */
import { type AdaptiveWindow, type Window, windows } from "./pool-window.js";

/** The mean of each window, and the gradient with respect to the input at `gradOutput`. */
export function avgPoolReference(
  x: ArrayLike<number>,
  shape: readonly number[],
  window: Window | AdaptiveWindow,
  countIncludePad: boolean,
  gradOutput: (size: number) => ArrayLike<number>,
  divisor?: number,
): { shape: number[]; values: Float64Array; gradient: Float64Array } {
  const { shape: outputShape, taps } = windows(shape, window);
  const values = new Float64Array(taps.length);
  const gradient = new Float64Array(x.length);
  const g = gradOutput(taps.length);
  for (const { from, to, inside, padded } of taps.flat()) {
    const count = divisor ?? (countIncludePad ? padded : inside);
    values[to]! += x[from]! / count;
    gradient[from]! += g[to]! / count;
  }
  return { shape: outputShape, values, gradient };
}
