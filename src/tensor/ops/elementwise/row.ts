/** What a row of the elementwise table is, and the names of the rows. */
import type { ElementwiseNumbers } from "../../../kernels/elementwise.js";
import type { DType, Tensor } from "../../tensor.js";

/** The gradient of a row with respect to one input: what is saved is the inputs, the output and the numbers. */
export type RowGradient = ((ops: RowOps, saved: RowSaved, gradOutput: Tensor) => Tensor) | "zero" | null;

/** Rows of `arithmetic.ts`. */
export type ArithmeticName =
  | ("add" | "sub" | "mul" | "div" | "floorDiv" | "remainder" | "fmod" | "pow" | "powGradBase" | "powGradExponent")
  | ("maximum" | "minimum" | "maximumGrad" | "clampBetween" | "within" | "lerp" | "scale" | "affine" | "passBetween")
  | ("neg" | "abs" | "absGrad" | "sign" | "square" | "squareGrad" | "reciprocal" | "sqrt" | "rsqrt")
  | ("floor" | "ceil" | "round" | "trunc" | "frac");
/** Rows of `logic.ts`. */
export type LogicName =
  | ("equal" | "notEqual" | "less" | "lessEqual" | "greater" | "greaterEqual" | "where")
  | ("logicalAnd" | "logicalOr" | "logicalXor" | "logicalNot" | "isNaN" | "isInf" | "isFinite");
/** Rows of `exponential.ts` and `trigonometric.ts`. */
export type FunctionName =
  | ("exp" | "exp2" | "expm1" | "log" | "log2" | "log10" | "log1p" | "erf" | "erfc")
  | ("sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "atan2" | "sinh" | "cosh" | "asinh" | "acosh" | "atanh");
/** Rows of `activation.ts`. */
export type ActivationName =
  | ("relu" | "reluGrad" | "leakyRelu" | "leakyReluSlope" | "elu" | "eluSlope" | "sigmoid" | "sigmoidSlope" | "tanh")
  | (
      | "tanhSlope"
      | "softplus"
      | "softplusSlope"
      | "logSigmoid"
      | "softsign"
      | "softsignSlope"
      | "silu"
      | "siluSlope"
      | "mish"
      | "mishSlope"
    )
  | ("gelu" | "geluSlope" | "geluTanh" | "geluTanhSlope" | "normalDensity" | "hardtanh" | "hardSigmoid" | "hardSwish")
  | "hardSwishSlope";
/** Names of the rows. */
export type RowName = ArithmeticName | LogicName | FunctionName | ActivationName;

/** A row as a function of its inputs and, after them, of its numbers. */
export type RowOp = (...args: (Tensor | ElementwiseNumbers)[]) => Tensor;

/** Rows by name, as functions. */
export type RowOps = Readonly<Record<RowName, RowOp>>;

/** What a row's gradients may use. */
export interface RowSaved {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly numbers: ElementwiseNumbers;
}

/** One elementwise op. */
export interface Row {
  readonly inputs: readonly string[];
  /** Element types that the inputs may have, all of them the same. Default f32 only. */
  readonly accepts?: readonly DType[];
  /** Element types by input, where one is fixed. Default `"same"` for each. */
  readonly dtypes?: readonly (DType | "same")[];
  /** Default: that of the inputs. */
  readonly output?: DType;
  /**
   * The formula. The inputs are x, y, z in order, whatever their names; numbers are dims.a, dims.b, dims.c; the functions of
   * `wgsl/maths` may be called. One for all element types, or one for each.
   */
  readonly wgsl: string | Readonly<Partial<Record<DType, string>>>;
  /** One gradient an input, written with other rows, so that it can be differentiated again; `null` for a row that has none. */
  readonly vjp: readonly RowGradient[] | null;
}

/** f32 and the integers. */
export const numeric = ["f32", "i32", "u32"] as const;
/** Every element type. */
export const every = [...numeric, "bool"] as const;

/** The i-th input that was saved. */
export const input = (saved: RowSaved, i = 0): Tensor => saved.inputs[i] as Tensor;
