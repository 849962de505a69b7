/** Dispatch of the strided copy: transposes, slices, flips and the parts of a concatenation are all this one kernel. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** How one side of a copy is addressed: element `p` lies at `offset + sum p[axis] * strides[axis]`, in elements. */
export interface StridedSide {
  readonly storage: Storage;
  readonly offset: number;
  /** One per axis; may be negative. */
  readonly strides: readonly number[];
}

interface Axis {
  size: number;
  input: number;
  output: number;
}

/** Drops axes of size 1 and merges neighbours that both sides walk as one, so that fewer divisions are left. */
function mergeAxes(shape: readonly number[], input: readonly number[], output: readonly number[]): Axis[] {
  const merged: Axis[] = [];
  shape.forEach((size, i) => {
    if (size === 1) return;
    const axis = { size, input: input[i] as number, output: output[i] as number };
    const last = merged.at(-1);
    if (last && last.input === axis.input * size && last.output === axis.output * size)
      merged[merged.length - 1] = { ...axis, size: size * last.size };
    else merged.push(axis);
  });
  return merged;
}

/** Eight numbers for two uniform vec4s. */
export const padTo8 = (values: readonly number[]): number[] => [
  ...values,
  ...new Array<number>(8 - values.length).fill(0),
];

/**
 * Records a copy of 32-bit elements between two strided layouts of the same index space, of at most 8 axes. What of the
 * output is not addressed keeps its content.
 *
 * @throws {DeviceError} when a side exceeds one binding and is not contiguous.
 */
export function stridedCopy(device: Device, shape: readonly number[], input: StridedSide, output: StridedSide): void {
  const n = shape.reduce((a, b) => a * b, 1);
  if (n === 0) return;
  const axes = mergeAxes(shape, input.strides, output.strides);
  if (axes.every((axis) => axis.input === 1 && axis.output === 1)) {
    // One contiguous run: the copy command needs no pipeline and has no binding limit.
    device.copy(input.storage, input.offset * 4, output.storage, output.offset * 4, n * 4);
    return;
  }
  device.launch(sources["strided-copy"], {
    dims: {
      n,
      input_offset: input.offset,
      output_offset: output.offset,
      shape: padTo8(axes.map(({ size }) => size)),
      input_strides: padTo8(axes.map((axis) => axis.input)),
      output_strides: padTo8(axes.map((axis) => axis.output)),
    },
    buffers: { input: input.storage, output: output.storage },
    constants: { RANK: axes.length },
    groups: grid(n, 256),
  });
}
