/** Resizing of planes and its gradient in float64. */

/** How a resizing samples. */
export interface Sampling {
  mode?: "nearest" | "nearest-exact" | "bilinear" | "bicubic";
  alignCorners?: boolean;
  antialias?: boolean;
  /** Of rows and columns, where positions follow a scale and not the sizes. */
  scale?: readonly [number, number];
}

/** Keys' cubic. */
function keys(x: number, a: number): number {
  const d = Math.abs(x);
  if (d >= 2) return 0;
  return d < 1 ? (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1 : a * (d ** 3 - 5 * d ** 2 + 8 * d - 4);
}

/** All input positions under a filter widened by `ratio`, weights adding up to 1. */
function antialiased(o: number, input: number, ratio: number, mode: string): [number, number][] {
  const wide = Math.max(1, ratio);
  const weights = Array.from({ length: input }, (_, i) => {
    const distance = (i + 0.5 - (o + 0.5) * ratio) / wide;
    return mode === "bicubic" ? keys(distance, -0.5) : Math.max(0, 1 - Math.abs(distance));
  });
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight, i) => [i, weight / total]);
}

/** The input positions an output reads along an axis, with their weights. */
function taps(o: number, input: number, output: number, rule: Sampling, scale?: number): [number, number][] {
  const { mode = "nearest", alignCorners } = rule;
  // Products before the quotient, so that whole positions are exact.
  const times = (value: number) => (scale === undefined ? (value * input) / output : value / scale);
  if (mode === "nearest") return [[Math.floor(times(o)), 1]];
  if (mode === "nearest-exact") return [[Math.floor(times(o + 0.5)), 1]];
  if (rule.antialias) return antialiased(o, input, times(1), mode);
  const corners = output === 1 ? 0 : (o * (input - 1)) / (output - 1);
  if (mode === "bicubic") {
    const centre = alignCorners ? corners : times(o + 0.5) - 0.5;
    return [-1, 0, 1, 2].map((offset) => {
      const tap = Math.floor(centre) + offset;
      return [Math.min(Math.max(tap, 0), input - 1), keys(tap - centre, -0.75)];
    });
  }
  const position = alignCorners ? corners : Math.max(times(o + 0.5) - 0.5, 0);
  const first = Math.min(Math.floor(position), input - 1);
  const fraction = position - first;
  return [
    [first, 1 - fraction],
    [Math.min(first + 1, input - 1), fraction],
  ];
}

function eachTap(
  [N, H, W, C]: readonly number[],
  [OH, OW]: readonly number[],
  sampling: Sampling,
  visit: (from: number, to: number, weight: number) => void,
): void {
  for (let n = 0; n < N!; n++)
    for (let y = 0; y < OH!; y++)
      for (let x = 0; x < OW!; x++)
        for (const [h, down] of taps(y, H!, OH!, sampling, sampling.scale?.[0]))
          for (const [w, right] of taps(x, W!, OW!, sampling, sampling.scale?.[1]))
            for (let c = 0; c < C!; c++)
              visit(((n * H! + h) * W! + w) * C! + c, ((n * OH! + y) * OW! + x) * C! + c, down * right);
}

/** `[N, H, W, C]` resized to `[N, OH, OW, C]`. */
export function upsample2dReference(
  x: ArrayLike<number>,
  shape: readonly number[],
  size: readonly number[],
  sampling: Sampling,
): Float64Array {
  const result = new Float64Array(shape[0]! * size[0]! * size[1]! * shape[3]!);
  eachTap(shape, size, sampling, (from, to, weight) => {
    result[to]! += weight * x[from]!;
  });
  return result;
}

/** The gradient with respect to the input of `shape`. */
export function upsample2dGradReference(
  gradOutput: ArrayLike<number>,
  shape: readonly number[],
  size: readonly number[],
  sampling: Sampling,
): Float64Array {
  const result = new Float64Array(shape.reduce((a, b) => a * b, 1));
  eachTap(shape, size, sampling, (from, to, weight) => {
    result[from]! += weight * gradOutput[to]!;
  });
  return result;
}
