import { recurrence as dispatch } from "../../kernels/recurrence.js";
import { defineOp } from "../define-op.js";
import { sizeOf } from "../shape.js";
import { checkSameShape, type Tensor } from "../tensor.js";
import { mul } from "./elementwise.js";
import { pad } from "./pad.js";
import { slice } from "./slice.js";

/** `[outer, length, inner]` around one axis. */
export const aroundAxis = (shape: readonly number[], axis: number) => ({
  outer: sizeOf(shape.slice(0, axis)),
  length: shape[axis] as number,
  inner: sizeOf(shape.slice(axis + 1)),
});

/** `y[r] = x[r - 1]`, and 0 where there is none; `x[r + 1]` when backwards. */
export function shift(x: Tensor, axis: number, backwards: boolean): Tensor {
  if (x.shape[axis] === 0) return x;
  const only = (value: number | null) => x.shape.map((_, i) => (i === axis ? value : null));
  const rest = slice(x, { start: only(backwards ? 1 : null), end: only(backwards ? null : -1) });
  return pad(rest, { padding: x.shape.map((_, i) => (i !== axis ? [0, 0] : backwards ? [0, 1] : [1, 0])) });
}

/** Options of `recurrence`. */
export interface RecurrenceOptions {
  /** The axis to run along, not negative. */
  readonly axis: number;
  /** From the end. */
  readonly reverse: boolean;
}

/** A linear recurrence along an axis: `y[r] = a[r] y[r - 1] + b[r]`, from 0. Its gradients are recurrences the other way round. */
export const recurrence = defineOp({
  name: "recurrence",
  inputs: ["a", "b"],
  plan([a, b], options: RecurrenceOptions) {
    checkSameShape("recurrence", ["a", a], ["b", b]);
    return { shape: a.shape, ...options };
  },
  forward({ device, output, plan: { axis, reverse } }, [a, b]) {
    const storages = { a: a.storage, b: b.storage, output: output.storage };
    if (output.size > 0) dispatch(device, storages, aroundAxis(a.shape, axis), reverse);
    return { a, output, axis, reverse };
  },
  vjp: {
    a: ({ a, output, axis, reverse }, gradOutput): Tensor =>
      mul(flowBack(a, gradOutput, axis, reverse), shift(output, axis, reverse)),
    b: ({ a, axis, reverse }, gradOutput): Tensor => flowBack(a, gradOutput, axis, reverse),
  },
});

/** What reaches each value of a recurrence from itself and all that follow. */
export function flowBack(a: Tensor, gradOutput: Tensor, axis: number, reverse: boolean): Tensor {
  return recurrence(shift(a, axis, !reverse), gradOutput, { axis, reverse: !reverse });
}
