/** The elementwise ops: each is a row of `elementwise-table.ts`, given its name and doc comment here. All broadcast by NumPy's rule. */
import { elementwise } from "../../kernels/elementwise.js";
import { defineOp, type Plan } from "../define-op.js";
import { broadcastShapes } from "../shape.js";
import type { DType, Tensor } from "../tensor.js";
import { elementwiseTable, type Row, type RowName, type RowOps, type RowSaved } from "./elementwise-table.js";

const storageType = (dtype: DType) => (dtype === "bool" ? "u32" : dtype);

function defineRow(name: RowName, row: Row) {
  const dtypes = row.dtypes ?? row.inputs.map(() => "f32" as const);
  const output = row.output ?? "f32";
  const gradients = row.inputs.map((input, i) => {
    const gradient = row.vjp?.[i] ?? null;
    const run = typeof gradient === "function" ? (saved: RowSaved, g: Tensor) => gradient(ops, saved, g) : gradient;
    return [input, run] as const;
  });
  return defineOp<readonly string[], object, Plan, RowSaved>({
    name,
    inputs: row.inputs as readonly string[],
    dtypes: Object.fromEntries(row.inputs.map((input, i) => [input, dtypes[i]])) as Record<string, DType>,
    plan: (inputs: readonly (Tensor | null)[]) => ({
      shape: broadcastShapes(
        name,
        inputs.map((tensor, i) => [row.inputs[i] as string, (tensor as Tensor).shape]),
      ),
      dtype: output,
    }),
    forward({ device, output: target, plan }, inputs: readonly (Tensor | null)[]): RowSaved {
      const tensors = inputs as readonly Tensor[];
      elementwise(device, {
        expression: row.wgsl,
        inputs: tensors.map(({ storage, shape, dtype }) => ({ storage, shape, type: storageType(dtype) })),
        output: target.storage,
        outputType: storageType(output),
        shape: plan.shape,
      });
      return { inputs: tensors, output: target };
    },
    vjp: row.vjp === null ? null : Object.fromEntries(gradients),
  }) as unknown as (...inputs: Tensor[]) => Tensor;
}

const ops = Object.fromEntries(
  Object.entries(elementwiseTable).map(([name, row]) => [name, defineRow(name as RowName, row)]),
) as unknown as RowOps;

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Tensor, y: Tensor) => Tensor;

/** `x + y`. */
export const add: Binary = ops.add;
/** `x - y`. */
export const sub: Binary = ops.sub;
/** `x * y`. */
export const mul: Binary = ops.mul;
/** `x / y`. */
export const div: Binary = ops.div;
/** `x` to the power `y`; a negative base takes whole exponents only, else NaN. `0^0` is 1. */
export const pow: Binary = ops.pow;
/** The larger of the two; NaN if either is. Equal values share the gradient. */
export const maximum: Binary = ops.maximum;
/** The smaller of the two; NaN if either is. Equal values share the gradient. */
export const minimum: Binary = ops.minimum;
/** `x == y`, as bool. */
export const equal: Binary = ops.equal;
/** `x < y`, as bool. */
export const less: Binary = ops.less;
/** `x <= y`, as bool. */
export const lessEqual: Binary = ops.lessEqual;
/** `x > y`, as bool. */
export const greater: Binary = ops.greater;
/** `x >= y`, as bool. */
export const greaterEqual: Binary = ops.greaterEqual;
/** `-x`. */
export const neg: Unary = ops.neg;
/** `|x|`; its gradient at 0 is 0. */
export const abs: Unary = ops.abs;
/** -1, 0 or 1; its gradient is 0 everywhere. */
export const sign: Unary = ops.sign;
/** `e^x`. */
export const exp: Unary = ops.exp;
/** Natural logarithm. */
export const log: Unary = ops.log;
/** Square root. */
export const sqrt: Unary = ops.sqrt;
/** `x * x`. */
export const square: Unary = ops.square;
/** `x sign(y)`: the gradient of `abs` at y, times x. */
export const absGrad: Binary = ops.absGrad;
/** `2 x y`: the gradient of `square` at y, times x. */
export const squareGrad: Binary = ops.squareGrad;
/** `1 / x`. */
export const reciprocal: Unary = ops.reciprocal;
/** `max(x, 0)`; NaN stays NaN; its gradient at 0 is 0. */
export const relu: Unary = ops.relu;
/** `1 / (1 + e^-x)`, without overflow. */
export const sigmoid: Unary = ops.sigmoid;
/** Hyperbolic tangent. */
export const tanh: Unary = ops.tanh;
/** `x` where `condition` (bool) holds, else `y`. */
export const where: (condition: Tensor, x: Tensor, y: Tensor) => Tensor = ops.where;
/** `x` limited to [low, high], both tensors; the gradient passes where `low <= x <= high`. See `clamp` for plain numbers. */
export const clampBetween: (x: Tensor, low: Tensor, high: Tensor) => Tensor = ops.clampBetween;
