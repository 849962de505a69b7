/** Dispatch of conv2d's weight gradient: a matrix product over the pixels, split and summed where there are many of them. */
import { type Conv2dGeometry, directDims, imageWindows, runsDirect } from "./conv2d-product.js";
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import { lanesToUse, type Split, splitSum, sumSlices, tileDepth } from "./gemm.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

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
  const { N, H, W, C, KH, KW, OH, OW, O, groups } = geometry;
  const weights = (KH * KW * C * O) / groups;
  if (weights === 0) return;
  const windows = imageWindows(device, "conv2dGradWeight", N, [
    [input, H * W * C],
    [gradOutput, OH * OW * O],
  ]);
  const splits = windows.map((window) => splitSum(device, tileCount(device, geometry), window.N * OH * OW, weights));
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

/** Workgroups of one slice. */
function tileCount(device: Device, geometry: Conv2dGeometry): number {
  const { C, KH, KW, O, groups } = geometry;
  const rows = (KH * KW * C) / groups;
  const columns = O / groups;
  if (runsDirect(device, geometry)) return Math.ceil((rows * O) / 64);
  const lanes = lanesToUse(device);
  if (lanes) return Math.ceil(rows / 16) * Math.ceil(columns / (4 * lanes)) * groups;
  return Math.ceil(rows / 64) * Math.ceil(columns / 64) * groups;
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

/** The uniforms that both versions share. */
function productDims(g: Conv2dGeometry, { chunk, outputOffset }: Part) {
  const { N, H, W, C, KH, KW, OH, OW, O, groups } = g;
  const { stride_y, stride_x, dilation_y, dilation_x, top, left } = directDims(g);
  const channels = C / groups;
  return {
    ...{ rows: KH * KW * channels, columns: O / groups, channels, groups, KW, H, line: W * C, C, OH, OW, O },
    ...{
      stride_y,
      stride_x,
      dilation_y,
      dilation_x,
      top,
      left,
      pixels: N * OH * OW,
      chunk,
      output_offset: outputOffset,
    },
  };
}

function launchLane(device: Device, geometry: Conv2dGeometry, buffers: Buffers, part: Part, lanes: number): void {
  const dims = productDims(geometry, part);
  const strips = 16 / lanes;
  const perLane = dims.columns <= lanes ? 1 : 4;
  const [x, y] = grid(Math.ceil(dims.rows / (strips * lanes)) * Math.ceil(dims.columns / (perLane * lanes)), 1);
  device.launch(sources["conv2d-grad-weight-lane"], {
    dims,
    buffers,
    constants: { LANES: lanes, STRIPS: strips, COLUMNS: perLane },
    groups: [x, y, part.splits * geometry.groups],
  });
}

function launchTile(device: Device, geometry: Conv2dGeometry, buffers: Buffers, part: Part): void {
  const { OH, OW, groups } = geometry;
  const dims = productDims(geometry, part);
  const TM = dims.rows <= 16 ? 1 : 4;
  const TN = dims.columns <= 16 && dims.rows > 16 ? 1 : 4;
  const [x, y] = grid(Math.ceil(dims.rows / (16 * TM)) * Math.ceil(dims.columns / (16 * TN)), 1);
  const turn = 16;
  device.launch(sources["conv2d-grad-weight"], {
    dims: {
      ...dims,
      turn_n: Math.floor(turn / Math.max(OW * OH, 1)),
      turn_y: Math.floor(turn / Math.max(OW, 1)) % Math.max(OH, 1),
      turn_x: turn % Math.max(OW, 1),
    },
    buffers,
    constants: { TM, TN, DEPTH: tileDepth(device) },
    groups: [x, y, part.splits * groups],
  });
}
