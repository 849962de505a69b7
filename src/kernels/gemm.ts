/** What the matrix-product kernels (matmul, conv2d and its gradients) have in common: which version runs, tiles and splits. */
import type { Device } from "./device.js";
import { elementwise } from "./elementwise.js";
import { DeviceError } from "./errors.js";
import { reduce } from "./reduce.js";
import type { Storage } from "./storage.js";

/**
 * The versions of a matrix-product kernel: `"lane"` broadcasts within subgroups of one fixed size (software Vulkan), `"tile"`
 * shares tiles through workgroup memory (GPUs), `"direct"` is one invocation an output (few channels a group; reference).
 */
export type GemmVersion = "lane" | "tile" | "direct";

const forced = new WeakMap<Device, GemmVersion>();

/** Makes every matrix product of a device run one version, so that tests reach all of them on any adapter; `null` goes back to the choice by adapter and shape. */
export function forceGemmVersion(device: Device, version: GemmVersion | null): void {
  if (version === "lane" && laneCount(device) === null) {
    throw new DeviceError(`gemm: the lane version needs subgroups of 4 or 8 lanes, got ${device.adapter.subgroupSize}`);
  }
  if (version === null) forced.delete(device);
  else forced.set(device, version);
}

/** The version that is forced, if any. */
export function forcedGemmVersion(device: Device): GemmVersion | null {
  return forced.get(device) ?? null;
}

/** Lanes of a subgroup, where the lane version can run. */
function laneCount(device: Device): number | null {
  const { subgroupSize } = device.adapter;
  return subgroupSize === 4 || subgroupSize === 8 ? subgroupSize : null;
}

/** Lanes of the lane version when it should run, else `null`: on a GPU one subgroup a workgroup wastes bandwidth. */
export function lanesToUse(device: Device): number | null {
  const version = forced.get(device);
  if (version === "tile") return null;
  return device.adapter.software || version === "lane" ? laneCount(device) : null;
}

/** How a sum over `length` is cut into `splits` parts of `chunk` terms (the last may be shorter). */
export interface Split {
  readonly splits: number;
  /** A multiple of 4. */
  readonly chunk: number;
}

/**
 * Fewest terms a part is worth having for, and most terms that one f32 accumulator adds up in order: the rounding error of a sum grows
 * with their root, and that of an accumulator of 384 terms stays within a few times that of the blocked sums of CPU libraries.
 */
const leastChunk = 256;
const mostChunk = 384;
/** Most memory for the parts of a sum that is cut for rounding's sake. */
const mostPartialBytes = 2 ** 26;

/**
 * Cuts a long sum, so that all cores have work where the output is small, and so that rounding stays small.
 *
 * @param tiles - Workgroups without a split.
 * @param outputs - Elements of the result, of which there will be one slice a part.
 * @param mostParts - Default: as many as a grid has workgroups along one axis.
 */
export function splitSum(device: Device, tiles: number, length: number, outputs: number, mostParts = 65535): Split {
  const wantedTiles = device.adapter.software ? 32 : 512;
  const forWork = Math.min(Math.ceil(wantedTiles / Math.max(tiles, 1)), Math.floor(length / leastChunk));
  const forRounding = Math.ceil(length / mostChunk);
  const memory = Math.floor(Math.min(device.adapter.maxBindingBytes, mostPartialBytes) / (4 * Math.max(outputs, 1)));
  const wanted = Math.max(1, Math.min(Math.max(forWork, forRounding), memory, mostParts));
  const chunk = Math.max(4, Math.ceil(length / wanted / 4) * 4);
  return { splits: Math.max(1, Math.ceil(length / chunk)), chunk };
}

/** Runs `body` with room for `slices` partial results of `outputs` elements, and adds them up in `output`; with one slice, straight into `output`. */
export function sumSlices(
  device: Device,
  output: Storage,
  slices: number,
  outputs: number,
  body: (target: Storage) => void,
): void {
  if (slices === 1) {
    body(output);
    return;
  }
  const partial = device.allocate(slices * outputs * 4, "gemm/partial");
  body(partial);
  reduce(device, "sum", partial, output, { outer: 1, length: slices, inner: outputs });
  partial.release();
}

/**
 * Adds up results of `outputs` elements that are too large to lie side by side in one binding: `body` records part `part` into
 * `target`, and each is added, in windows, to the sum of those before it.
 */
export function sumParts(
  device: Device,
  output: Storage,
  parts: number,
  outputs: number,
  body: (target: Storage, part: number) => void,
): void {
  const room = () => device.allocate(outputs * 4, "gemm/part");
  const input = (storage: Storage) => ({ storage, shape: [outputs], type: "f32" }) as const;
  let sum = room();
  body(sum, 0);
  for (let part = 1; part < parts; part++) {
    const next = room();
    body(next, part);
    const total = part === parts - 1 ? output : room();
    const inputs = [input(sum), input(next)];
    elementwise(device, { expression: "x + y", inputs, output: total, outputType: "f32", shape: [outputs] });
    sum.release();
    next.release();
    sum = total;
  }
}
