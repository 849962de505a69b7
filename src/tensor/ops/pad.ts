import { ShapeError } from "../../kernels/errors.js";
import {
  type CopyingPadMode,
  type Padding,
  padGradInput as padGradKernel,
  pad as padKernel,
} from "../../kernels/pad.js";
import { stridedScatter } from "../../kernels/strided-scatter.js";
import { defineOp } from "../define-op.js";
import { computedAs, type DType, hostArray, storedAs } from "../host-values.js";
import { checkChoice, show } from "../options.js";
import { describeShapes, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { slice } from "./slice.js";

/** What `pad` puts around a tensor: one value, copies of the edge, the mirrored inside without the edge or with it, or the other side. */
export type PadMode = "constant" | CopyingPadMode;

/** Options of `pad`. */
export interface PadOptions {
  /** `[before, after]` for every axis, outermost first. */
  readonly padding: Padding;
  /** Default `"constant"`. */
  readonly mode?: PadMode;
  /** The constant. Default 0. */
  readonly value?: number;
}

const modes = ["constant", "replicate", "reflect", "symmetric", "circular"] as const;

function paddedShape(shape: Shape, { padding, mode = "constant" }: PadOptions): number[] {
  checkChoice("pad", "mode", mode, modes);
  if (!Array.isArray(padding) || !padding.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    throw new ShapeError(
      `pad: padding must be a list of [before, after], one for each axis, got ${show(padding)}${describeShapes([["x", shape]])}`,
    );
  }
  const text = `[${padding.map(([before, after]) => `[${before}, ${after}]`).join(", ")}]`;
  const fail = (rule: string, got: string) =>
    new ShapeError(`pad: ${rule}, got ${got}${describeShapes([["x", shape]])}`);
  if (padding.length !== shape.length)
    throw fail(`padding must have a pair for each of the ${shape.length} axes`, text);
  return shape.map((size, axis) => {
    const [before, after] = padding[axis] as readonly [number, number];
    if (![before, after].every((own) => Number.isInteger(own) && own >= 0))
      throw fail("padding must be whole numbers >= 0 (slice takes elements away)", text);
    const most = Math.max(before, after);
    if (mode === "reflect" && most > 0 && most >= size)
      throw fail(`reflect needs a padding smaller than the size ${size} of axis ${axis}`, `${most}`);
    if ((mode === "symmetric" || mode === "circular") && most > size)
      throw fail(`${mode} needs a padding of at most the size ${size} of axis ${axis}`, `${most}`);
    if (mode === "replicate" && most > 0 && size === 0)
      throw fail("replicate needs an element to repeat", `size 0 on axis ${axis}`);
    return before + size + after;
  });
}

/** The bits of an element. */
const bitsOf = (value: number, dtype: DType) =>
  new Uint32Array(hostArray("pad", [value], computedAs(dtype)).buffer)[0] as number;

/**
 * A border around a tensor.
 *
 * `constant`: `value` everywhere; `replicate`: the nearest element of `x`; `reflect`: `x` mirrored at its edge elements,
 * which are not repeated (before `a b c`: `c b`); `symmetric`: mirrored with them (`b a`); `circular`: continued from its other
 * side (`b c`).
 *
 * @param x - Any shape and element type.
 * @param options - `padding`: `[before, after]` for every axis; `mode` (default `"constant"`); `value` (default 0).
 * @returns `before + size + after` elements along each axis.
 * @throws {ShapeError} when there is not a pair for each axis, `reflect` is asked for as many elements as there are, or
 *   `symmetric` or `circular` for more.
 * @throws {DTypeError} when an integer tensor cannot hold `value`.
 * @see `torch.nn.functional.pad`, whose list of pairs starts at the last axis; `numpy.pad` ("symmetric").
 */
export const pad = defineOp({
  name: "pad",
  inputs: ["x"],
  dtypes: { x: "any" },
  options: { padding: "any", mode: "any?", value: "number?" },
  plan([x], options: PadOptions) {
    const { padding, mode = "constant", value = 0 } = options;
    const shape = paddedShape(x.shape, options);
    return { shape, dtype: x.dtype, padding, mode, fill: bitsOf(value, x.dtype) };
  },
  forward({ device, output, plan: { padding, mode, fill } }, [x]) {
    if (mode === "constant") {
      const axes = x.shape.map((count, i) => ({
        size: output.shape[i] as number,
        start: (padding[i] as readonly [number, number])[0],
        step: 1,
        count,
      }));
      stridedScatter(device, axes, x.storage, output.storage, { fill, type: storedAs(output.dtype) });
    } else padKernel(device, mode, x.storage, output.storage, x.shape, padding);
    return { shape: x.shape, padding, mode };
  },
  vjp: {
    x({ shape, padding, mode }, gradOutput): Tensor {
      if (mode !== "constant") return padGradInput(gradOutput, { shape, padding, mode });
      const start = padding.map(([before]) => before);
      return slice(gradOutput, { start, end: start.map((before, i) => before + (shape[i] as number)) });
    },
  },
});

/** Options of `padGradInput`. */
export interface PadGradInputOptions {
  /** Shape of the input of `pad`. */
  readonly shape: Shape;
  readonly padding: Padding;
  readonly mode: CopyingPadMode;
}

/** The gradient of `pad` in the modes that copy: each element of the input sums the gradient of its copies. */
export const padGradInput = defineOp({
  name: "padGradInput",
  inputs: ["gradOutput"],
  plan: (_inputs, options: PadGradInputOptions) => options,
  forward({ device, output, plan }, [gradOutput]) {
    const { mode, shape, padding } = plan;
    padGradKernel(device, mode, gradOutput.storage, output.storage, shape, padding);
    return plan;
  },
  vjp: { gradOutput: ({ padding, mode }, gradient): Tensor => pad(gradient, { padding, mode }) },
});
