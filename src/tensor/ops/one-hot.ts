import { elementwise } from "../../kernels/elementwise.js";
import { ShapeError } from "../../kernels/errors.js";
import { checkIndices } from "../../kernels/gather.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { checkShape, describeShapes } from "../shape.js";
import { empty } from "../tensor.js";
import { checkIndexType } from "./gather.js";

/** Options of `oneHot`. */
export interface OneHotOptions {
  /** Number of classes: the size of the new last axis. */
  readonly classes: number;
}

/**
 * A 1 at each index, and 0 elsewhere. `y[..., c] = 1 where indices[...] = c`
 *
 * An index outside of the classes gives a row of zeros, and the next wait for the GPU rejects with an `IndexError`.
 *
 * @param indices - i32 or u32, any shape of at most 7 axes.
 * @param options - `classes`.
 * @returns f32, the shape of `indices`, then `classes`.
 * @throws {ShapeError} when `classes` is no whole number >= 1. @throws {DTypeError} when the indices are no whole numbers.
 */
export const oneHot = defineOp({
  name: "oneHot",
  inputs: ["indices"],
  dtypes: { indices: "any" },
  options: { classes: "number" },
  plan([indices], { classes }: OneHotOptions) {
    checkIndexType("oneHot", indices);
    if (!Number.isInteger(classes) || classes < 1)
      throw new ShapeError(
        `oneHot: classes must be a whole number >= 1, got ${classes}${describeShapes([["indices", indices.shape]])}`,
      );
    const shape = [...indices.shape, classes];
    checkShape("oneHot", shape);
    return { shape, classes };
  },
  forward({ device, output, plan: { shape, classes } }, [indices]): void {
    const { storage, dtype, size } = indices;
    checkIndices(device, "oneHot", { storage, count: size, signed: dtype === "i32" }, classes);
    const type = storedAs(dtype);
    const all = empty(device, [classes], "i32");
    all.device.fill(
      all.storage,
      Int32Array.from({ length: classes }, (_, i) => i),
    );
    elementwise(device, {
      expression: "select(0.0, 1.0, u32(x) == u32(y))",
      inputs: [
        { storage, shape: [...indices.shape, 1], type },
        { storage: all.storage, shape: [classes], type: "i32" },
      ],
      output: output.storage,
      outputType: "f32",
      shape,
    });
    all.dispose();
  },
  vjp: null,
});
