/** Dispatch of the linear recurrence. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { ReductionSize } from "./reduce.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Runs `output = a * previous output + b` along the middle axis of `size`. */
export function recurrence(
  device: Device,
  { a, b, output }: { a: Storage; b: Storage; output: Storage },
  { outer, length, inner }: ReductionSize,
  reverse: boolean,
): void {
  const perRow = length * inner;
  for (const { N, of } of imageWindows(device, "recurrence", outer, [[output.bytes, perRow]], "rows")) {
    device.launch(sources.recurrence, {
      dims: { rows: N * inner, R: length, inner },
      buffers: { a: of(a, perRow), b: of(b, perRow), output: of(output, perRow) },
      constants: { REVERSE: String(reverse) },
      groups: grid(N * inner, 64),
    });
  }
}
