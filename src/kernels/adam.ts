/** Dispatch of the fused Adam step. */
import type { Device } from "./device.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { blockWindows } from "./windows.js";

/** The buffers of one parameter's step; with `largest` it is AMSGrad. */
export interface AdamBuffers {
  readonly scalars: Storage;
  readonly gradient: Storage;
  readonly mean: Storage;
  readonly variance: Storage;
  readonly largest: Storage | null;
  readonly parameter: Storage;
}

/** Updates `count` elements in place; `row` is this parameter's row of `scalars`. */
export function adam(
  device: Device,
  { scalars, gradient, mean, variance, largest, parameter }: AdamBuffers,
  options: { count: number; row: number; betas: readonly [number, number]; weightDecay: number },
): void {
  const { count, row, betas, weightDecay } = options;
  const [beta1, beta2] = betas;
  // Every binding must be there, and may not overlap another that is written.
  const unused = largest ? null : device.allocate(4, "adam/unused");
  for (const { blocks, offset, bytes } of blockWindows(device, count)) {
    const window = (storage: Storage) => ({ storage, offset, bytes });
    device.launch(sources.adam, {
      dims: {
        blocks,
        row,
        beta1,
        beta2,
        mean_gain: 1 - beta1,
        variance_gain: 1 - beta2,
        weight_decay: weightDecay,
      },
      buffers: {
        scalars,
        gradient: window(gradient),
        mean: window(mean),
        variance: window(variance),
        largest: largest ? window(largest) : (unused as Storage),
        parameter: window(parameter),
      },
      constants: { AMSGRAD: largest ? 1 : 0 },
      groups: grid(blocks, 64),
    });
  }
  unused?.release();
}
