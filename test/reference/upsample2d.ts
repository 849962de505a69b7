/** Resizing of planes and its gradient in float64. */

/** How a resizing samples. */
export interface Sampling {
  mode?: "nearest" | "bilinear";
  alignCorners?: boolean;
}

/** The two input positions an output reads along an axis, with their weights. */
function taps(o: number, input: number, output: number, { mode, alignCorners }: Sampling): [number, number][] {
  if (mode !== "bilinear") return [[Math.floor((o * input) / output), 1]];
  const position = alignCorners
    ? output === 1
      ? 0
      : (o * (input - 1)) / (output - 1)
    : Math.max(((o + 0.5) * input) / output - 0.5, 0);
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
        for (const [h, down] of taps(y, H!, OH!, sampling))
          for (const [w, right] of taps(x, W!, OW!, sampling))
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
