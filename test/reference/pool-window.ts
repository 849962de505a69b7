/** The windows of the pooling references, one by one. */

/** Options with both axes written out. */
export interface Window {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
  ceilMode: boolean;
}

/** Number of windows along axis `i` (0: rows), counted one by one. */
export function windowCount(size: number, window: Window, i: 0 | 1): number {
  const span = window.dilation[i] * (window.kernel[i] - 1) + 1;
  const start = (o: number) => o * window.stride[i] - window.padding[i];
  let count = 0;
  while (start(count) + span <= size + window.padding[i]) count++;
  // One more that hangs over the end, if it starts inside the input or the padding before it.
  const overhangs = count === 0 || start(count - 1) + span < size + window.padding[i];
  return window.ceilMode && overhangs && start(count) < size ? count + 1 : count;
}

/** One input element of a window. */
export interface Tap {
  /** Index into the input. */
  from: number;
  /** Index into the output. */
  to: number;
  /** Taps of this window in the input, and in the padded input. */
  inside: number;
  padded: number;
}

/** Output shape, and the taps of every output element in row-major order of the window. */
export function windows(shape: readonly number[], window: Window): { shape: number[]; taps: Tap[][] } {
  const [N, H, W, C] = shape as [number, number, number, number];
  const OH = windowCount(H, window, 0);
  const OW = windowCount(W, window, 1);
  const taps: Tap[][] = [];
  for (let n = 0; n < N; n++)
    for (let y = 0; y < OH; y++)
      for (let x = 0; x < OW; x++)
        for (let c = 0; c < C; c++) {
          const list: Tap[] = [];
          let padded = 0;
          for (let ky = 0; ky < window.kernel[0]; ky++)
            for (let kx = 0; kx < window.kernel[1]; kx++) {
              const h = y * window.stride[0] + ky * window.dilation[0] - window.padding[0];
              const w = x * window.stride[1] + kx * window.dilation[1] - window.padding[1];
              if (h < H + window.padding[0] && w < W + window.padding[1]) padded++;
              if (h < 0 || h >= H || w < 0 || w >= W) continue;
              list.push({ from: ((n * H + h) * W + w) * C + c, to: taps.length, inside: 0, padded: 0 });
            }
          for (const tap of list) Object.assign(tap, { inside: list.length, padded });
          taps.push(list);
        }
  return { shape: [N, OH, OW, C], taps };
}
