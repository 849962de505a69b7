/** Normalisation of `[N, P, G, D]` over P and D, and its gradients, in float64. */

/** Sizes: images, pixels, groups, channels of a group. */
export interface GroupNormSizes {
  readonly N: number;
  readonly P: number;
  readonly G: number;
  readonly D: number;
}

/** Image and group of element `i`, and its channel. */
const placeOf = ({ P, G, D }: GroupNormSizes, i: number) => {
  const c = i % (G * D);
  return { j: Math.floor(i / (P * G * D)) * G + Math.floor(c / D), c };
};

/** The normalised input and 1 / sqrt(variance + eps) of each group of each image. */
export function normalise(x: ArrayLike<number>, sizes: GroupNormSizes, eps: number) {
  const [groups, count] = [sizes.N * sizes.G, sizes.P * sizes.D];
  const mean = new Float64Array(groups);
  const variance = new Float64Array(groups);
  for (let i = 0; i < x.length; i++) mean[placeOf(sizes, i).j]! += x[i]! / count;
  for (let i = 0; i < x.length; i++) {
    const { j } = placeOf(sizes, i);
    variance[j]! += (x[i]! - mean[j]!) ** 2 / count;
  }
  const rstd = variance.map((v) => 1 / Math.sqrt(v + eps));
  const xhat = Float64Array.from({ length: x.length }, (_, i) => {
    const { j } = placeOf(sizes, i);
    return (x[i]! - mean[j]!) * rstd[j]!;
  });
  return { xhat, rstd, mean, variance };
}

/** `xhat * weight + bias`. */
export function groupNormReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number> | null,
  bias: ArrayLike<number> | null,
  sizes: GroupNormSizes,
  eps: number,
): Float64Array {
  return normalise(x, sizes, eps).xhat.map((value, i) => {
    const { c } = placeOf(sizes, i);
    return value * (weight?.[c] ?? 1) + (bias?.[c] ?? 0);
  });
}

/** The three gradients at `gradOutput`, and the size of the terms that each is the difference of. */
export function groupNormGradReference(
  gradOutput: ArrayLike<number>,
  x: ArrayLike<number>,
  weight: ArrayLike<number> | null,
  sizes: GroupNormSizes,
  eps: number,
): Record<"x" | "weight" | "bias", Float64Array> & { scale: Record<"x" | "weight" | "bias", number> } {
  const { xhat, rstd } = normalise(x, sizes, eps);
  const channels = sizes.G * sizes.D;
  const result = { weight: new Float64Array(channels), bias: new Float64Array(channels) };
  const plain = new Float64Array(rstd.length);
  const along = new Float64Array(rstd.length);
  const scaled = Float64Array.from(
    { length: x.length },
    (_, i) => gradOutput[i]! * (weight?.[placeOf(sizes, i).c] ?? 1),
  );
  for (let i = 0; i < x.length; i++) {
    const { j, c } = placeOf(sizes, i);
    result.weight[c]! += gradOutput[i]! * xhat[i]!;
    result.bias[c]! += gradOutput[i]!;
    plain[j]! += scaled[i]! / (sizes.P * sizes.D);
    along[j]! += (scaled[i]! * xhat[i]!) / (sizes.P * sizes.D);
  }
  const gradX = scaled.map((value, i) => {
    const { j } = placeOf(sizes, i);
    return rstd[j]! * (value - plain[j]! - xhat[i]! * along[j]!);
  });
  const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + Math.abs(value), 0) / channels;
  const scale = {
    x: largest(scaled.map((value, i) => value * rstd[placeOf(sizes, i).j]!)),
    weight: total(xhat.map((value, i) => value * gradOutput[i]!)),
    bias: total(Float64Array.from(gradOutput)),
  };
  return { x: gradX, ...result, scale };
}
