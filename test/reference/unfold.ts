/** unfold and its transpose in plain float64 loops. */

/** Sizes, with each pair as `[rows, columns]`. */
export interface UnfoldCase {
  readonly shape: readonly [N: number, H: number, W: number, C: number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** For each place of the rows, the place in the image that is there, or -1 for the padding. */
export function unfoldPlaces({ shape: [N, H, W, C], kernel, stride, padding, dilation }: UnfoldCase): number[] {
  const count = (size: number, i: 0 | 1) => {
    let n = 0;
    while (n * stride[i] + dilation[i] * (kernel[i] - 1) < size + 2 * padding[i]) n++;
    return n;
  };
  const places: number[] = [];
  for (let n = 0; n < N; n++)
    for (let p = 0; p < count(H, 0); p++)
      for (let q = 0; q < count(W, 1); q++)
        for (let i = 0; i < kernel[0]; i++)
          for (let j = 0; j < kernel[1]; j++)
            for (let c = 0; c < C; c++) {
              const y = p * stride[0] + i * dilation[0] - padding[0];
              const x = q * stride[1] + j * dilation[1] - padding[1];
              places.push(y >= 0 && y < H && x >= 0 && x < W ? ((n * H + y) * W + x) * C + c : -1);
            }
  return places;
}

/** The image whose elements are the sums of what lies at their places. */
export function foldReference(places: readonly number[], rows: ArrayLike<number>, size: number): Float64Array {
  const image = new Float64Array(size);
  for (const [i, place] of places.entries()) if (place >= 0) image[place]! += rows[i]!;
  return image;
}
