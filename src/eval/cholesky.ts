/**
 * Cholesky factor of a symmetric positive definite matrix: lower triangular L with `L L^T = A`.
 *
 * @param a - Row-major `[n, n]`; only the lower triangle is read.
 * @returns L, row-major `[n, n]` with zeros above the diagonal.
 * @throws {RangeError} when A is not positive definite to float64 precision.
 */
export function cholesky(a: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (lower[i * n + k] ?? 0) * (lower[j * n + k] ?? 0);
      if (i !== j) lower[i * n + j] = sum / (lower[j * n + j] ?? 1);
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum);
      else throw new RangeError(`cholesky: the matrix must be positive definite, got pivot ${sum} in row ${i}`);
    }
  }
  return lower;
}

/** Inverse of a lower triangular matrix, row-major `[n, n]`. */
function invertLower(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const pivot = 1 / (lower[i * n + i] ?? 1);
    const row = inverse.subarray(i * n, i * n + i + 1);
    // Row i = -pivot * sum_k L[i, k] * row k: whole rows at a time, so that memory is read in order.
    for (let k = 0; k < i; k++) {
      const factor = -pivot * (lower[i * n + k] ?? 0);
      for (let j = 0; j <= k; j++) row[j] = (row[j] ?? 0) + factor * (inverse[k * n + j] ?? 0);
    }
    row[i] = pivot;
  }
  return inverse;
}

/**
 * Inverse of a symmetric positive definite matrix, by its Cholesky factor: `A^-1 = L^-T L^-1`.
 *
 * @param a - Row-major `[n, n]`; only the lower triangle is read.
 * @returns row-major `[n, n]`, symmetric.
 * @throws {RangeError} when A is not positive definite to float64 precision.
 */
export function invertPositive(a: Float64Array, n: number): Float64Array {
  const half = invertLower(cholesky(a, n), n);
  const inverse = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i <= k; i++) {
      const factor = half[k * n + i] ?? 0;
      for (let j = 0; j <= i; j++) inverse[i * n + j] = (inverse[i * n + j] ?? 0) + factor * (half[k * n + j] ?? 0);
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) inverse[j * n + i] = inverse[i * n + j] ?? 0;
  return inverse;
}
