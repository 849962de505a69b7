/** Dispatch of the random generator and of dropout, which draws in its own kernel. */
import type { Device } from "./device.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { blockWindows } from "./windows.js";

/** Words of a stream: key (2), counter (4), low words first. */
export const streamWords = 6;

/** Blocks of 4 numbers that `count` numbers take from a stream. */
export const blocksOf = (count: number) => Math.ceil(count / 4);

/** What a word of the stream becomes: element type and WGSL expression. */
const distributions = {
  bits: { OUT: "u32", draw: "word" },
  uniform: { OUT: "f32", draw: "uniform_number(word)" },
  normal: { OUT: "f32", draw: "dims.low + dims.scale * normal_number(word)" },
  truncatedNormal: { OUT: "f32", draw: "dims.low + dims.scale * truncated_number(word)" },
  integers: { OUT: "i32", draw: "dims.low_int + i32(multiply_high(word, dims.range))" },
  bernoulli: { OUT: "u32", draw: "select(0u, 1u, unit(word) < dims.scale)" },
} as const;

/** The distributions there are. */
export type Distribution = keyof typeof distributions;

/** A distribution's numbers; those it does not name are 0. */
export interface DistributionParameters {
  /** Lower end, or mean. */
  readonly low?: number;
  /** Width, standard deviation, or probability. */
  readonly scale?: number;
  readonly lowInt?: number;
  /** Number of integers, below 2^32. */
  readonly range?: number;
}

/** Copies a generator's state to `stream` and moves its counter on by `blocks`. */
export function randomAdvance(device: Device, state: Storage, stream: Storage, blocks: number): void {
  device.launch(sources["random-advance"], { dims: { blocks }, buffers: { state, stream }, groups: [1] });
}

/** Fills `output` with `count` numbers of the stream. */
export function random(
  device: Device,
  distribution: Distribution,
  { low = 0, scale = 0, lowInt = 0, range = 0 }: DistributionParameters,
  stream: Storage,
  output: Storage,
  count: number,
): void {
  for (const { first, blocks, offset, bytes } of blockWindows(device, count)) {
    device.launch(sources.random, {
      dims: { blocks, first, low, scale, low_int: lowInt, range },
      buffers: { stream, output: { storage: output, offset, bytes } },
      constants: distributions[distribution],
      groups: grid(blocks, 64),
    });
  }
}

/** Zeroes elements of `x` where the stream's numbers in [0, 1) are below `rate`, and divides the others by 1 - rate. */
export function dropout(
  device: Device,
  x: Storage,
  stream: Storage,
  output: Storage,
  { count, rate }: { count: number; rate: number },
): void {
  for (const { first, blocks, offset, bytes } of blockWindows(device, count)) {
    device.launch(sources.dropout, {
      dims: { blocks, first, rate, scale: 1 / (1 - rate) },
      buffers: { x: { storage: x, offset, bytes }, stream, output: { storage: output, offset, bytes } },
      groups: grid(blocks, 64),
    });
  }
}
