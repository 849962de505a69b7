/** Elementwise ops, activations, logic: one formula an element. */
import * as vp from "../../src/index.js";
import { custom, type Entry, each, entry, input, mask, plain } from "./call.js";

const wide = [input([3, 5])];
const positive = [input([3, 5], 0.3, 2)];
const inside = [input([3, 5], -0.8, 0.8)];
/** Fifteen values without a whole number or a half near. */
const betweenHalves = [input([2, 2], -1.4, 1.4)];
const two = [input([3, 1, 4]), input([2, 4])];
const twoPositive = [input([3, 1, 2], 0.4, 2), input([2, 2], 0.5, 1.5)];
const apart = [input([3, 1, 2], 2.2, 2.8), input([2, 2], 0.52, 0.64)];

const unary = (inputs: typeof wide, names: Record<string, string>): Record<string, Entry> =>
  Object.fromEntries(Object.entries(names).map(([op, torch]) => [op, each(op, torch, inputs)]));

/** By op. */
export const elementwise: Readonly<Record<string, Entry>> = {
  ...unary(wide, { abs: "abs", neg: "neg", sign: "sign", square: "square", exp: "exp", exp2: "exp2", expm1: "expm1" }),
  ...unary(wide, {
    erf: "erf",
    erfc: "erfc",
    sin: "sin",
    cos: "cos",
    sinh: "sinh",
    cosh: "cosh",
    atan: "atan",
    asinh: "asinh",
  }),
  ...unary(positive, {
    sqrt: "sqrt",
    rsqrt: "rsqrt",
    reciprocal: "reciprocal",
    log: "log",
    log2: "log2",
    log10: "log10",
    log1p: "log1p",
  }),
  ...unary(inside, { tan: "tan", asin: "asin", acos: "acos", atanh: "atanh" }),
  ...unary([input([3, 5], 1.3, 3)], { acosh: "acosh" }),
  ...unary(betweenHalves, { floor: "floor", ceil: "ceil", round: "round", trunc: "trunc", frac: "frac" }),
  add: each("add", "add", two),
  sub: each("sub", "sub", two),
  mul: each("mul", "mul", two),
  div: each("div", "div", twoPositive),
  floorDiv: each("floorDiv", "floor_divide", apart),
  remainder: each("remainder", "remainder", apart),
  fmod: each("fmod", "fmod", apart),
  maximum: each("maximum", "maximum", [input([3, 4]), input([3, 4])]),
  minimum: each("minimum", "minimum", [input([3, 4]), input([3, 4])]),
  pow: entry(
    "pow",
    custom("x, y", twoPositive, (x, y) => vp.pow(x, y)),
    ...[3, 2, 0.5, -1, 2.5, 1].map((power) => custom(`y = ${power}`, positive, (x) => vp.pow(x, power))),
    custom("negative x, y = 3", wide, (x) => vp.pow(x, 3)),
    custom("x = 2", wide, (y) => vp.pow(2, y)),
  ),
  atan2: each("atan2", "atan2", twoPositive),
  lerp: entry(
    "lerp",
    custom("weight a tensor", [input([3, 4]), input([3, 4]), input([4], 0.1, 0.4)], (x, y, w) => vp.lerp(x, y, w)),
    custom("weight a number", two, (x, y) => vp.lerp(x, y, 0.7)),
  ),
  clamp: each("clamp", "clamp", wide, { min: -1, max: 1 }, { min: -0.47, max: 0.83 }, { min: -0.47 }, { max: 0.83 }),
  clampBetween: each("clampBetween", "clamp", [input([3, 4]), input([4], -0.9, -0.4), input([4], 0.4, 0.9)]),
};

/** By op. */
export const activations: Readonly<Record<string, Entry>> = {
  ...unary(wide, {
    relu: "relu",
    sigmoid: "sigmoid",
    tanh: "tanh",
    logSigmoid: "logsigmoid",
    silu: "silu",
    mish: "mish",
    softsign: "softsign",
    selu: "selu",
  }),
  relu6: each("relu6", "relu6", [input([3, 5], -3, 9)]),
  hardSigmoid: each("hardSigmoid", "hardsigmoid", [input([3, 5], -5, 5)]),
  hardSwish: each("hardSwish", "hardswish", [input([3, 5], -5, 5)]),
  hardtanh: each("hardtanh", "hardtanh", wide, undefined, { min: -0.47, max: 0.83 }),
  leakyRelu: each("leakyRelu", "leaky_relu", wide, undefined, { slope: 0.3 }, { slope: -0.5 }),
  elu: each("elu", "elu", wide, undefined, { alpha: 0.7 }),
  celu: each("celu", "celu", wide, undefined, { alpha: 1.7 }),
  gelu: each("gelu", "gelu", wide, undefined, { approximate: "tanh" }),
  prelu: entry(
    "prelu",
    plain("prelu", [input([3, 4]), input([4], 0.1, 0.9)]),
    plain("prelu", [input([2, 5]), input([1], 0.1, 0.4)]),
  ),
  threshold: each("threshold", "threshold", wide, { threshold: 0.13, value: -0.7 }),
  hardShrink: each("hardShrink", "hardshrink", wide, undefined, { lambda: 0.7 }),
  softShrink: each("softShrink", "softshrink", wide, undefined, { lambda: 0.7 }),
  tanhShrink: each("tanhShrink", "tanhshrink", wide),
  glu: each("glu", "glu", [input([4, 6])], undefined, { axis: 0 }),
  softplus: each("softplus", "softplus", wide, undefined, { beta: 2.5, threshold: 2 }),
};

const comparison = (op: string, torch: string) => each(op, torch, [input([3, 4]), input([3, 4])]);

/** By op. */
export const logic: Readonly<Record<string, Entry>> = {
  equal: comparison("equal", "eq"),
  notEqual: comparison("notEqual", "ne"),
  less: comparison("less", "lt"),
  lessEqual: comparison("lessEqual", "le"),
  greater: comparison("greater", "gt"),
  greaterEqual: comparison("greaterEqual", "ge"),
  logicalAnd: comparison("logicalAnd", "logical_and"),
  logicalOr: comparison("logicalOr", "logical_or"),
  logicalXor: comparison("logicalXor", "logical_xor"),
  ...unary(wide, {
    logicalNot: "logical_not",
    isNaN: "isnan",
    isInf: "isinf",
    isFinite: "isfinite",
  }),
  where: entry(
    "where",
    custom("two tensors", two, (x, y) => vp.where(mask(x, [true, false, true, true]), x, y)),
    custom("a number", wide, (x) => vp.where(mask(x, [true, false, true, true, false]), x, 2)),
  ),
  maskedFill: entry(
    "masked_fill",
    custom("value 2", wide, (x) => vp.maskedFill(x, mask(x, [true, false, true, true, false]), { value: 2 })),
  ),
  cast: entry(
    "Tensor.to",
    custom("to f32", wide, (x) => vp.cast(x, "f32")),
    custom("to i32", betweenHalves, (x) => vp.cast(x, "i32")),
  ),
};
