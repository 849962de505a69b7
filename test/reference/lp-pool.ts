/** The norm of each window, in plain float64 loops: zeros around, windows inside the padded image only. */
export function lpPoolReference(
  x: ArrayLike<number>,
  [N, H, W, C]: readonly [number, number, number, number],
  {
    kernel,
    stride,
    padding,
    p,
  }: {
    kernel: readonly [number, number];
    stride: readonly [number, number];
    padding: readonly [number, number];
    p: number;
  },
): number[] {
  const y: number[] = [];
  for (let n = 0; n < N; n++)
    for (let top = -padding[0]; top + kernel[0] <= H + padding[0]; top += stride[0])
      for (let left = -padding[1]; left + kernel[1] <= W + padding[1]; left += stride[1])
        for (let c = 0; c < C; c++) {
          let sum = 0;
          for (let h = Math.max(top, 0); h < Math.min(top + kernel[0], H); h++)
            for (let w = Math.max(left, 0); w < Math.min(left + kernel[1], W); w++)
              sum += Math.abs(x[((n * H + h) * W + w) * C + c]!) ** p;
          y.push(sum ** (1 / p));
        }
  return y;
}
