/** Matrix products in float64, one term at a time. */

/** `a` [M, K] (or [K, M]) times `b` [K, N] (or [N, K]), row-major. */
export function matmulReference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  size: { M: number; N: number; K: number },
  options: { transposeA?: boolean; transposeB?: boolean } = {},
): Float64Array {
  const { M, N, K } = size;
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) {
        const left = a[options.transposeA ? k * M + m : m * K + k]!;
        const right = b[options.transposeB ? n * K + k : k * N + n]!;
        result[m * N + n]! += left * right;
      }
    }
  }
  return result;
}

/** `x` [M, K] times `weight` [K, N], plus `bias` [N]. */
export function linearReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  size: { M: number; N: number; K: number },
): Float64Array {
  return matmulReference(x, weight, size).map((v, i) => v + (bias ? bias[i % size.N]! : 0));
}

/** Products of batches and vectors by NumPy's rules; `shapeA` and `shapeB` are those before the transposes. */
export function batchReference(
  a: ArrayLike<number>,
  shapeA: readonly number[],
  b: ArrayLike<number>,
  shapeB: readonly number[],
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean },
): Float64Array {
  const left = shapeA.length === 1 ? [1, ...shapeA] : shapeA;
  const right = shapeB.length === 1 ? [...shapeB, 1] : shapeB;
  const [M, K, N] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const form = { transposeA: transposeA && shapeA.length > 1, transposeB: transposeB && shapeB.length > 1 };
  const [leadA, leadB] = [left.slice(0, -2), right.slice(0, -2)];
  const rank = Math.max(leadA.length, leadB.length);
  const size = (lead: readonly number[], axis: number) => lead[axis - (rank - lead.length)] ?? 1;
  const lead = Array.from({ length: rank }, (_, axis) =>
    size(leadA, axis) === 1 ? size(leadB, axis) : size(leadA, axis),
  );
  const count = lead.reduce((x, y) => x * y, 1);
  const results: number[] = [];
  for (let i = 0; i < count; i++) {
    let [rest, placeA, placeB, strideA, strideB] = [i, 0, 0, 1, 1];
    for (let axis = rank - 1; axis >= 0; axis--) {
      const p = rest % lead[axis]!;
      rest = Math.floor(rest / lead[axis]!);
      placeA += (size(leadA, axis) === 1 ? 0 : p) * strideA;
      placeB += (size(leadB, axis) === 1 ? 0 : p) * strideB;
      strideA *= size(leadA, axis);
      strideB *= size(leadB, axis);
    }
    const one = Array.from(a).slice(placeA * M * K, (placeA + 1) * M * K);
    const two = Array.from(b).slice(placeB * K * N, (placeB + 1) * K * N);
    results.push(...matmulReference(one, two, { M, N, K }, form));
  }
  return Float64Array.from(results);
}
