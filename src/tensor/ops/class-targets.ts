import type { Device } from "../../kernels/device.js";
import { elementwise } from "../../kernels/elementwise.js";
import { DTypeError } from "../../kernels/errors.js";
import { defineOp } from "../define-op.js";
import { type Tensor, tensor } from "../tensor.js";

/** Options of `classMask`. */
export interface ClassMaskOptions {
  readonly classes: number;
}

/** Options of `classStatus`. */
export interface ClassStatusOptions extends ClassMaskOptions {
  /** A number that stands for "do not count". */
  readonly ignoreIndex: number;
}

const numbers = new WeakMap<Device, Map<number, Tensor>>();

/** 0, 1, ... as i32, made once per device and count, outside all scopes. */
function classNumbers(device: Device, classes: number): Tensor {
  const known = numbers.get(device) ?? new Map<number, Tensor>();
  numbers.set(device, known);
  const before = known.get(classes);
  if (before && !before.disposed) return before;
  const values = Int32Array.from({ length: classes }, (_, i) => i);
  const made = device.recorder.paused(() => device.unscoped(() => tensor(device, values, [classes], { dtype: "i32" })));
  known.set(classes, made);
  return made;
}

function checkInteger(op: string, target: Tensor): void {
  if (target.dtype !== "i32" && target.dtype !== "u32")
    throw new DTypeError(`${op}: target must be i32 or u32 class numbers, got ${target.dtype}`);
}

/**
 * True at each row's class. `mask[..., k] = (target[...] == k)`; all false where there is no such class.
 *
 * @param target - i32 or u32 `[...]`.
 * @returns bool `[..., classes]`.
 * @throws {DTypeError} unless the target holds integers.
 */
export const classMask = defineOp({
  name: "classMask",
  inputs: ["target"],
  dtypes: { target: "any" },
  plan([target], { classes }: ClassMaskOptions) {
    checkInteger("classMask", target);
    return { shape: [...target.shape, classes], dtype: "bool", classes };
  },
  forward({ device, output, plan }, [target]) {
    // u32 is read as i32: a class number over 2^31 is negative then, and no class either.
    const rows = { storage: target.storage, shape: [...target.shape, 1], type: "i32" } as const;
    const classes = {
      storage: classNumbers(device, plan.classes).storage,
      shape: [plan.classes],
      type: "i32",
    } as const;
    const { shape } = plan;
    if (output.size > 0)
      elementwise(device, {
        expression: "select(0u, 1u, x == y)",
        inputs: [rows, classes],
        output: output.storage,
        outputType: "u32",
        shape,
      });
    return null;
  },
  vjp: null,
});

/**
 * What a row counts: 1 where `target` is a class, 0 where it is `ignoreIndex`, NaN elsewhere, so that a class number that does
 * not exist cannot pass unseen.
 *
 * @param target - i32 or u32, any shape.
 * @returns f32 of the target's shape.
 * @throws {DTypeError} unless the target holds integers.
 */
export const classStatus = defineOp({
  name: "classStatus",
  inputs: ["target"],
  dtypes: { target: "any" },
  plan([target], options: ClassStatusOptions) {
    checkInteger("classStatus", target);
    return { shape: target.shape, ...options };
  },
  forward({ device, output, plan }, [target]) {
    const { classes, ignoreIndex, shape } = plan;
    // WGSL has no NaN: it is made of a number's bits, at run time, so that no compiler sees a constant.
    const none = "bitcast<f32>(0x7fc00000u | (bitcast<u32>(x) & 1u))";
    const valid = `select(${none}, 1.0, x >= 0i && x < ${classes}i)`;
    if (output.size > 0)
      elementwise(device, {
        expression: `select(${valid}, 0.0, x == i32(${ignoreIndex}))`,
        inputs: [{ storage: target.storage, shape, type: "i32" }],
        output: output.storage,
        outputType: "f32",
        shape,
      });
    return null;
  },
  vjp: null,
});
