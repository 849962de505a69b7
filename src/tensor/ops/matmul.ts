import { ShapeError } from "../../kernels/errors.js";
import { matmul as dispatch } from "../../kernels/matmul.js";
import { defineOp } from "../define-op.js";
import { describeShapes, rank2 } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Options of `matmul`. */
export interface MatmulOptions {
  /** Use the transpose of `a`, which is then stored as [K, M]. Default false. */
  readonly transposeA?: boolean;
  /** Use the transpose of `b`, which is then stored as [N, K]. Default false. */
  readonly transposeB?: boolean;
}

/**
 * The product of two matrices. `y[m, n] = sum_k a[m, k] b[k, n]`
 *
 * Operands and results larger than one binding of the adapter are worked on in windows.
 *
 * @param a - [M, K], or [K, M] with `transposeA`.
 * @param b - [K, N], or [N, K] with `transposeB`.
 * @param options - `transposeA` false, `transposeB` false.
 * @returns [M, N].
 * @throws {ShapeError} when an operand does not have 2 axes, or the K of both differ.
 *
 * @example
 * matmul(tensor(device, [1, 2], [1, 2]), tensor(device, [3, 4], [1, 2]), { transposeB: true }); // [[11]]
 */
export const matmul = defineOp({
  name: "matmul",
  inputs: ["a", "b"],
  plan([a, b], { transposeA = false, transposeB = false }: MatmulOptions) {
    const [aRows, aColumns] = rank2("matmul", "a", a.shape);
    const [bRows, bColumns] = rank2("matmul", "b", b.shape);
    const [M, K] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
    const [bK, N] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
    if (K !== bK) {
      const which = `${transposeA ? "rows" : "columns"} of a must equal ${transposeB ? "columns" : "rows"} of b`;
      const shapes = describeShapes([
        ["a", a.shape, transposeA ? "[K, M]" : "[M, K]"],
        ["b", b.shape, transposeB ? "[N, K]" : "[K, N]"],
      ]);
      throw new ShapeError(`matmul: ${which}, got ${K} and ${bK}${shapes}`);
    }
    return { shape: [M, N], M, N, K, transposeA, transposeB };
  },
  forward({ device, output, plan }, [a, b]) {
    dispatch(device, { ...plan, a: a.storage, b: b.storage, bias: null, output: output.storage });
    return { a, b, transposeA: plan.transposeA, transposeB: plan.transposeB };
  },
  vjp: {
    a({ b, transposeA, transposeB }, gradOutput): Tensor {
      if (transposeA) return matmul(b, gradOutput, { transposeA: transposeB, transposeB: true });
      return matmul(gradOutput, b, { transposeB: !transposeB });
    },
    b({ a, transposeA, transposeB }, gradOutput): Tensor {
      if (transposeB) return matmul(gradOutput, a, { transposeA: true, transposeB: transposeA });
      return matmul(a, gradOutput, { transposeA: !transposeA });
    },
  },
});
