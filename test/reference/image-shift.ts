/** Shifts of images in float64, one pixel at a time. */

/** For each element of the shifted images, the index of the element that it copies. */
export function imageShiftSources(
  [N, H, W, C]: readonly [number, number, number, number],
  dy: ArrayLike<number>,
  dx: ArrayLike<number>,
): number[] {
  const clamp = (p: number, size: number) => Math.min(Math.max(p, 0), size - 1);
  const result: number[] = [];
  for (let n = 0; n < N; n++)
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++)
        for (let c = 0; c < C; c++) result.push(((n * H + clamp(y - dy[n]!, H)) * W + clamp(x - dx[n]!, W)) * C + c);
  return result;
}
