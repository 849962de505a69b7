/** Dispatch of a sparse linear map along one axis. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** `[N, outer, length, inner]`, of which the third axis is mapped. */
export interface ResampleSizes {
  readonly N: number;
  readonly outer: number;
  readonly length: number;
  readonly outputLength: number;
  readonly inner: number;
}

/** Maps `input` to `output`, in windows of images where they exceed a binding. */
export function resample(
  device: Device,
  { N, outer, length, outputLength, inner }: ResampleSizes,
  table: Readonly<Record<"starts" | "taps" | "weights", Storage>>,
  input: Storage,
  output: Storage,
): void {
  const [from, to] = [outer * length * inner, outer * outputLength * inner];
  const windows = imageWindows(device, "upsample2d", N, [
    [N * from * 4, from],
    [N * to * 4, to],
  ]);
  for (const window of windows) {
    const n = window.N * to;
    device.launch(sources.resample, {
      dims: { n, L: length, OL: outputLength, inner },
      buffers: { ...table, input: window.of(input, from), output: window.of(output, to) },
      groups: grid(n, 64),
    });
  }
}
