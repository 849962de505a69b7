/** Dispatch of conv2d's weight gradient: a matrix product over the pixels, split and summed where there are many of them. */
import { type Conv2dGeometry, directDims, runsDirect } from "./conv2d-product.js";
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { lanesToUse, type Split, splitSum, sumSlices } from "./gemm.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { groupTiles, laneTiles } from "./tiles.js";
import { imageWindows } from "./windows.js";

interface Buffers {
  readonly input: Binding;
  readonly grad_output: Binding;
  readonly output: Binding;
}

/** A part of the pixels' sum: how it is cut, and where its slices start in the result. */
interface Part extends Split {
  readonly outputOffset: number;
}

/** Records `output[KH, KW, C / groups, O]`, the gradient of `conv2d` with respect to its weight. */
export function conv2dGradWeight(
  device: Device,
  geometry: Conv2dGeometry,
  { input, gradOutput, output }: { input: Storage; gradOutput: Storage; output: Storage },
): void {
  const { H, W, C, KH, KW, OH, OW, O, groups } = geometry;
  const weights = (KH * KW * C * O) / groups;
  if (weights === 0) return;
  const windows = imageWindows(device, "conv2dGradWeight", geometry.N, [
    [input.bytes, H * W * C],
    [gradOutput.bytes, OH * OW * O],
  ]);
  const splits = windows.map(({ N }) => {
    const { pixels } = productSize(device, { ...geometry, N });
    // Splits and groups share an axis of the grid.
    return splitSum(device, tileCount(device, geometry), pixels, weights, Math.floor(65535 / groups));
  });
  const slices = splits.reduce((total, split) => total + split.splits, 0);
  sumSlices(device, output, slices, weights, (target) => {
    let slice = 0;
    windows.forEach((window, i) => {
      const split = splits[i] as Split;
      const buffers = {
        input: window.of(input, H * W * C),
        grad_output: window.of(gradOutput, OH * OW * O),
        output: target,
      };
      dispatch(device, { ...geometry, N: window.N }, buffers, { ...split, outputOffset: slice * weights });
      slice += split.splits;
    });
  });
}

/** Rows are (tap, channel of the one operand), columns channels of the other; see `isSwapped`. */
function productSize(device: Device, geometry: Conv2dGeometry): { rows: number; columns: number; pixels: number } {
  const { N, H, W, C, KH, KW, OH, OW, O, groups } = geometry;
  if (isSwapped(device, geometry)) return { rows: KH * KW * O, columns: C, pixels: N * H * W };
  return { rows: (KH * KW * C) / groups, columns: O / groups, pixels: N * OH * OW };
}

/** Work of a product in units of full lanes: tiles are 16 rows by 32 columns, or 16, which is less efficient. */
const cost = (rows: number, columns: number) =>
  Math.ceil(rows / 16) * (columns <= 16 ? 1.4 : 2 * Math.ceil(columns / 32));

/**
 * Whether the taps go with the outputs: `sum over input pixels q of x[q, c] * gradOutput[q - tap, o]`. The same sum, in a better
 * shape where there are few outputs; with a stride, `q - tap` would not always be an output.
 */
function isSwapped(device: Device, geometry: Conv2dGeometry): boolean {
  const { C, KH, KW, O, groups, stride } = geometry;
  if (runsDirect(device, geometry)) return false;
  return groups === 1 && stride[0] === 1 && stride[1] === 1 && cost(KH * KW * O, C) < cost(KH * KW * C, O);
}

/** Workgroups of one slice, in tiles of the smallest size: which tile runs must not change how the sum is cut. */
function tileCount(device: Device, geometry: Conv2dGeometry): number {
  const { rows, columns } = productSize(device, geometry);
  if (runsDirect(device, geometry)) return Math.ceil((rows * geometry.O) / 64);
  const lanes = lanesToUse(device);
  const [tileRows, tileColumns] = lanes ? [16, 4 * lanes] : [64, 64];
  return Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns) * geometry.groups;
}

function dispatch(device: Device, geometry: Conv2dGeometry, buffers: Buffers, part: Part): void {
  const lanes = lanesToUse(device);
  if (runsDirect(device, geometry)) launchDirect(device, geometry, buffers, part);
  else if (lanes) launchLane(device, geometry, buffers, part, lanes);
  else launchTile(device, geometry, buffers, part);
}

function launchDirect(device: Device, geometry: Conv2dGeometry, buffers: Buffers, part: Part): void {
  const { C, KH, KW, O, groups } = geometry;
  const { splits, chunk, outputOffset } = part;
  device.launch(sources["conv2d-grad-weight-direct"], {
    dims: { ...directDims(geometry), chunk, splits, output_offset: outputOffset },
    buffers,
    groups: grid((splits * KH * KW * C * O) / groups, 64),
  });
}

/** Uniforms and bindings that both versions share. */
function product(device: Device, g: Conv2dGeometry, buffers: Buffers, { chunk, outputOffset }: Part) {
  const { H, W, C, KW, OH, OW, O, groups } = g;
  const [dilationY, dilationX] = g.dilation;
  const common = {
    ...{
      ...productSize(device, g),
      groups,
      KW,
      chunk,
      output_offset: outputOffset,
      slice: (g.KH * KW * C * O) / groups,
    },
    ...{ stride_y: g.stride[0], stride_x: g.stride[1], output_tap: (C / groups) * O },
  };
  if (isSwapped(device, g)) {
    const swapped = { input: buffers.grad_output, grad_output: buffers.input, output: buffers.output };
    const dims = {
      ...{ ...common, channels: O, H: OH, line: OW * O, C: O, OH: H, OW: W, O: C },
      ...{ dilation_y: -dilationY, dilation_x: -dilationX, top: -g.before[0], left: -g.before[1] },
      ...{ output_row: 1, output_column: O },
    };
    return { dims, buffers: swapped };
  }
  const dims = {
    ...{ ...common, channels: C / groups, H, line: W * C, C, OH, OW, O },
    ...{ dilation_y: dilationY, dilation_x: dilationX, top: g.before[0], left: g.before[1] },
    ...{ output_row: O, output_column: 1 },
  };
  return { dims, buffers };
}

function launchLane(device: Device, geometry: Conv2dGeometry, buffers: Buffers, part: Part, lanes: number): void {
  const { dims, buffers: bound } = product(device, geometry, buffers, part);
  const { constants, groups } = laneTiles(device, "conv2d-grad-weight", lanes, dims.rows, dims.columns);
  device.launch(sources["conv2d-grad-weight-lane"], {
    dims,
    buffers: bound,
    constants,
    groups: [...groups, part.splits * geometry.groups],
  });
}

function launchTile(device: Device, geometry: Conv2dGeometry, buffers: Buffers, part: Part): void {
  const { dims, buffers: bound } = product(device, geometry, buffers, part);
  const { OH, OW } = dims;
  const { constants, groups } = groupTiles(device, "conv2d-grad-weight", dims.rows, dims.columns);
  const tilePixels = 16;
  device.launch(sources["conv2d-grad-weight"], {
    dims: {
      ...dims,
      turn_n: Math.floor(tilePixels / Math.max(OW * OH, 1)),
      turn_y: Math.floor(tilePixels / Math.max(OW, 1)) % Math.max(OH, 1),
      turn_x: tilePixels % Math.max(OW, 1),
    },
    buffers: bound,
    constants,
    groups: [...groups, part.splits * geometry.groups],
  });
}
