/** Dispatch of the sums by index, and of the last element by index, in a fixed order: a sort of the indices where they are many, then one gathering pass. */
import type { Device } from "./device.js";
import type { IndexedSize, Indices } from "./gather.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { ElementType } from "./reduce.js";
import { sortOrder } from "./sort-order.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** So few indices are looked through faster than sorted. */
const fewIndices = 32;

/** Records `output[o, r, i] = sum of input[o, k, i] over the k whose index is r`. */
export function scatterSum(
  device: Device,
  { input, output, type }: { input: Storage; output: Storage; type: ElementType },
  indices: Indices,
  size: IndexedSize,
): void {
  const { outer, length, count, inner } = size;
  const [large, small] = [length * inner, count * inner];
  const sorted = count > fewIndices;
  const order = sorted ? device.allocate((indices.each ? outer * small : count) * 4, "scatter-sum/order") : null;
  if (order) {
    const axis = indices.each ? { outer, length: count, inner } : { outer: 1, length: count, inner: 1 };
    sortOrder(device, { storage: indices.storage, type: "u32", descending: false }, order, axis);
  }
  const operands = [[input.bytes, small] as const, [output.bytes, large] as const];
  for (const { N, of } of imageWindows(device, "scatter-sum", outer, operands, "rows")) {
    const part = (storage: Storage) => (indices.each ? of(storage, small) : storage);
    device.launch(sources["scatter-sum"], {
      dims: { n: N * large, K: count, R: length, inner },
      buffers: {
        input: of(input, small),
        indices: part(indices.storage),
        order: part(order ?? indices.storage),
        output: of(output, large),
      },
      constants: { T: type, EACH: String(indices.each), SORTED: String(sorted) },
      groups: grid(N * large, 64),
    });
  }
  order?.release();
}

/** Records `output[o, r, i] = 1 + the last k whose index is r`, 0 where there is none. */
export function scatterPlace(device: Device, indices: Storage, output: Storage, size: IndexedSize): void {
  const { outer, length, count, inner } = size;
  const [large, small] = [length * inner, count * inner];
  const sorted = count > fewIndices;
  const order = sorted ? device.allocate(outer * small * 4, "scatter-place/order") : null;
  if (order) {
    const keys = { storage: indices, type: "u32", descending: false } as const;
    sortOrder(device, keys, order, { outer, length: count, inner });
  }
  const operands = [[indices.bytes, small] as const, [output.bytes, large] as const];
  for (const { N, of } of imageWindows(device, "scatter-place", outer, operands, "rows")) {
    device.launch(sources["scatter-place"], {
      dims: { n: N * large, K: count, R: length, inner },
      buffers: { indices: of(indices, small), order: of(order ?? indices, small), output: of(output, large) },
      constants: { SORTED: String(sorted) },
      groups: grid(N * large, 64),
    });
  }
  order?.release();
}
