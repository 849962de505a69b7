import { ShapeError } from "../../kernels/errors.js";
import { batchedMatmul, matmul as dispatch } from "../../kernels/matmul.js";
import { checkInputs, defineOp, type Op } from "../define-op.js";
import { readOptions } from "../options.js";
import { broadcastShapes, describeShapes, sizeOf } from "../shape.js";
import { constant, type Tensor } from "../tensor.js";
import { cast } from "./cast.js";
import { mul } from "./elementwise.js";
import { reshape } from "./reshape.js";
import { broadcastTo } from "./sum.js";

/** Options of `matmul`. */
export interface MatmulOptions {
  /** Use the transpose of `a`, which is then stored as [K, M]. Default false. */
  readonly transposeA?: boolean;
  /** Use the transpose of `b`, which is then stored as [N, K]. Default false. */
  readonly transposeB?: boolean;
  /** Factor of the result. Default 1. */
  readonly alpha?: number;
}

/** `[B, M, K]` and `[B, K, N]` to `[B, M, N]`, or matrices alone: what `matmul` is made of. Shapes are checked there. */
const product = defineOp({
  name: "matmul",
  inputs: ["a", "b"],
  plan([a, b], { transposeA = false, transposeB = false }: MatmulOptions) {
    const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
    const [M, K, N] = [transposeA ? aColumns : aRows, transposeA ? aRows : aColumns, transposeB ? bRows : bColumns];
    return { shape: [...a.shape.slice(0, -2), M, N], M, N, K, transposeA, transposeB };
  },
  forward({ device, output, plan }, [a, b]) {
    const launch = { ...plan, a: a.storage, b: b.storage, output: output.storage };
    if (a.rank === 2) dispatch(device, { ...launch, bias: null });
    else batchedMatmul(device, { ...launch, count: a.shape[0] as number });
    return { a, b, transposeA: plan.transposeA, transposeB: plan.transposeB };
  },
  vjp: {
    a({ b, transposeA, transposeB }, gradOutput): Tensor {
      if (transposeA) return product(b, gradOutput, { transposeA: transposeB, transposeB: true });
      return product(gradOutput, b, { transposeB: !transposeB });
    },
    b({ a, transposeA, transposeB }, gradOutput): Tensor {
      if (transposeB) return product(gradOutput, a, { transposeA: true, transposeB: transposeA });
      return product(a, gradOutput, { transposeA: !transposeA });
    },
  },
});

/** @throws {ShapeError} unless both have an axis and the K of both agree. */
function checkInner(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): void {
  const [aVector, bVector] = [a.rank < 2, b.rank < 2];
  const lines = () =>
    describeShapes([
      ["a", a.shape, aVector ? "[K]" : transposeA ? "[K, M]" : "[M, K]"],
      ["b", b.shape, bVector ? "[K]" : transposeB ? "[N, K]" : "[K, N]"],
    ]);
  for (const [name, x] of [
    ["a", a],
    ["b", b],
  ] as const)
    if (x.rank === 0) throw new ShapeError(`matmul: ${name} must have at least 1 axis, got 0${lines()}`);
  const K = a.shape.at(transposeA && !aVector ? -2 : -1);
  const bK = b.shape.at(transposeB || bVector ? -1 : -2);
  if (K === bK) return;
  const rule = `${aVector ? "elements" : transposeA ? "rows" : "columns"} of a must equal ${bVector ? "elements" : transposeB ? "columns" : "rows"} of b`;
  throw new ShapeError(`matmul: ${rule}, got ${K} and ${bK}${lines()}`);
}

/** Both operands with the batch axes of the result, as one axis. */
function batched(a: Tensor, b: Tensor, options: MatmulOptions): Tensor {
  const lead = broadcastShapes("matmul", [
    ["a", a.shape.slice(0, -2)],
    ["b", b.shape.slice(0, -2)],
  ]);
  const count = sizeOf(lead);
  const flat = (x: Tensor) =>
    reshape(broadcastTo(x, { shape: [...lead, ...x.shape.slice(-2)] }), { shape: [count, ...x.shape.slice(-2)] });
  const y = product(flat(a), flat(b), options);
  return reshape(y, { shape: [...lead, ...y.shape.slice(-2)] });
}

/**
 * The product of matrices. `y[..., m, n] = alpha sum_k a[..., m, k] b[..., k, n]`
 *
 * Axes before the last two are a batch and broadcast by NumPy's rule. A vector is a row on the left and a column on the right,
 * and leaves no axis in the result. Operands and results larger than one binding of the adapter are worked on in windows.
 *
 * @param a - [..., M, K], or [..., K, M] with `transposeA`; or [K].
 * @param b - [..., K, N], or [..., N, K] with `transposeB`; or [K].
 * @param options - `transposeA` false, `transposeB` false (no effect on a vector), `alpha` 1.
 * @returns [..., M, N], without M or N where that operand is a vector. Zeros where K is 0.
 * @throws {ShapeError} when an operand has no axis, the K of both differ, or the batch axes do not broadcast.
 *
 * @example
 * matmul(tensor(device, [1, 2], [1, 2]), tensor(device, [3, 4], [1, 2]), { transposeB: true }); // [[11]]
 */
export const matmul: Op<readonly ["a", "b"], MatmulOptions> = Object.assign(
  (a: Tensor, b: Tensor, given: MatmulOptions = {}): Tensor => {
    checkInputs("matmul", ["a", "b"], [a, b]);
    const kinds = { transposeA: "boolean?", transposeB: "boolean?", alpha: "number?" } as const;
    const { transposeA = false, transposeB = false, alpha = 1 } = readOptions<MatmulOptions>("matmul", given, kinds);
    checkInner(a, b, transposeA, transposeB);
    // A product of its own would be rounded to f16.
    if (alpha !== 1 && a.dtype === "f16") {
      const y = mul(matmul(cast(a, "f32"), cast(b, "f32"), { transposeA, transposeB }), constant(a.device, alpha));
      return b.dtype === "f16" ? cast(y, "f16") : y;
    }
    const scaled = alpha === 1 ? a : mul(a, constant(a.device, alpha));
    const left = a.rank === 1 ? reshape(scaled, { shape: [1, a.size] }) : scaled;
    const right = b.rank === 1 ? reshape(b, { shape: [b.size, 1] }) : b;
    const options = { transposeA: transposeA && a.rank > 1, transposeB: transposeB && b.rank > 1 };
    const y = multiply(left, right, options);
    const lead = y.shape.slice(0, -2);
    const [M, N] = y.shape.slice(-2) as [number, number];
    if (a.rank > 1 && b.rank > 1) return y;
    return reshape(y, { shape: [...lead, ...(a.rank === 1 ? [] : [M]), ...(b.rank === 1 ? [] : [N])] });
  },
  { opName: "matmul" },
);

function multiply(a: Tensor, b: Tensor, options: MatmulOptions): Tensor {
  if (a.rank === 2 && b.rank === 2) return product(a, b, options);
  if (b.rank > 2 || options.transposeA) return batched(a, b, options);
  // One matrix for the whole batch: its rows are rows of one tall matrix.
  const rows = a.shape.slice(0, -1);
  const y = product(reshape(a, { shape: [sizeOf(rows), a.shape.at(-1) as number] }), b, options);
  return reshape(y, { shape: [...rows, y.shape[1] as number] });
}
