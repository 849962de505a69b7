/** conv2d and its input gradient where the result has few channels: a matrix product with a column for each tap, then a fold. */
import type { Conv2dGeometry } from "./conv2d-product.js";
import type { Device } from "./device.js";
import type { Binding, Epilogue } from "./dispatcher.js";
import { lanesToUse } from "./gemm.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import { launchProblem } from "./matmul.js";
import type { Storage } from "./storage.js";
import { gcd } from "./windows.js";

/** Fewest terms of the product's sums for which storing them costs less than the empty lanes would. */
const leastTerms = 16;

/** Whether `channels` of a result, each a sum over taps of `terms` products, are too few for the implicit product. */
function isNarrow(device: Device, { KH, KW, groups }: Conv2dGeometry, channels: number, terms: number): boolean {
  const lanes = lanesToUse(device);
  return lanes !== null && groups === 1 && KH * KW > 1 && channels <= lanes && terms >= leastTerms;
}

/** Whether `conv2d` should run here: with a stride, the product would compute what the fold leaves out. */
export const isNarrowForward = (device: Device, geometry: Conv2dGeometry): boolean =>
  isNarrow(device, geometry, geometry.O, geometry.C) && Math.max(...geometry.stride) === 1;

/** Whether `conv2dGradInput` should run here. */
export const isNarrowGradInput = (device: Device, geometry: Conv2dGeometry): boolean =>
  isNarrow(device, geometry, geometry.C, geometry.O);

/** Elements an image of the product with a column for each tap, of `conv2d` and of `conv2dGradInput`. */
export const narrowElements = {
  forward: ({ H, W, KH, KW, O }: Conv2dGeometry): number => H * W * KH * KW * O,
  gradInput: ({ OH, OW, KH, KW, C }: Conv2dGeometry): number => OH * OW * KH * KW * C,
};

/** Records `output = conv2d(input, weight) + bias`. */
export function conv2dNarrow(
  device: Device,
  geometry: Conv2dGeometry,
  { input, weight, bias, output }: { input: Binding; weight: Storage; bias: Binding | null; output: Binding },
  end: { readonly epilogue?: Epilogue },
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, stride, dilation, before } = geometry;
  const columns = KH * KW * O;
  const partial = device.allocate(N * narrowElements.forward(geometry) * 4, "conv2d/taps");
  launchProblem(device, {
    ...{ M: N * H * W, N: columns, K: C, splits: 1, chunk: C },
    a: { binding: input, offset: 0, row: C, column: 1 },
    // Column (tap, o) of the weight [tap, C, O].
    b: { binding: weight, offset: 0, row: O, column: 1 },
    columnGroup: { size: O, jump: C * O },
    out: { binding: partial, offset: 0, row: columns, column: 1 },
    ...{ slice: 0, bias: null, biasOffset: 0, noBias: { storage: weight, offset: 0, bytes: 256 } },
  });
  device.launch(sources["conv2d-fold"], {
    dims: {
      ...{ N, H: OH, W: OW, C: O, PH: H, PW: W, KH, KW, step_y: stride[0], step_x: stride[1] },
      ...{ base_y: -before[0], base_x: -before[1], tap_y: dilation[0], tap_x: dilation[1], next_y: 1, next_x: 1 },
      has_bias: bias ? 1 : 0,
      rectify: 0,
    },
    buffers: { partial_sums: partial, bias: bias ?? { storage: weight, offset: 0, bytes: 256 }, output },
    constants: { DIVIDE_Y: 1, DIVIDE_X: 1 },
    groups: grid(N * OH * OW * O, 64),
    ...end,
  });
  partial.release();
}

/** Records `output`, the gradient of `conv2d` with respect to its input, plus `bias`. */
export function conv2dGradInputNarrow(
  device: Device,
  geometry: Conv2dGeometry,
  { gradOutput, weight, bias, output }: { gradOutput: Binding; weight: Storage; bias: Binding | null; output: Binding },
  end: { readonly epilogue?: Epilogue },
): void {
  const { N, H, W, C, KH, KW, OH, OW, O, stride, dilation, before } = geometry;
  const columns = KH * KW * C;
  const partial = device.allocate(N * narrowElements.gradInput(geometry) * 4, "conv2dGradInput/taps");
  const noBias = { storage: weight, offset: 0, bytes: 256 };
  launchProblem(device, {
    ...{ M: N * OH * OW, N: columns, K: O, splits: 1, chunk: O },
    a: { binding: gradOutput, offset: 0, row: O, column: 1 },
    // Column (tap, c) of the weight [tap, C, O].
    b: { binding: weight, offset: 0, row: 1, column: O },
    out: { binding: partial, offset: 0, row: columns, column: 1 },
    ...{ slice: 0, bias: null, biasOffset: 0, noBias },
  });
  device.launch(sources["conv2d-fold"], {
    dims: {
      ...{ N, H, W, C, PH: OH, PW: OW, KH, KW, step_y: 1, step_x: 1, base_y: before[0], base_x: before[1] },
      ...{ tap_y: -dilation[0], tap_x: -dilation[1], has_bias: bias ? 1 : 0, rectify: 0 },
      next_y: stride[0] / gcd(stride[0], dilation[0]),
      next_x: stride[1] / gcd(stride[1], dilation[1]),
    },
    buffers: { partial_sums: partial, bias: bias ?? noBias, output },
    constants: { DIVIDE_Y: stride[0], DIVIDE_X: stride[1] },
    groups: grid(N * H * W * C, 64),
    ...end,
  });
  partial.release();
}
