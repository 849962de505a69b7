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
