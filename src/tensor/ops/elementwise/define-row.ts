/** Rows of the table as ops: the checks, the dispatch, and numbers as operands. */
import { type ElementwiseNumbers, elementwise } from "../../../kernels/elementwise.js";
import { DTypeError, ShapeError } from "../../../kernels/errors.js";
import { defineOp, type Plan } from "../../define-op.js";
import { computedAs } from "../../host-values.js";
import type { Kinds } from "../../options.js";
import { broadcastShapes } from "../../shape.js";
import { constant, type DType, Tensor } from "../../tensor.js";
import { elementwiseTable } from "../elementwise-table.js";
import type { Row, RowName, RowOp, RowOps, RowSaved } from "./row.js";

/** The right-hand side of an arithmetic function: a number is a scalar, of the other operand's element type, made once per device. */
export type Operand = Tensor | number;

const storageType = (dtype: DType) => (dtype === "bool" ? "u32" : computedAs(dtype));
const list = (types: readonly string[]) =>
  types.length === 1 ? types[0] : `${types.slice(0, -1).join(", ")} or ${types.at(-1)}`;

/** The element type that the inputs share. @throws {DTypeError} when they differ or the row does not take it. */
function sharedType(name: string, row: Row, tensors: readonly Tensor[]): DType {
  const accepts = row.accepts ?? (["f32"] as const);
  let shared: { name: string; dtype: DType } | null = null;
  for (const [i, tensor] of tensors.entries()) {
    const dtype = computedAs(tensor.dtype);
    const input = row.inputs[i] as string;
    const fixed = row.dtypes?.[i] ?? "same";
    const allowed = fixed === "same" ? accepts : [fixed];
    if (!allowed.includes(dtype))
      throw new DTypeError(
        `${name}: ${input} must be ${list(allowed)}, got ${tensor.dtype}; cast(${input}, "${allowed[0]}") converts`,
      );
    if (fixed !== "same") continue;
    if (shared && shared.dtype !== dtype) {
      throw new DTypeError(
        `${name}: ${shared.name} and ${input} must have the same element type, got ${shared.dtype} and ${tensor.dtype}; cast(${input}, "${shared.dtype}") converts`,
      );
    }
    shared ??= { name: input, dtype };
  }
  return shared?.dtype ?? "f32";
}

interface RowPlan extends Plan {
  readonly type: DType;
  readonly numbers: ElementwiseNumbers;
}

function defineRow(name: RowName, row: Row): RowOp {
  const gradients = row.inputs.map((input, i) => {
    const gradient = row.vjp?.[i] ?? null;
    const run = typeof gradient === "function" ? (saved: RowSaved, g: Tensor) => gradient(rowOps, saved, g) : gradient;
    return [input, run] as const;
  });
  const usesNumbers = JSON.stringify(row.wgsl).includes("dims.");
  return defineOp<readonly string[], ElementwiseNumbers, RowPlan, RowSaved>({
    name,
    inputs: row.inputs as readonly string[],
    // Numbers are given by the functions around a row, which have checked them.
    options: (usesNumbers ? { a: "number?", b: "number?", c: "number?" } : {}) as Kinds<ElementwiseNumbers>,
    dtypes: Object.fromEntries(row.inputs.map((input) => [input, "any" as const])),
    plan(inputs, numbers): RowPlan {
      const tensors = inputs as readonly Tensor[];
      const type = sharedType(name, row, tensors);
      const shapes = tensors.map((tensor, i) => [row.inputs[i] as string, tensor.shape] as const);
      return { shape: broadcastShapes(name, shapes), dtype: row.output ?? type, type, numbers };
    },
    forward({ device, output: target, plan }, inputs): RowSaved {
      const tensors = inputs as readonly Tensor[];
      elementwise(device, {
        expression: typeof row.wgsl === "string" ? row.wgsl : (row.wgsl[plan.type] ?? ""),
        numbers: plan.numbers,
        inputs: tensors.map(({ storage, shape, dtype }) => ({ storage, shape, type: storageType(dtype) })),
        output: target.storage,
        outputType: storageType(target.dtype),
        shape: plan.shape,
      });
      return { inputs: tensors, output: target, numbers: plan.numbers };
    },
    vjp: row.vjp === null ? null : Object.fromEntries(gradients),
  }) as unknown as RowOp;
}

/** Every row as an op. */
export const rowOps: RowOps = Object.fromEntries(
  Object.entries(elementwiseTable).map(([name, row]) => [name, defineRow(name as RowName, row)]),
) as unknown as RowOps;

function operand(value: Operand, other: Operand): Tensor {
  if (typeof value !== "number") return value;
  // Anything else is refused by the op itself, which names the operand.
  return other instanceof Tensor
    ? constant(other.device, value, computedAs(other.dtype))
    : (value as unknown as Tensor);
}

/** A row of one input. */
export type Unary = (x: Tensor) => Tensor;
/** A row of two inputs, one of which may be a plain number. */
export type Binary = (x: Operand, y: Operand) => Tensor;

/** A row of two inputs as a function that takes numbers too. */
export const binary =
  (name: RowName): Binary =>
  (x: Operand, y: Operand, ...rest: unknown[]) =>
    rowOps[name](operand(x, y), operand(y, x), ...(rest as []));

/** Two tensors from operands, for functions of a tensor and two such. */
export const operands = (x: Operand, y: Operand): [Tensor, Tensor] => [operand(x, y), operand(y, x)];

/** @throws {ShapeError} unless the option is a finite number. */
export function checkNumber(op: string, option: string, value: number): void {
  if (!Number.isFinite(value)) throw new ShapeError(`${op}: ${option} must be a finite number, got ${value}`);
}
