/** Dispatch of the strided scatter: an input inside a larger output, filled around and between. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { padTo8 } from "./strided-copy.js";

/** Where the elements of one axis of the input lie along that axis of the output: at `start + p * step` for p < count. */
export interface ScatterAxis {
  /** Size of the output along the axis. */
  readonly size: number;
  readonly start: number;
  /** Not 0; may be negative. */
  readonly step: number;
  /** Size of the input along the axis. */
  readonly count: number;
}

/** Merges an axis that the input fills whole into its outer neighbour, when that one's region is contiguous. */
function mergeAxes(axes: readonly ScatterAxis[]): ScatterAxis[] {
  const merged: ScatterAxis[] = [];
  for (const axis of axes) {
    const whole = axis.count === axis.size && (axis.step === 1 || axis.size === 1);
    const last = merged.at(-1);
    if (!whole || !last || last.step !== 1) merged.push(axis);
    else {
      const { size } = axis;
      merged[merged.length - 1] = {
        size: last.size * size,
        start: last.start * size,
        step: 1,
        count: last.count * size,
      };
    }
  }
  return merged;
}

/**
 * Records the dispatch that fills all of `output`: 32-bit elements of `input` in the region, `fill` elsewhere.
 *
 * @param fill - The bits of an element.
 */
export function stridedScatter(
  device: Device,
  axes: readonly ScatterAxis[],
  input: Storage,
  output: Storage,
  fill = 0,
): void {
  const n = axes.reduce((total, { size }) => total * size, 1);
  const merged = mergeAxes(axes);
  device.launch(sources["strided-scatter"], {
    dims: {
      n,
      fill,
      shape: padTo8(merged.map(({ size }) => size)),
      counts: padTo8(merged.map(({ count }) => count)),
      starts: padTo8(merged.map(({ start }) => start)),
      steps: padTo8(merged.map(({ step }) => step)),
    },
    buffers: { input, output },
    constants: { RANK: merged.length },
    groups: grid(n, 256),
  });
}
