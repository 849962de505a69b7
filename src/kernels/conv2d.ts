/** Dispatch of conv2d. */

import { conv2dNarrow, isNarrowForward, narrowElements } from "./conv2d-narrow.js";
import { type Conv2dGeometry, directDims, ending, launchProduct, type Product, runsDirect } from "./conv2d-product.js";
import type { Device } from "./device.js";
import type { Binding, Epilogue } from "./dispatcher.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { Storage } from "./storage.js";
import { imageWindows } from "./windows.js";

/** Records `output[N, OH, OW, O] = conv2d(input, weight) + bias`. */
export function conv2d(
  device: Device,
  geometry: Conv2dGeometry,
  { input, weight, bias, output }: { input: Storage; weight: Storage; bias: Storage | null; output: Storage },
): void {
  const { H, W, C, OH, OW, O } = geometry;
  if (geometry.N * OH * OW * O === 0) return;
  const narrow = isNarrowForward(device, geometry) && !runsDirect(device, geometry);
  const between = narrow ? narrowElements.forward(geometry) : 0;
  const windows = imageWindows(device, "conv2d", geometry.N, [
    [input.bytes, H * W * C],
    [output.bytes, OH * OW * O],
    [geometry.N * between * 4, between],
  ]);
  const end = ending(windows.length === 1);
  for (const window of windows) {
    const part = { ...geometry, N: window.N };
    const source = window.of(input, H * W * C);
    const result = window.of(output, OH * OW * O);
    if (narrow) conv2dNarrow(device, part, { input: source, weight, bias, output: result }, end);
    else dispatch(device, part, { input: source, weight, bias, output: result }, end);
  }
}

function dispatch(
  device: Device,
  geometry: Conv2dGeometry,
  { input, weight, bias, output }: { input: Binding; weight: Storage; bias: Storage | null; output: Binding },
  end: { readonly epilogue?: Epilogue },
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, groups } = geometry;
  // The kernels want some binding where there is no bias.
  const shift = bias ?? { storage: weight, offset: 0, bytes: 256 };
  const has_bias = bias ? 1 : 0;
  if (runsDirect(device, geometry)) {
    device.launch(sources["conv2d-direct"], {
      dims: { ...directDims(geometry), has_bias, rectify: 0 },
      buffers: { input, weight, bias: shift, output },
      ...end,
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
    ...{ images: N, H: OH, W: OW, columns: O / groups, SH: H, line: W * C, SC: C, phases_y: 1, phases_x: 1 },
    ...{ step_y: strideY, step_x: strideX, shift_y: -geometry.before[0], shift_x: -geometry.before[1] },
    ...{ reach_y: 0, reach_x: 0, tap_y: dilationY, tap_x: dilationX, next_y: 1, next_x: 1 },
    ...{ taps_y: KH, taps_x: merged ? 1 : KW, run: merged ? KW * channels : channels },
    ...{ weight_y: KW * channels * O, weight_x: channels * O, weight_k: O, weight_column: 1 },
    ...{ weight_group: O / groups, output_image: OH * OW * O, output_y: OW * O, output_x: O },
    ...{ has_bias, rectify: 0 },
  };
  launchProduct(
    device,
    channels === 0 ? { ...dims, taps_y: 0 } : dims,
    { source: input, weight, bias: shift, output },
    groups,
    end,
  );
}
