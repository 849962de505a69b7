/** The losses in float64. */

/** Mean over rows of length V of the cosine between them. */
export function cosineReference(x: ArrayLike<number>, y: ArrayLike<number>, V: number, eps = 1e-12): number {
  let total = 0;
  for (let row = 0; row < x.length; row += V) {
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = row; i < row + V; i++) {
      xy += x[i]! * y[i]!;
      xx += x[i]! * x[i]!;
      yy += y[i]! * y[i]!;
    }
    total += xy / (Math.sqrt(Math.max(xx, eps)) * Math.sqrt(Math.max(yy, eps)));
  }
  return total / (x.length / V);
}

/** Mean over the [:-1, :-1] grid of (dx^2 + dy^2 + eps)^exponent. */
export function totalVariationReference(
  x: ArrayLike<number>,
  [N, H, W, C]: readonly [number, number, number, number],
  exponent: number,
  eps = 0,
): number {
  const at = (n: number, i: number, j: number, c: number) => x[((n * H + i) * W + j) * C + c]!;
  let total = 0;
  for (let n = 0; n < N; n++)
    for (let i = 0; i < H - 1; i++)
      for (let j = 0; j < W - 1; j++)
        for (let c = 0; c < C; c++) {
          const dx = at(n, i, j + 1, c) - at(n, i, j, c);
          const dy = at(n, i + 1, j, c) - at(n, i, j, c);
          total += (dx * dx + dy * dy + eps) ** exponent;
        }
  return total / (N * (H - 1) * (W - 1) * C);
}

/** Mean cross entropy with label smoothing over rows of K logits, weighted by class. */
export function crossEntropyReference(
  logits: ArrayLike<number>,
  targets: readonly number[],
  weight: ArrayLike<number>,
  smoothing: number,
): number {
  const K = weight.length;
  let [total, count] = [0, 0];
  targets.forEach((target, row) => {
    const own = Array.from({ length: K }, (_, k) => logits[row * K + k]!);
    const largest = Math.max(...own);
    const logSum = largest + Math.log(own.reduce((sum, v) => sum + Math.exp(v - largest), 0));
    own.forEach((value, k) => {
      const share = (k === target ? 1 - smoothing : 0) + smoothing / K;
      total += share * weight[k]! * (logSum - value);
    });
    count += weight[target]!;
  });
  return total / count;
}
