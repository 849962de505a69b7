/** What conv2d and its gradients share: their numbers, windows of images, and the launch of the kernel behind two of them. */
import type { Device } from "./device.js";
import type { Binding, Epilogue } from "./dispatcher.js";
import { rectified } from "./elementwise.js";
import { forcedGemmVersion, lanesToUse } from "./gemm.js";
import * as sources from "./generated.js";
import type { DimsOf } from "./kernel.js";
import { groupTiles, laneTiles } from "./tiles.js";

/** All numbers of a convolution. */
export interface Conv2dGeometry {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly KH: number;
  readonly KW: number;
  readonly OH: number;
  readonly OW: number;
  readonly O: number;
  readonly groups: number;
  /** Down, across. */
  readonly stride: readonly [number, number];
  /** Down, across. */
  readonly dilation: readonly [number, number];
  /** Zeros before the first line, and before the first pixel of a line; those after the last follow from OH and OW. */
  readonly before: readonly [number, number];
}

/** Groups with fewer channels than this, in or out, leave a tile of a matrix product mostly empty. */
const leastGroupChannels = 8;

/** Whether the plain kernels run. */
export function runsDirect(device: Device, { C, O, groups }: Conv2dGeometry): boolean {
  const version = forcedGemmVersion(device);
  if (version !== null) return version === "direct";
  return groups > 1 && Math.min(C, O) / groups < leastGroupChannels;
}

/** The geometry as the plain kernels' uniforms. */
export function directDims(g: Conv2dGeometry) {
  return {
    ...{ N: g.N, H: g.H, W: g.W, C: g.C, KH: g.KH, KW: g.KW, OH: g.OH, OW: g.OW, O: g.O, groups: g.groups },
    ...{ stride_y: g.stride[0], stride_x: g.stride[1], dilation_y: g.dilation[0], dilation_x: g.dilation[1] },
    ...{ top: g.before[0], left: g.before[1] },
  };
}

/** A product of the kernel `conv2d`: all its uniforms. */
export type Product = DimsOf<typeof sources.conv2d> & Readonly<Record<ProductSize, number>>;
type ProductSize = "images" | "H" | "W" | "columns" | "phases_y" | "phases_x";

/** The bindings of the kernel `conv2d`. */
export interface ProductBuffers {
  readonly source: Binding;
  readonly weight: Binding;
  readonly bias: Binding;
  readonly output: Binding;
}

/** What conv2d's kernels can do with their results where one dispatch makes all of them. */
export const ending = (whole: boolean): { readonly epilogue?: Epilogue } =>
  whole ? { epilogue: { expression: rectified, dims: { rectify: 1 } } } : {};

/** Records one product of the kernel `conv2d`, in the version and tiles that fit. */
export function launchProduct(
  device: Device,
  dims: Product,
  buffers: ProductBuffers,
  groups: number,
  end: { readonly epilogue?: Epilogue },
): void {
  const { images, H, W, columns, phases_y, phases_x } = dims;
  // The first phase has the most rows.
  const rows = images * Math.ceil(H / phases_y) * Math.ceil(W / phases_x);
  const z = phases_y * phases_x * groups;
  const lanes = lanesToUse(device);
  if (lanes === null) {
    const tiles = groupTiles(device, "conv2d", rows, columns);
    device.launch(sources.conv2d, { dims, buffers, constants: tiles.constants, groups: [...tiles.groups, z], ...end });
    return;
  }
  const { constants, groups: tiles } = laneTiles(device, "conv2d", lanes, rows, columns);
  device.launch(sources["conv2d-lane"], { dims, buffers, constants, groups: [...tiles, z], ...end });
}
