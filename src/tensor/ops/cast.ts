import { elementwise } from "../../kernels/elementwise.js";
import { narrow } from "../../kernels/half.js";
import { checkInputs, defineOp, widened } from "../define-op.js";
import { checkType } from "../host-values.js";
import type { DType, Tensor } from "../tensor.js";

type WordType = Exclude<DType, "f16">;

const toF32 = { f32: "x", i32: "f32(x)", u32: "f32(x)", bool: "f32(x)" } as const;
const toInteger = { f32: "f32_to_i32(x)", i32: "x", u32: "bitcast<i32>(x)", bool: "i32(x)" } as const;
const toUnsigned = { f32: "f32_to_u32(x)", i32: "bitcast<u32>(x)", u32: "x", bool: "x" } as const;
const toBool = {
  f32: "select(0u, 1u, is_true(x))",
  i32: "select(0u, 1u, x != 0)",
  u32: "min(x, 1u)",
  bool: "x",
} as const;

/** WGSL from one element type (inner) to another (outer). */
const conversions: Readonly<Record<WordType, Readonly<Record<WordType, string>>>> = {
  f32: toF32,
  i32: toInteger,
  u32: toUnsigned,
  bool: toBool,
};

const storageType = (dtype: WordType) => (dtype === "bool" ? "u32" : dtype);

const convert = defineOp({
  name: "cast",
  inputs: ["x"],
  dtypes: { x: "any" },
  plan: ([x], { dtype }: { dtype: WordType }) => ({ shape: x.shape, dtype }),
  forward({ device, output, plan }, [x]) {
    const from = x.dtype as WordType;
    elementwise(device, {
      expression: conversions[plan.dtype][from],
      inputs: [{ storage: x.storage, shape: x.shape, type: storageType(from) }],
      output: output.storage,
      outputType: storageType(plan.dtype),
      shape: plan.shape,
    });
    return {};
  },
  vjp: null,
});

/** f32 to f16. Gradients are f32 on both sides. */
const toHalf = defineOp({
  name: "cast",
  inputs: ["x"],
  dtypes: { x: "f32" },
  halves: "stored",
  plan: ([x], _options: object) => ({ shape: x.shape, dtype: "f16" as const }),
  forward({ device, output }, [x]) {
    narrow(device, { input: x.storage, output: output.storage, count: x.size });
    return {};
  },
  vjp: { x: (_saved, gradOutput): Tensor => gradOutput },
});

/** A function of ops on an f16 tensor, computed in f32, of which only the result is rounded. */
export const roundedOnce = (x: Tensor, f: (x: Tensor) => Tensor): Tensor => cast(f(cast(x, "f32")), "f16");

/**
 * The same values with another element type. A tensor that has it already is returned as it is, gradient and all.
 *
 * - f32 to i32 or u32: towards zero; what lies outside the range becomes its nearest end, and NaN 0.
 * - i32 to u32 and back: the same 32 bits.
 * - i32 or u32 to f32: the nearest f32; exact up to 2^24.
 * - f32 to f16: the nearest half, ties to even; infinity from 65520 on; subnormal halves and NaN are kept. f16 to f32: exact.
 *   Other types by way of f32.
 * - to bool: whether it is not 0; NaN is true. From bool: 0 or 1.
 *
 * Between f32 and f16 the gradient passes as it is: gradients are f32, also those of f16 tensors. Whole numbers have none.
 *
 * @param x - Any shape and element type.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkInputs("cast", ["x"], [x], "any");
  checkType("cast", dtype);
  if (x.dtype === dtype) return x;
  const wide = x.dtype === "f16" ? widened(x) : x;
  if (dtype === "f16") return toHalf(wide.dtype === "f32" ? wide : convert(wide, { dtype: "f32" }));
  return wide.dtype === dtype ? wide : convert(wide, { dtype });
}
