/** The windows of the pooling references, one by one. */

/** Options with both axes written out. */
export interface Window {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  /** [before, after] of each axis. */
  padding: readonly (readonly [number, number])[];
  dilation: readonly [number, number];
  ceilMode: boolean;
}

/** Windows that divide the plane into `size` parts. */
export interface AdaptiveWindow {
  size: readonly [number, number];
}

/** Number of windows along axis `i` (0: rows), counted one by one. */
function windowCount(size: number, window: Window, i: 0 | 1): number {
  const span = window.dilation[i] * (window.kernel[i] - 1) + 1;
  const [before, after] = window.padding[i]!;
  const start = (o: number) => o * window.stride[i] - before;
  let count = 0;
  while (start(count) + span <= size + after) count++;
  // One more that hangs over the end, if it starts inside the input or the padding before it.
  const overhangs = count === 0 || start(count - 1) + span < size + after;
  return window.ceilMode && overhangs && start(count) < size ? count + 1 : count;
}

/** Along axis `i`: for each window the positions inside the input, and how many there are with the padding. */
function positions(size: number, window: Window | AdaptiveWindow, i: 0 | 1): { inside: number[]; padded: number }[] {
  if ("size" in window) {
    const count = window.size[i];
    return Array.from({ length: count }, (_, o) => {
      const first = Math.floor((o * size) / count);
      const length = Math.ceil(((o + 1) * size) / count) - first;
      return { inside: Array.from({ length }, (_value, k) => first + k), padded: length };
    });
  }
  const [before, after] = window.padding[i]!;
  return Array.from({ length: windowCount(size, window, i) }, (_, o) => {
    const all = Array.from(
      { length: window.kernel[i] },
      (_value, k) => o * window.stride[i] + k * window.dilation[i] - before,
    );
    return { inside: all.filter((p) => p >= 0 && p < size), padded: all.filter((p) => p < size + after).length };
  });
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
export function windows(shape: readonly number[], window: Window | AdaptiveWindow): { shape: number[]; taps: Tap[][] } {
  const [N, H, W, C] = shape as [number, number, number, number];
  const [rows, columns] = [positions(H, window, 0), positions(W, window, 1)];
  const taps: Tap[][] = [];
  for (let n = 0; n < N; n++)
    for (const y of rows)
      for (const x of columns)
        for (let c = 0; c < C; c++) {
          const count = { inside: y.inside.length * x.inside.length, padded: y.padded * x.padded };
          taps.push(
            y.inside.flatMap((h) =>
              x.inside.map((w) => ({ from: ((n * H + h) * W + w) * C + c, to: taps.length, ...count })),
            ),
          );
        }
  return { shape: [N, rows.length, columns.length, C], taps };
}
