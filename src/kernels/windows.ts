/** Windows over large buffers: the parts of a flat array that one binding can hold. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { DeviceError } from "./errors.js";
import type { Storage } from "./storage.js";

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

/** Images that one dispatch works on, and the part of a storage that holds them. */
export interface ImageWindow {
  readonly N: number;
  /** The images' part of a storage with so many elements an image. */
  of(storage: Storage, elements: number): Binding;
}

/** Images in the largest window of a batch, and 0 where the least number that starts at a multiple of 256 bytes does not fit. */
function windowSize(device: Device, tensors: readonly (readonly [bytes: number, elements: number])[]) {
  // 64 elements are 256 bytes: with an odd number of elements an image, only every 64th image starts there.
  const granularity = Math.max(...tensors.map(([, elements]) => 64 / gcd(64, elements)));
  const fits = Math.min(...tensors.map(([, elements]) => Math.floor(device.adapter.maxBindingBytes / (4 * elements))));
  return { granularity, step: Math.floor(fits / granularity) * granularity };
}

/** Whether `imageWindows` can cut such tensors. */
export const windowsFit = (device: Device, tensors: readonly (readonly [bytes: number, elements: number])[]): boolean =>
  tensors.every(([bytes]) => bytes <= device.adapter.maxBindingBytes) || windowSize(device, tensors).step > 0;

/**
 * Cuts a batch into windows whose tensors each fit one binding; one window when everything does.
 *
 * @param tensors - Bytes of every tensor with a batch axis, and its elements an image.
 * @param unit - What the entries of the batch are called in the error.
 * @throws {DeviceError} when the least number of images that starts at a multiple of 256 bytes does not fit.
 */
export function imageWindows(
  device: Device,
  op: string,
  N: number,
  tensors: readonly (readonly [bytes: number, elements: number])[],
  unit = "images",
): ImageWindow[] {
  const limit = device.adapter.maxBindingBytes;
  if (tensors.every(([bytes]) => bytes <= limit)) return [{ N, of: (storage) => storage }];
  const { granularity, step } = windowSize(device, tensors);
  if (step === 0) {
    const largest = Math.max(...tensors.map(([, elements]) => 4 * elements * granularity));
    throw new DeviceError(
      `${op}: ${granularity} ${unit} need a binding of ${largest} bytes, but this adapter allows ${limit}; use smaller ${unit}`,
    );
  }
  return Array.from({ length: Math.ceil(N / step) }, (_, i) => {
    const count = Math.min(step, N - i * step);
    return {
      N: count,
      of: (storage, elements) => ({
        storage,
        offset: i * step * elements * 4,
        bytes: Math.ceil((count * elements * 4) / 256) * 256,
      }),
    };
  });
}

/** Greatest common divisor. */
export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
