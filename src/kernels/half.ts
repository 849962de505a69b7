/** Dispatch of the conversions between f32 and f16, in windows of what one binding holds. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

/** A conversion of `count` elements. */
export interface HalfLaunch {
  readonly input: Storage;
  readonly output: Storage;
  readonly count: number;
}

/** Elements of which both sides begin at a multiple of 256 bytes. */
const granularity = 128;

const bound = (storage: Storage, first: number, count: number, bytesEach: number) => ({
  storage,
  offset: first * bytesEach,
  bytes: Math.ceil((count * bytesEach) / 256) * 256,
});

function convert(device: Device, kind: "widen" | "narrow", { input, output, count }: HalfLaunch): void {
  const step = Math.floor(device.adapter.maxBindingBytes / (4 * granularity)) * granularity;
  const [from, to] = kind === "widen" ? [2, 4] : [4, 2];
  for (let first = 0; first < count; first += step) {
    const n = Math.min(step, count - first);
    device.launch(kind === "widen" ? sources.widen : sources.narrow, {
      dims: { n },
      buffers: { input: bound(input, first, n, from), output: bound(output, first, n, to) },
      groups: grid(Math.ceil(n / 2), 64),
    });
  }
}

/** f16 to f32, exactly. */
export const widen = (device: Device, launch: HalfLaunch): void => convert(device, "widen", launch);

/** f32 to the nearest f16, ties to even. */
export const narrow = (device: Device, launch: HalfLaunch): void => convert(device, "narrow", launch);
