/** Dispatch of gathering along an axis, and of the check of indices that goes before it. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { blockWindows, imageWindows } from "./windows.js";

/** Indices into one axis: one for each element of the other tensor, or the same for all rows. */
export interface Indices {
  readonly storage: Storage;
  readonly each: boolean;
}

/** The axis that indices point into, and how many they are along it: `[outer, length, inner]` and `[outer, count, inner]`. */
export interface IndexedSize {
  readonly outer: number;
  readonly length: number;
  readonly count: number;
  readonly inner: number;
}

/** Notes indices outside of [0, size), which the next wait for the GPU reports in the name of `op`. */
export function checkIndices(
  device: Device,
  op: string,
  indices: { storage: Storage; count: number; signed: boolean },
  size: number,
): void {
  const { number, storage } = device.faults.check({ op, size });
  for (const { first, blocks, offset, bytes } of blockWindows(device, indices.count)) {
    const n = Math.min(4 * blocks, indices.count - 4 * first);
    device.launch(sources["index-check"], {
      dims: { n, size, number },
      buffers: { indices: { storage: indices.storage, offset, bytes }, fault: storage },
      constants: { SIGNED: String(indices.signed) },
      groups: grid(n, 64),
    });
  }
}

/** Records `output[o, k, i] = input[o, index, i]`. @throws {DeviceError} when the least number of rows exceeds one binding. */
export function gather(device: Device, input: Storage, indices: Indices, output: Storage, size: IndexedSize): void {
  const { outer, length, count, inner } = size;
  const [large, small] = [length * inner, count * inner];
  const operands = [[input.bytes, large] as const, [output.bytes, small] as const];
  for (const { N, of } of imageWindows(device, "gather", outer, operands, "rows")) {
    device.launch(sources.gather, {
      dims: { n: N * small, L: length, K: count, inner },
      buffers: {
        input: of(input, large),
        indices: indices.each ? of(indices.storage, small) : indices.storage,
        output: of(output, small),
      },
      constants: { EACH: String(indices.each) },
      groups: grid(N * small, 64),
    });
  }
}
