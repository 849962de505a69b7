/** The options of convolutions: what they may be, and the sizes that follow from them. */
import { ShapeError } from "../kernels/errors.js";
import type { Pair } from "./pair.js";
import { describeShapes, formatShape, type Shape } from "./shape.js";

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
  const { padding = 0, groups = 1 } = options;
  const stride = asPair(options.stride ?? 1);
  const dilation = asPair(options.dilation ?? 1);
  checkWhole(op, "stride", stride, 1);
  checkWhole(op, "dilation", dilation, 1);
  checkWhole(op, "groups", [groups], 1);
  checkWhole(op, "the kernel's size", kernel, 1);
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
