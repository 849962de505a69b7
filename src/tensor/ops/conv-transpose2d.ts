import { conv2dGradInput as dispatch } from "../../kernels/conv2d-grad-input.js";
import { ShapeError } from "../../kernels/errors.js";
import { type ConvTranspose2dOptions, checkBias, convTranspose2dSizes, type NamedShapes } from "../conv2d-geometry.js";
import { defineOp } from "../define-op.js";
import { describeShapes, rank4 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { type Conv2dPlan, conv2d, conv2dGradWeight, geometryOf } from "./conv2d.js";
import { pad } from "./pad.js";
import { slice } from "./slice.js";
import { sum } from "./sum.js";

/** @throws {ShapeError} unless the channels of `x` are those that `weight` reads, and groups divides them. */
export function checkTransposedChannels(
  op: string,
  { C, weightC, groups }: { readonly C: number; readonly weightC: number; readonly groups: number },
  shapes: NamedShapes,
): void {
  if (C !== weightC) {
    throw new ShapeError(
      `${op}: input channels must equal the weight's last axis, got ${C} and ${weightC}${describeShapes(shapes)}`,
    );
  }
  if (C % groups !== 0)
    throw new ShapeError(
      `${op}: groups must divide the input channels, got ${groups} and ${C}${describeShapes(shapes)}`,
    );
}

/** The first H x W pixels: an `outputPadding` of a stride or more makes the convolution see pixels past the end of `x`. */
const crop = (y: Tensor, [, H, W]: readonly number[]): Tensor =>
  y.shape[1] === H && y.shape[2] === W ? y : slice(y, { start: [0, 0, 0], end: [null, H as number, W as number] });

/** `x` with zeros at the end up to the size of the convolution's output. */
function grow(x: Tensor, { geometry: g, settings: { stride, dilation, padding } }: Conv2dPlan): Tensor {
  const missing = ([g.H, g.W] as const).map((size, i) => {
    const axis = i as 0 | 1;
    const extent = dilation[axis] * ([g.KH, g.KW][axis] as number) - dilation[axis] + 1;
    const seen = Math.floor((size + padding[axis][0] + padding[axis][1] - extent) / stride[axis]) + 1;
    return [0, seen - (x.shape[i + 1] as number)] as const;
  });
  if (missing.every(([, after]) => after === 0)) return x;
  return pad(x, { padding: [[0, 0], ...missing, [0, 0]] });
}

/**
 * The transposed convolution ("deconvolution"): what `conv2d` does to gradients, as a layer that enlarges images.
 *
 * `y[n,h,w,o] = bias[o] + sum over kh, kw, c and pixels (p,q) of x with p stride + kh dilation - padding = h, likewise w, of
 * x[n,p,q,c] weight[kh,kw,o,c]`
 *
 * The result has the element type of `x`, f32 or f16.
 *
 * @param x - NHWC `[N, H, W, C]`.
 * @param weight - The filters of the convolution that is transposed, whose outputs are the inputs here: `[KH, KW, O / groups, C]`, as
 *   in TensorFlow. PyTorch's `[C, O / groups, KH, KW]` is `transpose(w, { axes: [2, 3, 1, 0] })` away.
 * @param bias - `[O]`, or `null` for none.
 * @param options - `stride` 1, `padding` 0 (pixels taken off each side; `"same"`: `stride` times the size), `outputPadding` 0,
 *   `dilation` 1, `groups` 1.
 * @returns NHWC `[N, OH, OW, O]`, `OH = (H - 1) stride - padding top and bottom + dilation (KH - 1) + 1 + outputPadding`.
 * @throws {ShapeError} when ranks are not 4, channels disagree, an option is out of its range, or no pixel is left.
 * @see Dumoulin & Visin 2016, arXiv:1603.07285. Same sums as `torch.nn.functional.conv_transpose2d`, channels last.
 */
export const convTranspose2d = defineOp({
  name: "convTranspose2d",
  inputs: ["x", "weight", "bias?"],
  halves: ["x"],
  options: { stride: "pair?", padding: "padding?", outputPadding: "pair?", dilation: "pair?", groups: "number?" },
  plan([x, weight, bias], options: ConvTranspose2dOptions): Conv2dPlan {
    const op = "convTranspose2d";
    const [N, OH, OW, C] = rank4(op, "x", x.shape);
    const [KH, KW, perGroup, weightC] = rank4(op, "weight", weight.shape, "HWOI");
    const shapes: NamedShapes = [
      ["x", x.shape, "NHWC"],
      ["weight", weight.shape, "HWOI"],
      ...(bias ? [["bias", bias.shape] as const] : []),
    ];
    const { settings, H, W } = convTranspose2dSizes(op, [OH, OW], [KH, KW], options, shapes);
    const O = perGroup * settings.groups;
    checkTransposedChannels(op, { C, weightC, groups: settings.groups }, shapes);
    checkBias(op, bias, O, shapes);
    // The convolution's input is the output here, and its output the input.
    return { shape: [N, H, W, O], settings, geometry: geometryOf({ N, H, W, C: O, KH, KW, OH, OW, O: C }, settings) };
  },
  forward({ device, output, plan }, [x, weight, bias]) {
    dispatch(device, plan.geometry, {
      gradOutput: x.storage,
      weight: weight.storage,
      bias: bias?.storage ?? null,
      output: output.storage,
    });
    return { x, weight, plan };
  },
  vjp: {
    x: ({ x, weight, plan }, gradOutput): Tensor => crop(conv2d(gradOutput, weight, null, plan.settings), x.shape),
    weight: ({ x, plan }, gradOutput): Tensor =>
      conv2dGradWeight(gradOutput, grow(x, plan), {
        ...plan.settings,
        kernelSize: [plan.geometry.KH, plan.geometry.KW],
      }),
    bias: (_saved, gradOutput): Tensor => sum(gradOutput, { axes: [0, 1, 2] }),
  },
});
