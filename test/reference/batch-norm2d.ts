/** Batch normalisation over the rows of `[M, C]` in float64. */

/** Mean and population variance of each of `C` channels. */
export function channelStatistics(x: ArrayLike<number>, C: number): { mean: Float64Array; variance: Float64Array } {
  const M = x.length / C;
  const mean = new Float64Array(C);
  const variance = new Float64Array(C);
  for (let i = 0; i < x.length; i++) mean[i % C]! += x[i]! / M;
  for (let i = 0; i < x.length; i++) variance[i % C]! += (x[i]! - mean[i % C]!) ** 2 / M;
  return { mean, variance };
}

/** `(x - mean) / sqrt(variance + eps) * weight + bias`. */
export function batchNormReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  { mean, variance }: { mean: ArrayLike<number>; variance: ArrayLike<number> },
  eps: number,
): Float64Array {
  const C = weight.length;
  return Float64Array.from(
    { length: x.length },
    (_, i) => ((x[i]! - mean[i % C]!) / Math.sqrt(variance[i % C]! + eps)) * weight[i % C]! + bias[i % C]!,
  );
}

/** The three gradients; with `ofBatch`, the statistics depend on `x`. */
export function batchNormGradReference(
  gradOutput: ArrayLike<number>,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  { mean, variance }: { mean: ArrayLike<number>; variance: ArrayLike<number> },
  eps: number,
  ofBatch: boolean,
): { x: Float64Array; weight: Float64Array; bias: Float64Array } {
  const C = weight.length;
  const M = x.length / C;
  const rstd = Float64Array.from({ length: C }, (_, c) => 1 / Math.sqrt(variance[c]! + eps));
  const gradWeight = new Float64Array(C);
  const gradBias = new Float64Array(C);
  const xhat = Float64Array.from({ length: x.length }, (_, i) => (x[i]! - mean[i % C]!) * rstd[i % C]!);
  for (let i = 0; i < x.length; i++) {
    gradWeight[i % C]! += gradOutput[i]! * xhat[i]!;
    gradBias[i % C]! += gradOutput[i]!;
  }
  const gradX = Float64Array.from({ length: x.length }, (_, i) => {
    const c = i % C;
    const common = ofBatch ? (gradBias[c]! + xhat[i]! * gradWeight[c]!) / M : 0;
    return weight[c]! * rstd[c]! * (gradOutput[i]! - common);
  });
  return { x: gradX, weight: gradWeight, bias: gradBias };
}
