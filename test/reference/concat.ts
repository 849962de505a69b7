/** Concatenation in float64, one element at a time. */

/** One tensor of a concatenation. */
export interface ConcatPart {
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** The parts joined along an axis. */
export function concatReference(parts: readonly ConcatPart[], axis: number): Float64Array {
  const shape = parts[0]!.shape;
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const result: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const own = part.shape[axis]!;
      for (let p = 0; p < own; p++)
        for (let i = 0; i < inner; i++) result.push(part.values[(o * own + p) * inner + i]!);
    }
  }
  return Float64Array.from(result);
}
