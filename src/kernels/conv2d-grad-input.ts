/** Dispatch of conv2d's input gradient: the kernel of conv2d, a phase of its grid for each residue of the pixel by the stride. */

import { conv2dGradInputNarrow, isNarrowGradInput, narrowElements } from "./conv2d-narrow.js";
import { type Conv2dGeometry, directDims, ending, launchProduct, type Product, runsDirect } from "./conv2d-product.js";
import type { Device } from "./device.js";
import type { Binding, Epilogue } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid, maxGroups } from "./grid.js";
import type { Storage } from "./storage.js";
import { gcd, imageWindows } from "./windows.js";

/** Whether the plain kernel runs: also where a grid cannot hold the phases. */
const isDirect = (device: Device, geometry: Conv2dGeometry): boolean =>
  runsDirect(device, geometry) || geometry.groups * geometry.stride[0] * geometry.stride[1] > maxGroups;

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
  const narrow = isNarrowGradInput(device, geometry) && !isDirect(device, geometry);
  const between = narrow ? narrowElements.gradInput(geometry) : 0;
  const windows = imageWindows(device, "conv2dGradInput", geometry.N, [
    [gradOutput.bytes, OH * OW * O],
    [output.bytes, H * W * C],
    [geometry.N * between * 4, between],
  ]);
  const end = ending(windows.length === 1);
  for (const window of windows) {
    const part = { ...geometry, N: window.N };
    const source = window.of(gradOutput, OH * OW * O);
    const result = window.of(output, H * W * C);
    if (narrow) conv2dGradInputNarrow(device, part, { gradOutput: source, weight, bias, output: result }, end);
    else dispatch(device, part, { gradOutput: source, weight, bias, output: result }, end);
  }
}

function dispatch(
  device: Device,
  geometry: Conv2dGeometry,
  { gradOutput, weight, bias, output }: { gradOutput: Binding; weight: Storage; bias: Storage | null; output: Binding },
  end: { readonly epilogue?: Epilogue },
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, groups, stride, dilation, before } = geometry;
  // The kernels want some binding where there is no bias.
  const shift = bias ?? { storage: weight, offset: 0, bytes: 256 };
  const has_bias = bias ? 1 : 0;
  if (isDirect(device, geometry)) {
    device.launch(sources["conv2d-grad-input-direct"], {
      dims: { ...directDims(geometry), has_bias },
      buffers: { grad_output: gradOutput, weight, bias: shift, output },
      groups: grid(N * H * W * C, 64),
    });
    return;
  }
  const channels = C / groups;
  const next = stride.map((step, axis) => step / gcd(step, dilation[axis] as number)) as [number, number];
  const dims: Product = {
    ...{ images: N, H, W, columns: channels, SH: OH, line: OW * O, SC: O, phases_y: stride[0], phases_x: stride[1] },
    ...{ step_y: 1, step_x: 1, shift_y: before[0], shift_x: before[1], reach_y: dilation[0], reach_x: dilation[1] },
    // Each further tap of a phase sees so many outputs before.
    ...{ tap_y: (-next[0] * dilation[0]) / stride[0], tap_x: (-next[1] * dilation[1]) / stride[1] },
    ...{ taps_y: O === 0 ? 0 : KH, taps_x: KW, next_y: next[0], next_x: next[1], run: O / groups },
    ...{ weight_y: KW * channels * O, weight_x: channels * O, weight_k: 1, weight_column: O, weight_group: O / groups },
    ...{ output_image: H * W * C, output_y: W * C, output_x: C, has_bias, rectify: 0 },
  };
  launchProduct(device, dims, { source: gradOutput, weight, bias: shift, output }, groups, end);
}
