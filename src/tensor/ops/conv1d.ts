/** Convolution and transposed convolution along one axis: those of images of one row. */
import { checkBias, checkChannels, conv2dSizes, convTranspose2dSizes, type NamedShapes } from "../conv2d-geometry.js";
import { checkCall } from "../define-op.js";
import { rank3 } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkTransposedChannels, convTranspose2d } from "./conv-transpose2d.js";
import { conv2d } from "./conv2d.js";
import { reshape } from "./reshape.js";

/** Options of `conv1d`. */
export interface Conv1dOptions {
  /** Distance of neighbouring outputs, in input elements. Default 1. */
  readonly stride?: number;
  /** Zeros on each side, or `[before, after]` (causal: `[dilation (K - 1), 0]`), `"same"` or `"valid"` as in `conv2d`. Default 0. */
  readonly padding?: number | readonly [number, number] | "same" | "valid";
  /** Distance of neighbouring taps, in input elements. Default 1. */
  readonly dilation?: number;
  /** Input and output channels are cut into this many groups that do not see each other. Default 1. */
  readonly groups?: number;
}

/** Options of `convTranspose1d`. */
export interface ConvTranspose1dOptions extends Conv1dOptions {
  /** More elements at the end of the output, fewer than the stride or the dilation. Default 0. */
  readonly outputPadding?: number;
}

/** The options of an image of one row. */
function ofImage({ stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0 }: ConvTranspose1dOptions) {
  const sides = typeof padding === "number" ? ([padding, padding] as const) : padding;
  return {
    stride: [1, stride] as const,
    padding: typeof sides === "string" ? sides : ([[0, 0], sides] as const),
    dilation: [1, dilation] as const,
    groups,
    outputPadding: [0, outputPadding] as const,
  };
}

/** `[A, B, C]` as `[A, 1, B, C]`, or `[1, A, B, C]` for filters. */
const asImage = (x: Tensor, [A, B, C]: readonly [number, number, number]): Tensor =>
  reshape(x, { shape: [A, 1, B, C] });
const asFilters = (weight: Tensor): Tensor => reshape(weight, { shape: [1, ...weight.shape] });
const asLine = (y: Tensor): Tensor => reshape(y, { shape: y.shape.filter((_, axis) => axis !== 1) });

const named = (x: Tensor, weight: Tensor, bias: Tensor | null, layout: string): NamedShapes => [
  ["x", x.shape, "NLC"],
  ["weight", weight.shape, layout],
  ...(bias ? [["bias", bias.shape] as const] : []),
];

/**
 * 1-D cross-correlation.
 *
 * `y[n,p,o] = bias[o] + sum_{k,c} x[n, p stride + k dilation - padding, c] weight[k,c,o]`
 *
 * @param x - NLC `[N, L, C]`.
 * @param weight - Filters, KIO `[K, C / groups, O]`. PyTorch's `[O, C / groups, K]` is `transpose(w)` away.
 * @param bias - `[O]`, or `null` for none.
 * @param options - `stride` 1, `padding` 0, `dilation` 1, `groups` 1.
 * @returns NLC `[N, OL, O]`, `OL = floor((L + padding on both sides - dilation (K - 1) - 1) / stride) + 1`.
 * @throws {ShapeError} when ranks are not 3, channels disagree, an option is out of its range, or the dilated kernel exceeds the
 *   padded input.
 */
export function conv1d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: Conv1dOptions = {}): Tensor {
  const kinds = { stride: "number?", padding: "span?", dilation: "number?", groups: "number?" } as const;
  checkCall<Conv1dOptions>("conv1d", { x, weight, "bias?": bias }, options, kinds);
  const [N, L, C] = rank3("conv1d", "x", x.shape);
  const [K, perGroup, O] = rank3("conv1d", "weight", weight.shape, "KIO");
  const shapes = named(x, weight, bias, "KIO");
  const { settings } = conv2dSizes("conv1d", [1, L], [1, K], ofImage(options), shapes);
  checkChannels("conv1d", { C, perGroup, O, groups: settings.groups }, shapes);
  checkBias("conv1d", bias, O, shapes);
  return asLine(conv2d(asImage(x, [N, L, C]), asFilters(weight), bias, settings));
}

/**
 * The 1-D transposed convolution. See `convTranspose2d`.
 *
 * @param x - NLC `[N, L, C]`.
 * @param weight - `[K, O / groups, C]`: the filters of the convolution that is transposed. PyTorch's `[C, O / groups, K]` is
 *   `transpose(w)` away.
 * @param bias - `[O]`, or `null` for none.
 * @param options - `stride` 1, `padding` 0, `outputPadding` 0, `dilation` 1, `groups` 1.
 * @returns NLC `[N, OL, O]`, `OL = (L - 1) stride - padding on both sides + dilation (K - 1) + 1 + outputPadding`.
 * @throws {ShapeError} when ranks are not 3, channels disagree, an option is out of its range, or nothing is left.
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTranspose1dOptions = {},
): Tensor {
  const op = "convTranspose1d";
  checkCall<ConvTranspose1dOptions>(op, { x, weight, "bias?": bias }, options, {
    ...{ stride: "number?", padding: "span?", outputPadding: "number?", dilation: "number?", groups: "number?" },
  });
  const [N, L, C] = rank3(op, "x", x.shape);
  const [K, perGroup, weightC] = rank3(op, "weight", weight.shape, "KOI");
  const shapes = named(x, weight, bias, "KOI");
  const { settings } = convTranspose2dSizes(op, [1, L], [1, K], ofImage(options), shapes);
  checkTransposedChannels(op, { C, weightC, groups: settings.groups }, shapes);
  checkBias(op, bias, perGroup * settings.groups, shapes);
  return asLine(convTranspose2d(asImage(x, [N, L, C]), asFilters(weight), bias, ofImage(options)));
}
