/** Activations. At kinks the gradients are PyTorch's: relu'(0) = 0, leakyRelu'(0) = slope, hardtanh passes inside its limits only. */
import { rectified } from "../../../kernels/elementwise.js";
import type { Tensor } from "../../tensor.js";
import { type ActivationName, input, type Row, type RowOps } from "./row.js";

/** A row whose derivative at x, from x and its value, is `slope`. */
const smooth = (wgsl: string, slope: (ops: RowOps, x: Tensor, value: Tensor) => Tensor): Row => ({
  inputs: ["x"],
  wgsl,
  vjp: [(ops, saved, g) => ops.mul(g, slope(ops, input(saved), saved.output))],
});

/** A row of numbers a, b, c, whose derivative is another row of the same numbers. */
const withNumbers = (wgsl: string, slope: "leakyReluSlope" | "eluSlope" | "softplusSlope"): Row => ({
  inputs: ["x"],
  wgsl,
  vjp: [(ops, saved, g) => ops.mul(g, ops[slope](input(saved), saved.numbers))],
});

/** d/dx of silu'(x): s (1 - s) (2 + x (1 - 2 s)). */
function siluCurve(ops: RowOps, x: Tensor): Tensor {
  const s = ops.sigmoid(x);
  return ops.mul(ops.sigmoidSlope(s), ops.affine(ops.mul(x, ops.affine(s, { a: -2, b: 1 })), { a: 1, b: 2 }));
}

/** d/dx of mish'(x): (1 - t^2) s (2 + x (1 - s - 2 t s)), t = tanh(softplus x). */
function mishCurve(ops: RowOps, x: Tensor): Tensor {
  const s = ops.sigmoid(x);
  const t = ops.tanh(ops.softplus(x, { a: 1, b: 20 }));
  const bracket = ops.sub(ops.affine(s, { a: -1, b: 1 }), ops.scale(ops.mul(t, s), { a: 2 }));
  return ops.mul(ops.mul(ops.tanhSlope(t), s), ops.affine(ops.mul(x, bracket), { a: 1, b: 2 }));
}

/** The tanh form of gelu is x sigmoid(v), v = k x + m x^3. */
const k = 2 * Math.sqrt(2 / Math.PI);
const m = 0.044715 * k;
const geluInner = `x * (${k} + ${m} * x * x)`;

/** d/dx of it twice: s (1 - s) (2 v' + x ((1 - 2 s) v'^2 + v'')). */
function geluTanhCurve(ops: RowOps, x: Tensor): Tensor {
  const x2 = ops.square(x);
  const s = ops.sigmoid(ops.mul(x, ops.affine(x2, { a: m, b: k })));
  const v1 = ops.affine(x2, { a: 3 * m, b: k });
  const inner = ops.add(ops.mul(ops.affine(s, { a: -2, b: 1 }), ops.square(v1)), ops.scale(x, { a: 6 * m }));
  return ops.mul(ops.sigmoidSlope(s), ops.add(ops.scale(v1, { a: 2 }), ops.mul(x, inner)));
}

/** Rows by name. */
export const activationRows: Readonly<Record<ActivationName, Row>> = {
  relu: {
    inputs: ["x"],
    accepts: ["f32", "i32"],
    wgsl: { f32: rectified, i32: "max(x, 0)" },
    vjp: [(ops, saved, g) => ops.reluGrad(g, saved.output)],
  },
  /** The gradient x where the value y of relu is positive or NaN, else 0. */
  reluGrad: {
    inputs: ["x", "y"],
    wgsl: "select(x, 0.0, order_key(y) <= 0)",
    vjp: [(ops, saved, g) => ops.reluGrad(g, input(saved, 1)), "zero"],
  },
  leakyRelu: withNumbers("select(dims.a * x, x, x > 0.0)", "leakyReluSlope"),
  leakyReluSlope: { inputs: ["x"], wgsl: "select(dims.a, 1.0, x > 0.0)", vjp: ["zero"] },
  /** b x above 0, a (e^(c x) - 1) below. */
  elu: withNumbers("select(dims.a * exponential_minus_1(dims.c * x), dims.b * x, x > 0.0)", "eluSlope"),
  eluSlope: {
    inputs: ["x"],
    wgsl: "select(dims.a * dims.c * exponential(dims.c * x), dims.b, x > 0.0)",
    vjp: [
      (ops, saved, g) => {
        const { a = 0, c = 0 } = saved.numbers;
        return ops.mul(g, ops.eluSlope(input(saved), { a: a * c, b: 0, c }));
      },
    ],
  },
  sigmoid: smooth("logistic(x)", (ops, _x, value) => ops.sigmoidSlope(value)),
  /** x (1 - x): the slope of sigmoid, from its value. */
  sigmoidSlope: smooth("x * (1.0 - x)", (ops, x) => ops.affine(x, { a: -2, b: 1 })),
  tanh: smooth("hyperbolic_tangent(x)", (ops, _x, value) => ops.tanhSlope(value)),
  /** 1 - x^2: the slope of tanh, from its value. */
  tanhSlope: smooth("1.0 - x * x", (ops, x) => ops.scale(x, { a: -2 })),
  /** log(1 + e^(a x)) / a, or x where a x > b. */
  softplus: withNumbers("select(log_1_plus_exp(dims.a * x) / dims.a, x, dims.a * x > dims.b)", "softplusSlope"),
  softplusSlope: {
    inputs: ["x"],
    wgsl: "select(logistic(dims.a * x), 1.0, dims.a * x > dims.b)",
    // Where the value is 1, so is the slope, and the curvature 0.
    vjp: [(ops, { output, numbers: { a = 0 } }, g) => ops.mul(g, ops.scale(ops.sigmoidSlope(output), { a }))],
  },
  logSigmoid: smooth("-log_1_plus_exp(-x)", (ops, x) => ops.sigmoid(ops.neg(x))),
  softsign: smooth("x / (1.0 + abs(x))", (ops, x) => ops.softsignSlope(x)),
  /** 1 / (1 + |x|)^2, where softsign itself is a number. */
  softsignSlope: smooth("select(1.0 / ((1.0 + abs(x)) * (1.0 + abs(x))), nan_of(x), is_infinite(x))", (ops, x, value) =>
    ops.absGrad(ops.scale(ops.div(value, ops.affine(ops.abs(x), { a: 1, b: 1 })), { a: -2 }), x),
  ),
  silu: smooth("x * logistic(x)", (ops, x) => ops.siluSlope(x)),
  /** s (1 + x (1 - s)), s = sigmoid x. */
  siluSlope: smooth("logistic(x) * (1.0 + x * logistic(-x))", siluCurve),
  // Far below 0 it is x e^x, in factors that no adapter flushes to 0.
  mish: smooth(
    "select(x * hyperbolic_tangent(log_1_plus_exp(x)), x * exponential(0.5 * x) * exponential(0.5 * x), x < -20.0)",
    (ops, x) => ops.mishSlope(x),
  ),
  /** t + x (1 - t^2) s, t = tanh(softplus x), s = sigmoid x. */
  mishSlope: smooth("mish_slope(x)", mishCurve),
  gelu: smooth("x * normal_distribution(x)", (ops, x) => ops.geluSlope(x)),
  geluSlope: smooth("normal_distribution(x) + x * normal_density(x)", (ops, x) =>
    ops.mul(ops.normalDensity(x), ops.affine(ops.square(x), { a: -1, b: 2 })),
  ),
  /** The density of the standard normal distribution. */
  normalDensity: smooth("normal_density(x)", (ops, x, value) => ops.neg(ops.mul(x, value))),
  geluTanh: smooth(`x * logistic(${geluInner})`, (ops, x) => ops.geluTanhSlope(x)),
  geluTanhSlope: smooth("gelu_tanh_slope(x)", geluTanhCurve),
  /** x limited to [a, b]. */
  hardtanh: {
    inputs: ["x"],
    wgsl: "select(min(max(x, dims.a), dims.b), x, is_nan(x))",
    vjp: [(ops, saved, g) => ops.passBetween(g, input(saved), saved.numbers)],
  },
  hardSigmoid: {
    inputs: ["x"],
    wgsl: "select(min(max(x + 3.0, 0.0), 6.0) / 6.0, x, is_nan(x))",
    vjp: [(ops, saved, g) => ops.passBetween(ops.scale(g, { a: 1 / 6 }), input(saved), { a: -3, b: 3 })],
  },
  hardSwish: smooth("select(x * (min(max(x + 3.0, 0.0), 6.0) / 6.0), x, is_nan(x))", (ops, x) => ops.hardSwishSlope(x)),
  /** 0 below -3, 1 from 3 on, x / 3 + 1 / 2 between. */
  hardSwishSlope: {
    inputs: ["x"],
    wgsl: "select(select(select(x / 3.0 + 0.5, 0.0, x < -3.0), 1.0, x >= 3.0), x, is_nan(x))",
    vjp: [(ops, saved, g) => ops.passBetween(ops.scale(g, { a: 1 / 3 }), input(saved), { a: -3, b: 3 })],
  },
};
