/** Windows over large buffers: the parts of a flat array that one binding can hold. */
import type { Device } from "./device.js";

/** A part of a flat array of 32-bit elements that kernels walk in blocks of 4 (vec4). */
export interface BlockWindow {
  /** Number of the first block. */
  readonly first: number;
  readonly blocks: number;
  /** Byte offset and length, multiples of 256. */
  readonly offset: number;
  readonly bytes: number;
}

/** Windows over `count` elements, as large as the adapter allows a binding; none for no elements. */
export function blockWindows(device: Device, count: number): BlockWindow[] {
  const total = Math.ceil(count / 4);
  const step = Math.floor(device.adapter.maxBindingBytes / 256) * 16;
  const parts: BlockWindow[] = [];
  for (let first = 0; first < total; first += step) {
    const blocks = Math.min(step, total - first);
    parts.push({ first, blocks, offset: first * 16, bytes: Math.ceil(blocks / 16) * 256 });
  }
  return parts;
}
