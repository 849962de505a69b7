/** Dispatch of conv2d's input gradient: the kernel of conv2d, once for each residue of the pixel by the stride. */

import { conv2dGradInputNarrow, isNarrowGradInput, narrowElements } from "./conv2d-narrow.js";
import { type Conv2dGeometry, directDims, launchProduct, type Product, runsDirect } from "./conv2d-product.js";
import type { Device } from "./device.js";
import type { Binding } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { gcd, imageWindows } from "./windows.js";

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

/**
 * Records `output[N, H, W, C]`, the gradient of `conv2d` with respect to its input, plus `bias`: the transposed convolution.
 * `OH` and `OW` may be smaller than the convolution's output, as if zeros followed.
 */
export function conv2dGradInput(
  device: Device,
  geometry: Conv2dGeometry,
  { gradOutput, weight, bias, output }: { gradOutput: Storage; weight: Storage; bias: Storage | null; output: Storage },
): void {
  const { H, W, C, OH, OW, O } = geometry;
  if (geometry.N * H * W * C === 0) return;
  const narrow = isNarrowGradInput(device, geometry) && !runsDirect(device, geometry);
  const between = narrow ? narrowElements.gradInput(geometry) : 0;
  const windows = imageWindows(device, "conv2dGradInput", geometry.N, [
    [gradOutput.bytes, OH * OW * O],
    [output.bytes, H * W * C],
    [geometry.N * between * 4, between],
  ]);
  for (const window of windows) {
    const part = { ...geometry, N: window.N };
    const source = window.of(gradOutput, OH * OW * O);
    const result = window.of(output, H * W * C);
    if (narrow) conv2dGradInputNarrow(device, part, { gradOutput: source, weight, bias, output: result });
    else dispatch(device, part, source, weight, bias, result);
  }
}

function dispatch(
  device: Device,
  geometry: Conv2dGeometry,
  gradOutput: Binding,
  weight: Storage,
  bias: Storage | null,
  output: Binding,
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, groups, stride, dilation, before } = geometry;
  // The kernels want some binding where there is no bias.
  const shift = bias ?? { storage: weight, offset: 0, bytes: 256 };
  const has_bias = bias ? 1 : 0;
  if (runsDirect(device, geometry)) {
    device.launch(sources["conv2d-grad-input-direct"], {
      dims: { ...directDims(geometry), has_bias },
      buffers: { grad_output: gradOutput, weight, bias: shift, output },
      groups: grid(N * H * W * C, 64),
    });
    return;
  }
  const channels = C / groups;
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
        ...{ output_x: stride[1] * C, has_bias },
      };
      launchProduct(device, dims, { source: gradOutput, weight, bias: shift, output }, groups);
    }
  }
}
