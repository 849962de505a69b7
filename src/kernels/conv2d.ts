/** Dispatch of conv2d and of its input gradient, which are one kernel: see `wgsl/conv2d.wgsl`. */
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { forcedGemmVersion, lanesToUse, tileDepth } from "./gemm.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

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

/** A product of the kernel `conv2d`: everything in its uniforms that is not a tile size. */
type Product = Readonly<Record<ProductField, number>>;
type ProductField =
  | (
      | "rows"
      | "PH"
      | "PW"
      | "columns"
      | "SH"
      | "line"
      | "SC"
      | "step_y"
      | "step_x"
      | "base_y"
      | "base_x"
      | "taps_y"
      | "taps_x"
    )
  | (
      | "tap_y"
      | "tap_x"
      | "run"
      | "weight_offset"
      | "weight_y"
      | "weight_x"
      | "weight_k"
      | "weight_column"
      | "weight_group"
    )
  | ("output_offset" | "output_image" | "output_y" | "output_x" | "has_bias");

interface Buffers {
  readonly source: Binding;
  readonly weight: Binding;
  readonly bias: Binding;
  readonly output: Binding;
}

function launchProduct(device: Device, dims: Product, buffers: Buffers, groups: number): void {
  const { rows, columns } = dims;
  const lanes = lanesToUse(device);
  if (lanes === null) {
    const TM = rows <= 16 ? 1 : 4;
    const TN = columns <= 16 && rows > 16 ? 1 : 4;
    const [x, y] = grid(Math.ceil(rows / (16 * TM)) * Math.ceil(columns / (16 * TN)), 1);
    device.launch(sources.conv2d, {
      dims,
      buffers,
      constants: { TM, TN, DEPTH: tileDepth(device) },
      groups: [x, y, groups],
    });
    return;
  }
  const strips = 16 / lanes;
  const perLane = columns <= lanes ? 1 : 4;
  const [x, y] = grid(Math.ceil(rows / (strips * lanes)) * Math.ceil(columns / (perLane * lanes)), 1);
  device.launch(sources["conv2d-lane"], {
    dims,
    buffers,
    constants: { LANES: lanes, STRIPS: strips, COLUMNS: perLane },
    groups: [x, y, groups],
  });
}

/** Records `output[N, OH, OW, O] = conv2d(input, weight) + bias`. */
export function conv2d(
  device: Device,
  geometry: Conv2dGeometry,
  { input, weight, bias, output }: { input: Storage; weight: Storage; bias: Storage | null; output: Storage },
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, groups } = geometry;
  if (N * OH * OW * O === 0) return;
  // The kernels want some binding where there is no bias.
  const shift = bias ?? { storage: weight, offset: 0, bytes: 256 };
  const has_bias = bias ? 1 : 0;
  if (runsDirect(device, geometry)) {
    device.launch(sources["conv2d-direct"], {
      dims: { ...directDims(geometry), has_bias },
      buffers: { input, weight, bias: shift, output },
      groups: grid(N * OH * OW * O, 64),
    });
    return;
  }
  const channels = C / groups;
  const [strideY, strideX] = geometry.stride;
  const [dilationY, dilationX] = geometry.dilation;
  // The taps of a kernel row lie next to each other in memory, in the input as in the weight: one long run wastes less of a
  // loop that takes several at a time.
  const merged = dilationX === 1 && groups === 1;
  const dims: Product = {
    ...{ rows: N * OH * OW, PH: OH, PW: OW, columns: O / groups, SH: H, line: W * C, SC: C },
    ...{ step_y: strideY, step_x: strideX, base_y: -geometry.before[0], base_x: -geometry.before[1] },
    ...{
      taps_y: KH,
      taps_x: merged ? 1 : KW,
      tap_y: dilationY,
      tap_x: dilationX,
      run: merged ? KW * channels : channels,
    },
    ...{ weight_offset: 0, weight_y: KW * channels * O, weight_x: channels * O, weight_k: O, weight_column: 1 },
    ...{
      weight_group: O / groups,
      output_offset: 0,
      output_image: OH * OW * O,
      output_y: OW * O,
      output_x: O,
      has_bias,
    },
  };
  launchProduct(
    device,
    channels === 0 ? { ...dims, taps_y: 0 } : dims,
    { source: input, weight, bias: shift, output },
    groups,
  );
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The taps of one axis that reach input positions `residue`, `residue + stride`, ..., as a correlation of step 1 over the outputs. */
interface ResidueTaps {
  /** Input positions of this residue. */
  readonly positions: number;
  /** First tap, distance to the next, how many. */
  readonly first: number;
  readonly step: number;
  readonly count: number;
  /** Output that the first position sees through the first tap; each further tap sees `back` outputs before. */
  readonly base: number;
  readonly back: number;
}

/** Tap k of position y = residue + stride * j reaches output (y + before - k * dilation) / stride, where that is whole. */
function residueTaps(
  residue: number,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  before: number,
): ResidueTaps {
  const step = stride / gcd(stride, dilation);
  const reaches = (k: number) => (residue + before - k * dilation) % stride === 0;
  let first = 0;
  while (first < Math.min(step, kernel) && !reaches(first)) first++;
  const count = first < Math.min(step, kernel) ? Math.ceil((kernel - first) / step) : 0;
  return {
    positions: Math.ceil((size - residue) / stride),
    first,
    step,
    count,
    base: count > 0 ? (residue + before - first * dilation) / stride : 0,
    back: (step * dilation) / stride,
  };
}

/** Records `output[N, H, W, C]`, the gradient of `conv2d` with respect to its input. */
export function conv2dGradInput(
  device: Device,
  geometry: Conv2dGeometry,
  { gradOutput, weight, output }: { gradOutput: Storage; weight: Storage; output: Storage },
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, groups, stride, dilation, before } = geometry;
  if (N * H * W * C === 0) return;
  if (runsDirect(device, geometry)) {
    device.launch(sources["conv2d-grad-input-direct"], {
      dims: directDims(geometry),
      buffers: { grad_output: gradOutput, weight, output },
      groups: grid(N * H * W * C, 64),
    });
    return;
  }
  const channels = C / groups;
  const noBias = { storage: weight, offset: 0, bytes: 256 };
  for (let residueY = 0; residueY < Math.min(stride[0], H); residueY++) {
    for (let residueX = 0; residueX < Math.min(stride[1], W); residueX++) {
      const y = residueTaps(residueY, H, KH, stride[0], dilation[0], before[0]);
      const x = residueTaps(residueX, W, KW, stride[1], dilation[1], before[1]);
      const dims: Product = {
        ...{ rows: N * y.positions * x.positions, PH: y.positions, PW: x.positions, columns: channels },
        ...{ SH: OH, line: OW * O, SC: O, step_y: 1, step_x: 1, base_y: y.base, base_x: x.base },
        ...{ taps_y: O === 0 ? 0 : y.count, taps_x: x.count, tap_y: -y.back, tap_x: -x.back, run: O / groups },
        ...{ weight_offset: (y.first * KW + x.first) * channels * O, weight_y: y.step * KW * channels * O },
        ...{ weight_x: x.step * channels * O, weight_k: 1, weight_column: O, weight_group: O / groups },
        ...{ output_offset: (residueY * W + residueX) * C, output_image: H * W * C, output_y: stride[0] * W * C },
        ...{ output_x: stride[1] * C, has_bias: 0 },
      };
      launchProduct(device, dims, { source: gradOutput, weight, bias: noBias, output }, groups);
    }
  }
}
