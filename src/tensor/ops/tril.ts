import { elementwise } from "../../kernels/elementwise.js";
import { ShapeError } from "../../kernels/errors.js";
import { defineOp } from "../define-op.js";
import { storedAs } from "../host-values.js";
import { describeShapes } from "../shape.js";
import { empty, type Tensor } from "../tensor.js";

/** Options of `tril` and `triu`. */
export interface TriangleOptions {
  /** The diagonal the triangle ends at: 0 the main one, positive ones above it, negative ones below. Default 0. */
  readonly diagonal?: number;
}

function define(name: "tril" | "triu", kept: string): (x: Tensor, options?: TriangleOptions) => Tensor {
  const op = defineOp({
    name,
    inputs: ["x"],
    dtypes: { x: "any" },
    options: { diagonal: "number?" },
    plan([x], { diagonal = 0 }: TriangleOptions) {
      if (x.rank < 2)
        throw new ShapeError(`${name}: x must have at least 2 axes, got ${x.rank}${describeShapes([["x", x.shape]])}`);
      if (!Number.isInteger(diagonal))
        throw new ShapeError(`${name}: diagonal must be a whole number, got ${diagonal}`);
      return { shape: x.shape, dtype: x.dtype, diagonal };
    },
    forward({ device, output, plan: { shape, diagonal } }, [x]) {
      const [rows, columns] = shape.slice(-2) as [number, number];
      const count = (length: number, from: number) => {
        const numbers = empty(device, [length], "i32");
        if (length > 0)
          device.fill(
            numbers.storage,
            Int32Array.from({ length }, (_, i) => from + i),
          );
        return numbers;
      };
      // The row's number, moved by the diagonal, is compared with the column's.
      const [row, column] = [count(rows, diagonal), count(columns, 0)];
      const type = storedAs(x.dtype);
      elementwise(device, {
        expression: `select(${type}(), x, ${kept})`,
        inputs: [
          { storage: x.storage, shape, type },
          { storage: row.storage, shape: [rows, 1], type: "i32" },
          { storage: column.storage, shape: [columns], type: "i32" },
        ],
        output: output.storage,
        outputType: type,
        shape,
      });
      row.dispose();
      column.dispose();
      return diagonal;
    },
    vjp: { x: (diagonal, gradOutput): Tensor => op(gradOutput, { diagonal }) },
  });
  return op;
}

/**
 * The lower triangle of the last two axes; zeros above it.
 *
 * @param x - [..., R, C], any element type.
 * @param options - `diagonal` (default 0): the last one that is kept.
 * @throws {ShapeError} when there are fewer than 2 axes, or `diagonal` is no whole number.
 */
export const tril = define("tril", "z <= y");

/** The upper triangle of the last two axes; zeros below it. `diagonal` is the first one that is kept. See `tril`. */
export const triu = define("triu", "z >= y");
