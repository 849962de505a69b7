/** Images read at the positions of a grid, in plain float64 loops. */

/** The choices of gridSample, all made. */
export interface GridSampleCase {
  readonly mode: "bilinear" | "nearest";
  readonly paddingMode: "zeros" | "border" | "reflection";
  readonly alignCorners: boolean;
}

/** A position in [-1, 1] in pixels, moved into the image one mirror after the other. */
function pixel(position: number, size: number, { paddingMode, alignCorners }: GridSampleCase): number {
  let at = alignCorners ? ((position + 1) / 2) * (size - 1) : ((position + 1) * size - 1) / 2;
  if (paddingMode === "zeros") return at;
  const [low, high] = alignCorners ? [0, size - 1] : [-0.5, size - 0.5];
  if (paddingMode === "reflection" && low < high)
    while (at < low || at > high) at = at < low ? 2 * low - at : 2 * high - at;
  return Math.min(Math.max(at, 0), size - 1);
}

/** The nearest whole number, halves to the even one. */
function nearest(x: number): number {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (down % 2 === 0 ? 0 : 1) : Math.round(x);
}

/** `[N, P, C]` out of images `[N, H, W, C]` and positions `[N, P, 2]`. */
export function gridSampleReference(
  x: ArrayLike<number>,
  [N, H, W, C]: readonly [number, number, number, number],
  grid: ArrayLike<number>,
  row: GridSampleCase,
): number[] {
  const P = grid.length / (2 * N);
  const read = (n: number, h: number, w: number, c: number) =>
    h >= 0 && h < H && w >= 0 && w < W ? x[((n * H + h) * W + w) * C + c]! : 0;
  const result: number[] = [];
  for (let n = 0; n < N; n++)
    for (let p = 0; p < P; p++)
      for (let c = 0; c < C; c++) {
        const [u, v] = [pixel(grid[2 * (n * P + p)]!, W, row), pixel(grid[2 * (n * P + p) + 1]!, H, row)];
        if (row.mode === "nearest") {
          result.push(read(n, nearest(v), nearest(u), c));
          continue;
        }
        let sum = 0;
        for (const h of [Math.floor(v), Math.floor(v) + 1])
          for (const w of [Math.floor(u), Math.floor(u) + 1])
            sum += read(n, h, w, c) * (1 - Math.abs(u - w)) * (1 - Math.abs(v - h));
        result.push(sum);
      }
  return result;
}
