/** Dispatch of the fused gradient-descent step. */
import type { Device } from "./device.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { blockWindows } from "./windows.js";

/** The buffers of one parameter's step; without `buffer` there is no momentum. */
export interface SgdBuffers {
  readonly scalars: Storage;
  readonly gradient: Storage;
  readonly buffer: Storage | null;
  readonly parameter: Storage;
}

/** Updates `count` elements in place; `row` is this parameter's row of `scalars`. */
export function sgd(
  device: Device,
  { scalars, gradient, buffer, parameter }: SgdBuffers,
  options: { count: number; row: number; momentum: number; nesterov: boolean; weightDecay: number },
): void {
  const { count, row, momentum, nesterov, weightDecay } = options;
  // Every binding must be there, and may not overlap another that is written.
  const unused = buffer ? null : device.allocate(4, "sgd/unused");
  for (const { blocks, offset, bytes } of blockWindows(device, count)) {
    const window = (storage: Storage) => ({ storage, offset, bytes });
    device.launch(sources.sgd, {
      dims: { blocks, row, momentum, weight_decay: weightDecay },
      buffers: {
        scalars,
        gradient: window(gradient),
        buffer: buffer ? window(buffer) : (unused as Storage),
        parameter: window(parameter),
      },
      constants: { MOMENTUM: buffer ? 1 : 0, NESTEROV: nesterov ? 1 : 0 },
      groups: grid(blocks, 64),
    });
  }
  unused?.release();
}
