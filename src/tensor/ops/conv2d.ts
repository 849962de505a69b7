import { conv2d as dispatch } from "../../kernels/conv2d.js";
import { conv2dGradInput as dispatchGradInput } from "../../kernels/conv2d-grad-input.js";
import { conv2dGradWeight as dispatchGradWeight } from "../../kernels/conv2d-grad-weight.js";
import type { Conv2dGeometry } from "../../kernels/conv2d-product.js";
import { ShapeError } from "../../kernels/errors.js";
import {
  type Conv2dOptions,
  type Conv2dSettings,
  checkBias,
  checkChannels,
  conv2dSizes,
  type NamedShapes,
} from "../conv2d-geometry.js";
import { defineOp, type Plan } from "../define-op.js";
import { describeShapes, rank4 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { sum } from "./sum.js";

/** What the checks of a convolution find out. */
export interface Conv2dPlan extends Plan {
  readonly geometry: Conv2dGeometry;
  readonly settings: Conv2dSettings;
}

/** The kernels' numbers. */
export const geometryOf = (sizes: Omit<Conv2dGeometry, keyof Conv2dSettings | "before">, settings: Conv2dSettings) => ({
  ...sizes,
  stride: settings.stride,
  dilation: settings.dilation,
  groups: settings.groups,
  before: [settings.padding[0][0], settings.padding[1][0]] as const,
});

/**
 * 2-D cross-correlation, the "convolution" of deep learning.
 *
 * `y[n,p,q,o] = bias[o] + sum_{kh,kw,c} x[n, p stride + kh dilation - padding, ..., c] weight[kh,kw,c,o]`
 *
 * The result has the element type of `x`, f32 or f16.
 *
 * @param x - Input, NHWC [N, H, W, C].
 * @param weight - Filters, HWIO [KH, KW, C / groups, O].
 * @param bias - [O], or `null` for none.
 * @param options - `stride` 1, `padding` 0, `dilation` 1, `groups` 1: see `Conv2dOptions`.
 * @returns NHWC [N, OH, OW, O], `OH = floor((H + padding top and bottom - dilation (KH - 1) - 1) / stride) + 1`.
 * @throws {ShapeError} when ranks are not 4, channels disagree, an option is out of its range, or the dilated kernel exceeds the
 *   padded input.
 * @see Dumoulin & Visin 2016, arXiv:1603.07285. Same sums as `torch.nn.functional.conv2d`, channels last.
 */
export const conv2d = defineOp({
  name: "conv2d",
  inputs: ["x", "weight", "bias?"],
  halves: ["x"],
  options: { stride: "pair?", padding: "padding?", dilation: "pair?", groups: "number?" },
  plan([x, weight, bias], options: Conv2dOptions): Conv2dPlan {
    const [N, H, W, C] = rank4("conv2d", "x", x.shape);
    const [KH, KW, perGroup, O] = rank4("conv2d", "weight", weight.shape, "HWIO");
    const shapes: NamedShapes = [
      ["x", x.shape, "NHWC"],
      ["weight", weight.shape, "HWIO"],
      ...(bias ? [["bias", bias.shape] as const] : []),
    ];
    const { settings, OH, OW } = conv2dSizes("conv2d", [H, W], [KH, KW], options, shapes);
    checkChannels("conv2d", { C, perGroup, O, groups: settings.groups }, shapes);
    checkBias("conv2d", bias, O, shapes);
    return { shape: [N, OH, OW, O], settings, geometry: geometryOf({ N, H, W, C, KH, KW, OH, OW, O }, settings) };
  },
  forward({ device, output, plan }, [x, weight, bias]) {
    dispatch(device, plan.geometry, {
      input: x.storage,
      weight: weight.storage,
      bias: bias?.storage ?? null,
      output: output.storage,
    });
    return { x, weight, plan };
  },
  vjp: {
    x: ({ weight, plan: { geometry, settings } }, gradOutput): Tensor =>
      conv2dGradInput(gradOutput, weight, { ...settings, inputSize: [geometry.H, geometry.W] }),
    weight: ({ x, plan: { geometry, settings } }, gradOutput): Tensor =>
      conv2dGradWeight(x, gradOutput, { ...settings, kernelSize: [geometry.KH, geometry.KW] }),
    bias: (_saved, gradOutput) => sum(gradOutput, { axes: [0, 1, 2] }),
  },
});

/** Options of `conv2dGradInput`: those of the convolution, and what its output does not tell. */
export interface Conv2dGradInputOptions extends Conv2dOptions {
  /** Height and width of the convolution's input. */
  readonly inputSize: readonly [number, number];
}

function checkOutputSize(
  op: string,
  got: readonly [number, number],
  wanted: readonly [number, number],
  shapes: NamedShapes,
): void {
  if (got[0] === wanted[0] && got[1] === wanted[1]) return;
  throw new ShapeError(
    `${op}: gradOutput must have the convolution's output size ${wanted.join(" x ")}, got ${got.join(" x ")}${describeShapes(shapes)}`,
  );
}

/**
 * The gradient of `conv2d` with respect to its input, which is also the transposed convolution of `gradOutput`.
 *
 * `y[n,h,w,c] = sum over kh,kw,o and outputs (p,q) that see pixel (h,w) through tap (kh,kw) of gradOutput[n,p,q,o] weight[kh,kw,c,o]`
 *
 * @param gradOutput - NHWC [N, OH, OW, O].
 * @param weight - Filters, HWIO [KH, KW, C / groups, O].
 * @param options - The convolution's options, and `inputSize` [H, W].
 * @returns NHWC [N, H, W, C].
 * @throws {ShapeError} as `conv2d` does, and when `gradOutput` is not of the convolution's output size.
 */
export const conv2dGradInput = defineOp({
  name: "conv2dGradInput",
  inputs: ["gradOutput", "weight"],
  plan([gradOutput, weight], options: Conv2dGradInputOptions): Conv2dPlan {
    const op = "conv2dGradInput";
    const [N, gotH, gotW, O] = rank4(op, "gradOutput", gradOutput.shape);
    const [KH, KW, perGroup, weightO] = rank4(op, "weight", weight.shape, "HWIO");
    const [H, W] = options.inputSize;
    const shapes: NamedShapes = [
      ["gradOutput", gradOutput.shape, "NHWC"],
      ["weight", weight.shape, "HWIO"],
    ];
    const { settings, OH, OW } = conv2dSizes(op, [H, W], [KH, KW], options, shapes);
    checkOutputSize(op, [gotH, gotW], [OH, OW], shapes);
    if (O !== weightO) {
      throw new ShapeError(
        `${op}: channels of gradOutput must equal output channels of weight, got ${O} and ${weightO}${describeShapes(shapes)}`,
      );
    }
    const C = perGroup * settings.groups;
    checkChannels(op, { C, perGroup, O, groups: settings.groups }, shapes);
    return { shape: [N, H, W, C], settings, geometry: geometryOf({ N, H, W, C, KH, KW, OH, OW, O }, settings) };
  },
  forward({ device, output, plan }, [gradOutput, weight]) {
    dispatchGradInput(device, plan.geometry, {
      gradOutput: gradOutput.storage,
      weight: weight.storage,
      bias: null,
      output: output.storage,
    });
    return { gradOutput, weight, plan };
  },
  vjp: {
    gradOutput: ({ weight, plan }, grad): Tensor => conv2d(grad, weight, null, plan.settings),
    weight: ({ gradOutput, plan: { geometry, settings } }, grad): Tensor =>
      conv2dGradWeight(grad, gradOutput, { ...settings, kernelSize: [geometry.KH, geometry.KW] }),
  },
});

/** Options of `conv2dGradWeight`: those of the convolution, and what its output does not tell. */
export interface Conv2dGradWeightOptions extends Conv2dOptions {
  /** Height and width of the convolution's filters. */
  readonly kernelSize: readonly [number, number];
}

/**
 * The gradient of `conv2d` with respect to its weight.
 *
 * `y[kh,kw,c,o] = sum_{n,p,q} x[n, p stride + kh dilation - padding, ..., c] gradOutput[n,p,q,o]`
 *
 * @param x - The convolution's input, NHWC [N, H, W, C].
 * @param gradOutput - NHWC [N, OH, OW, O].
 * @param options - The convolution's options, and `kernelSize` [KH, KW].
 * @returns HWIO [KH, KW, C / groups, O].
 * @throws {ShapeError} as `conv2d` does, and when `gradOutput` is not of the convolution's output size.
 */
export const conv2dGradWeight = defineOp({
  name: "conv2dGradWeight",
  inputs: ["x", "gradOutput"],
  plan([x, gradOutput], options: Conv2dGradWeightOptions): Conv2dPlan {
    const op = "conv2dGradWeight";
    const [N, H, W, C] = rank4(op, "x", x.shape);
    const [gotN, gotH, gotW, O] = rank4(op, "gradOutput", gradOutput.shape);
    const [KH, KW] = options.kernelSize;
    const shapes: NamedShapes = [
      ["x", x.shape, "NHWC"],
      ["gradOutput", gradOutput.shape, "NHWC"],
    ];
    const { settings, OH, OW } = conv2dSizes(op, [H, W], [KH, KW], options, shapes);
    checkOutputSize(op, [gotH, gotW], [OH, OW], shapes);
    if (gotN !== N) {
      throw new ShapeError(
        `${op}: x and gradOutput must hold equally many images, got ${N} and ${gotN}${describeShapes(shapes)}`,
      );
    }
    const perGroup = Math.floor(C / settings.groups);
    checkChannels(op, { C, perGroup, O, groups: settings.groups }, shapes);
    return {
      shape: [KH, KW, perGroup, O],
      settings,
      geometry: geometryOf({ N, H, W, C, KH, KW, OH, OW, O }, settings),
    };
  },
  forward({ device, output, plan }, [x, gradOutput]) {
    dispatchGradWeight(device, plan.geometry, {
      input: x.storage,
      gradOutput: gradOutput.storage,
      output: output.storage,
    });
    return { x, gradOutput, plan };
  },
  vjp: {
    x: ({ gradOutput, plan: { geometry, settings } }, grad): Tensor =>
      conv2dGradInput(gradOutput, grad, { ...settings, inputSize: [geometry.H, geometry.W] }),
    gradOutput: ({ x, plan }, grad): Tensor => conv2d(x, grad, null, plan.settings),
  },
});
