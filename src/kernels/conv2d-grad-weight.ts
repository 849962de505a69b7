/** Dispatch of conv2d's weight gradient: a matrix product over the pixels, split and summed where there are many of them. */
import { type Conv2dGeometry, directDims, runsDirect } from "./conv2d.js";
import type { Device } from "./device.js";
import { lanesToUse, splitSum, sumSlices, tileDepth } from "./gemm.js";
import { sources } from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";

interface Buffers {
  readonly input: Storage;
  readonly grad_output: Storage;
  readonly output: Storage;
}

/** Records `output[KH, KW, C / groups, O]`, the gradient of `conv2d` with respect to its weight. */
export function conv2dGradWeight(
  device: Device,
  geometry: Conv2dGeometry,
  { input, gradOutput, output }: { input: Storage; gradOutput: Storage; output: Storage },
): void {
  const { N, C, KH, KW, OH, OW, O, groups } = geometry;
  const pixels = N * OH * OW;
  const rows = (KH * KW * C) / groups;
  const columns = O / groups;
  if (rows * columns === 0) return;
  const buffers = { input, grad_output: gradOutput, output };
  if (runsDirect(device, geometry)) {
    const { splits, chunk } = splitSum(device, Math.ceil((rows * O) / 64), pixels, rows * O);
    sumSlices(device, output, splits, rows * O, (target) => {
      device.launch(sources["conv2d-grad-weight-direct"], {
        dims: { ...directDims(geometry), chunk, splits, output_offset: 0 },
        buffers: { ...buffers, output: target },
        groups: grid(splits * rows * O, 64),
      });
    });
    return;
  }
  const lanes = lanesToUse(device);
  const tiles = lanes
    ? Math.ceil(rows / 16) * Math.ceil(columns / (4 * lanes))
    : Math.ceil(rows / 64) * Math.ceil(columns / 64);
  const { splits, chunk } = splitSum(device, tiles * groups, pixels, rows * O);
  sumSlices(device, output, splits, rows * O, (target) => {
    const filled = { ...buffers, output: target };
    if (lanes) launchLane(device, geometry, filled, { lanes, splits, chunk });
    else launchTile(device, geometry, filled, { splits, chunk });
  });
}

/** The uniforms that both versions share. */
function productDims(g: Conv2dGeometry, chunk: number) {
  const { N, H, W, C, KH, KW, OH, OW, O, groups } = g;
  const { stride_y, stride_x, dilation_y, dilation_x, top, left } = directDims(g);
  const channels = C / groups;
  return {
    ...{ rows: KH * KW * channels, columns: O / groups, channels, groups, KW, H, line: W * C, C, OH, OW, O },
    ...{ stride_y, stride_x, dilation_y, dilation_x, top, left, pixels: N * OH * OW, chunk, output_offset: 0 },
  };
}

function launchLane(
  device: Device,
  geometry: Conv2dGeometry,
  buffers: Buffers,
  { lanes, splits, chunk }: { lanes: number; splits: number; chunk: number },
): void {
  const dims = productDims(geometry, chunk);
  const strips = 16 / lanes;
  const perLane = dims.columns <= lanes ? 1 : 4;
  const [x, y] = grid(Math.ceil(dims.rows / (strips * lanes)) * Math.ceil(dims.columns / (perLane * lanes)), 1);
  device.launch(sources["conv2d-grad-weight-lane"], {
    dims,
    buffers,
    constants: { LANES: lanes, STRIPS: strips, COLUMNS: perLane },
    groups: [x, y, splits * geometry.groups],
  });
}

function launchTile(
  device: Device,
  geometry: Conv2dGeometry,
  buffers: Buffers,
  { splits, chunk }: { splits: number; chunk: number },
): void {
  const { OH, OW, groups } = geometry;
  const dims = productDims(geometry, chunk);
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
    groups: [x, y, splits * groups],
  });
}
