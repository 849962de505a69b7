import { elementwise } from "../../kernels/elementwise.js";
import { defineOp } from "../define-op.js";
import type { DType, Tensor } from "../tensor.js";

const toFloat = { f32: "x", i32: "f32(x)", u32: "f32(x)", bool: "f32(x)" } as const;
const toInteger = { f32: "f32_to_i32(x)", i32: "x", u32: "bitcast<i32>(x)", bool: "i32(x)" } as const;
const toUnsigned = { f32: "f32_to_u32(x)", i32: "bitcast<u32>(x)", u32: "x", bool: "x" } as const;
const toBool = {
  f32: "select(0u, 1u, is_true(x))",
  i32: "select(0u, 1u, x != 0)",
  u32: "min(x, 1u)",
  bool: "x",
} as const;

/** WGSL from one element type (inner) to another (outer). */
const conversions: Readonly<Record<DType, Readonly<Record<DType, string>>>> = {
  f32: toFloat,
  i32: toInteger,
  u32: toUnsigned,
  bool: toBool,
};

const storageType = (dtype: DType) => (dtype === "bool" ? "u32" : dtype);

const convert = defineOp({
  name: "cast",
  inputs: ["x"],
  dtypes: { x: "any" },
  plan: ([x], { dtype }: { dtype: DType }) => ({ shape: x.shape, dtype }),
  forward({ device, output, plan }, [x]) {
    elementwise(device, {
      expression: conversions[plan.dtype][x.dtype],
      inputs: [{ storage: x.storage, shape: x.shape, type: storageType(x.dtype) }],
      output: output.storage,
      outputType: storageType(plan.dtype),
      shape: plan.shape,
    });
    return {};
  },
  vjp: null,
});

/**
 * The same values with another element type. A tensor that has it already is returned as it is, gradient and all.
 *
 * - f32 to i32 or u32: towards zero; what lies outside the range becomes its nearest end, and NaN 0.
 * - i32 to u32 and back: the same 32 bits.
 * - i32 or u32 to f32: the nearest f32; exact up to 2^24.
 * - to bool: whether it is not 0; NaN is true. From bool: 0 or 1.
 *
 * Whole numbers have no gradients, so none passes through a change of type.
 *
 * @param x - Any shape and element type.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : convert(x, { dtype });
}
