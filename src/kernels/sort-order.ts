/** Dispatch of the merge sort: blocks, then passes that join runs two by two. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { ElementType, ReductionSize } from "./reduce.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

const blockSize = 32;

/** What to sort by. */
export interface SortKeys {
  readonly storage: Storage;
  readonly type: ElementType;
  readonly descending: boolean;
}

function beforeOf({ type, descending }: SortKeys): string {
  const [a, b] = descending ? ["b", "a"] : ["a", "b"];
  return type === "f32" ? `!is_nan(${a}) && (is_nan(${b}) || ${a} < ${b})` : `${a} < ${b}`;
}

/** Writes the places along the middle axis of `size` in sorted order, as u32; equal ones keep their order. */
export function sortOrder(device: Device, keys: SortKeys, output: Storage, size: ReductionSize): void {
  const perRow = size.length * size.inner;
  const constants = { T: keys.type, before: beforeOf(keys) };
  const operands = [[keys.storage.bytes, perRow] as const, [output.bytes, perRow] as const];
  for (const { N, of } of imageWindows(device, "sort-order", size.outer, operands, "rows"))
    passes(device, constants, of(keys.storage, perRow), of(output, perRow), { ...size, outer: N });
}

function passes(
  device: Device,
  constants: { T: string; before: string },
  keys: Binding,
  output: Binding,
  { outer, length, inner }: ReductionSize,
): void {
  const n = outer * length * inner;
  let order: Storage | null = null;
  for (let width = blockSize; ; width *= 2) {
    const merged: number = order === null ? width : 2 * width;
    const next: Storage | null = merged >= length ? null : device.allocate(n * 4, "sort-order/partial");
    device.launch(sources["sort-order"], {
      dims: { n, L: length, inner, width },
      buffers: { keys, order: order ?? keys, output: next ?? output },
      constants: { ...constants, MERGE: String(order !== null) },
      groups: grid(n, 64),
    });
    order?.release();
    if (next === null) return;
    // The first pass only sorts blocks: the second joins those of the same width.
    if (order === null) width /= 2;
    order = next;
  }
}
