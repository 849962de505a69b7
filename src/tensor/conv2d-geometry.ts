/** The options of convolutions: what they may be, and the sizes that follow from them. */
import { ShapeError } from "../kernels/errors.js";
import type { Pair } from "./pair.js";
import { describeShapes, formatShape, type Shape, sizeOf } from "./shape.js";

/** Zeros around the input: the same on all sides, [down, across], [[top, bottom], [left, right]], or by a rule. */
export type Padding =
  | number
  | readonly [number, number]
  | readonly [readonly [number, number], readonly [number, number]]
  | "same"
  | "valid";

/** Options of `conv2d` and its gradients. */
export interface Conv2dOptions {
  /** Distance of neighbouring outputs, in input pixels. Default 1. */
  readonly stride?: Pair;
  /**
   * Zeros around the input, in pixels. `"same"` is TensorFlow's rule: ceil(size / stride) outputs, an odd zero at the end;
   * `"valid"` is none. Default 0.
   */
  readonly padding?: Padding;
  /** Distance of neighbouring taps, in input pixels. Default 1. */
  readonly dilation?: Pair;
  /** Input and output channels are cut into this many groups that do not see each other. Default 1. */
  readonly groups?: number;
}

/** The options with every choice made, as the gradients take them on. */
export interface Conv2dSettings {
  readonly stride: readonly [number, number];
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** Shapes as an error prints them. */
export type NamedShapes = readonly (readonly [name: string, shape: Shape, layout?: string])[];

const asPair = (value: Pair): readonly [number, number] => (typeof value === "number" ? [value, value] : value);

function checkWhole(op: string, what: string, values: readonly number[], least: number): void {
  if (values.every((value) => Number.isInteger(value) && value >= least)) return;
  const got = values.length === 1 ? values[0] : formatShape(values);
  throw new ShapeError(
    `${op}: ${what} must be whole ${values.length === 1 ? "and" : "numbers"} >= ${least}, got ${got}`,
  );
}

/** Zeros before and after one axis. */
export function axisPadding(
  padding: Padding,
  axis: 0 | 1,
  size: number,
  extent: number,
  stride: number,
): readonly [number, number] {
  if (padding === "valid") return [0, 0];
  if (padding === "same") {
    const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  const own = typeof padding === "number" ? padding : padding[axis];
  return typeof own === "number" ? [own, own] : own;
}

/** Everything that follows from an input's size, a kernel's size and the options. */
export interface Conv2dSizes {
  readonly settings: Conv2dSettings;
  readonly OH: number;
  readonly OW: number;
}

/** Strides and dilations of both axes, and groups, once they are whole numbers in range. */
function checkedOptions(op: string, kernel: readonly [number, number], options: Conv2dOptions) {
  const { groups = 1 } = options;
  const stride = asPair(options.stride ?? 1);
  const dilation = asPair(options.dilation ?? 1);
  checkWhole(op, "stride", stride, 1);
  checkWhole(op, "dilation", dilation, 1);
  checkWhole(op, "groups", [groups], 1);
  checkWhole(op, "the kernel's size", kernel, 1);
  return { stride, dilation, groups };
}

/**
 * Checks the options and works out the output size: `floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1`.
 *
 * @throws {ShapeError} when a number is out of its range, or the dilated kernel exceeds the padded input.
 */
export function conv2dSizes(
  op: string,
  input: readonly [number, number],
  kernel: readonly [number, number],
  options: Conv2dOptions,
  shapes: NamedShapes,
): Conv2dSizes {
  const { padding = 0 } = options;
  const { stride, dilation, groups } = checkedOptions(op, kernel, options);
  const axis = (i: 0 | 1) => {
    const extent = dilation[i] * (kernel[i] - 1) + 1;
    const [before, after] = axisPadding(padding, i, input[i], extent, stride[i]);
    checkWhole(op, "padding", [before, after], 0);
    const padded = input[i] + before + after;
    return { extent, before, after, padded, output: Math.floor((padded - extent) / stride[i]) + 1 };
  };
  const [y, x] = [axis(0), axis(1)];
  if (y.extent > y.padded || x.extent > x.padded) {
    throw new ShapeError(
      `${op}: the dilated kernel must fit the padded input, got ${y.extent} x ${x.extent} in ${y.padded} x ${x.padded}${describeShapes(shapes)}`,
    );
  }
  const edges = [[y.before, y.after] as const, [x.before, x.after] as const] as const;
  return { settings: { stride, dilation, groups, padding: edges }, OH: y.output, OW: x.output };
}

/** Options of `convTranspose2d`. */
export interface ConvTranspose2dOptions extends Conv2dOptions {
  /**
   * More rows and columns at the end of the output, smaller than the stride or the dilation: which of the sizes that the
   * convolution takes to the same output is meant. Default 0.
   */
  readonly outputPadding?: Pair;
}

/**
 * Checks the options of a transposed convolution and works out its output size:
 * `(size - 1) stride - padding + dilation (kernel - 1) + 1 + outputPadding`; with padding `"same"`, `size stride`.
 *
 * @throws {ShapeError} when a number is out of its range, or no pixel is left.
 */
export function convTranspose2dSizes(
  op: string,
  input: readonly [number, number],
  kernel: readonly [number, number],
  options: ConvTranspose2dOptions,
  shapes: NamedShapes,
): { readonly settings: Conv2dSettings; readonly H: number; readonly W: number } {
  const { padding = 0 } = options;
  const { stride, dilation, groups } = checkedOptions(op, kernel, options);
  const more = asPair(options.outputPadding ?? 0);
  checkWhole(op, "outputPadding", more, 0);
  const fail = (rule: string, got: string) => new ShapeError(`${op}: ${rule}, got ${got}${describeShapes(shapes)}`);
  if (Math.min(...input) < 1) throw fail("height and width must be at least 1", input.join(" x "));
  if (padding === "same" && Math.max(...more) > 0)
    throw fail('outputPadding must be 0 with padding "same", which fixes the size', more.join(" x "));
  if (more.some((own, i) => own > 0 && own >= Math.max(stride[i as 0 | 1], dilation[i as 0 | 1]))) {
    throw fail(
      "outputPadding must be smaller than the stride or the dilation",
      `${more.join(" x ")} for stride ${stride.join(" x ")} and dilation ${dilation.join(" x ")}`,
    );
  }
  const axis = (i: 0 | 1) => {
    const extent = dilation[i] * (kernel[i] - 1) + 1;
    const scaled = input[i] * stride[i];
    const [before, after] = axisPadding(padding, i, scaled, extent, stride[i]);
    checkWhole(op, "padding", [before, after], 0);
    const whole = (input[i] - 1) * stride[i] + extent + more[i] - before - after;
    return { edges: [before, after] as const, size: padding === "same" ? scaled : whole };
  };
  const [y, x] = [axis(0), axis(1)];
  if (y.size < 1 || x.size < 1) throw fail("the output must have at least one pixel", `${y.size} x ${x.size}`);
  return { settings: { stride, dilation, groups, padding: [y.edges, x.edges] }, H: y.size, W: x.size };
}

/** @throws {ShapeError} unless there is one value for each output channel, or no bias. */
export function checkBias(op: string, bias: { readonly shape: Shape } | null, O: number, shapes: NamedShapes): void {
  if (!bias || (bias.shape.length === 1 && bias.shape[0] === O)) return;
  throw new ShapeError(
    `${op}: bias must hold one value for each of the ${O} output channels, got ${sizeOf(bias.shape)}${describeShapes(shapes)}`,
  );
}

/** @throws {ShapeError} unless the input's channels are the weight's times groups, and groups divides the outputs. */
export function checkChannels(
  op: string,
  channels: { readonly C: number; readonly perGroup: number; readonly O: number; readonly groups: number },
  shapes: NamedShapes,
): void {
  const { C, perGroup, O, groups } = channels;
  if (C !== perGroup * groups) {
    throw new ShapeError(
      `${op}: input channels must equal weight input channels x groups, got ${C} and ${perGroup} x ${groups} = ${perGroup * groups}${describeShapes(shapes)}`,
    );
  }
  if (O % groups !== 0) {
    throw new ShapeError(
      `${op}: groups must divide the output channels, got ${groups} and ${O}${describeShapes(shapes)}`,
    );
  }
}
