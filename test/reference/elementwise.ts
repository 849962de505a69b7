/** The rows of the elementwise table in float64, with the options' defaults, and where to test them. */
import type { RowName } from "../../src/tensor/ops/elementwise/row.js";
import { erf, erfc } from "./erf.js";

/** What a row computes. */
export interface RowReference {
  readonly reference: (...values: number[]) => number;
  /** Interval of test values for each input; the tests stay off kinks by themselves. */
  readonly domain: readonly (readonly [number, number])[];
  /** Points where the value jumps or the gradient has a kink. */
  readonly kink?: (...values: number[]) => boolean;
}

type Kink = (...values: number[]) => boolean;
const wide = [-3, 3] as const;
const positive = [0.2, 3] as const;
const nearEqual = (x = 0, y = 0) => Math.abs(x - y) < 0.05;
const near =
  (...points: number[]): Kink =>
  (x) =>
    points.some((point) => nearEqual(x, point));
const one = (
  reference: (x: number) => number,
  domain: readonly [number, number] = wide,
  kink?: Kink,
): RowReference => ({
  reference: reference as (...values: number[]) => number,
  domain: [domain],
  ...(kink ? { kink } : {}),
});
const two = (
  reference: (x: number, y: number) => number,
  domain: RowReference["domain"] = [wide, wide],
  kink?: Kink,
): RowReference => ({ reference: reference as (...values: number[]) => number, domain, ...(kink ? { kink } : {}) });
const three = (
  reference: (x: number, y: number, z: number) => number,
  domain: RowReference["domain"] = [wide, wide, wide],
  kink?: Kink,
): RowReference => ({ reference: reference as (...values: number[]) => number, domain, ...(kink ? { kink } : {}) });
const test = (holds: (x: number, y: number) => boolean) =>
  two((x, y) => (holds(x, y) ? 1 : 0), [wide, wide], nearEqual);
const rounding = (reference: (x: number) => number, offset = 0) =>
  one(reference, wide, (x = 0) => Math.abs(x + offset - Math.round(x + offset)) < 0.05);
const quotients: RowReference["domain"] = [wide, [0.5, 3]];
const wholeQuotient: Kink = (x = 0, y = 1) => Math.abs(x / y - Math.round(x / y)) < 0.05;
const powers: RowReference["domain"] = [positive, [-2, 3]];
const limits: RowReference["domain"] = [wide, [-2, -1], [1, 2]];
const atLimits: Kink = (x, low, high) => nearEqual(x, low) || nearEqual(x, high);

const halfEven = (x: number) => {
  const below = Math.floor(x);
  return x - below === 0.5 ? 2 * Math.round(below / 2) : Math.round(x);
};
const fmod = (x: number, y: number) => x % y;
const remainder = (x: number, y: number) => {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
};
const floorDiv = (x: number, y: number) => (y === 0 ? x / y : Math.round((x - remainder(x, y)) / y));
const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const distribution = (x: number) => erfc(-x / Math.SQRT2) / 2;
const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const geluInner = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
const geluSlope = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x ** 2);
const siluSlope = (x: number) => logistic(x) * (1 + x * (1 - logistic(x)));
const mishSlope = (x: number) => {
  const t = Math.tanh(softplus(x));
  return t + x * (1 - t * t) * logistic(x);
};

/** References by row; a row without one is a compile error. */
export const rowReferences: Readonly<Record<RowName, RowReference>> = {
  add: two((x, y) => x + y),
  sub: two((x, y) => x - y),
  mul: two((x, y) => x * y),
  div: two((x, y) => x / y, quotients),
  floorDiv: two(floorDiv, quotients, wholeQuotient),
  remainder: two(remainder, quotients, wholeQuotient),
  fmod: two(fmod, quotients, wholeQuotient),
  pow: two((x, y) => x ** y, powers),
  powGradBase: two((x, y) => (y === 0 ? 0 : y * x ** (y - 1)), powers),
  powGradExponent: two((x, y) => (x === 0 && y >= 0 ? 0 : x ** y * Math.log(x)), powers),
  maximum: two(Math.max, [wide, wide], nearEqual),
  minimum: two(Math.min, [wide, wide], nearEqual),
  maximumGrad: three(
    (g, x, y) => (x < y ? 0 : x === y ? g / 2 : g),
    [wide, wide, wide],
    (_g, x, y) => nearEqual(x, y),
  ),
  clampBetween: three(clip, limits, atLimits),
  within: three((x, low, high) => (x >= low && x <= high ? 1 : 0), limits, atLimits),
  lerp: three((x, y, weight) => x + weight * (y - x), [wide, wide, [-0.5, 1.5]]),
  scale: one(() => 0),
  affine: one(() => 0),
  passBetween: two(() => 0),
  neg: one((x) => -x),
  abs: one(Math.abs, wide, near(0)),
  absGrad: two(
    (x, y) => x * Math.sign(y),
    [wide, wide],
    (_x, y) => nearEqual(y),
  ),
  sign: one((x) => (Number.isNaN(x) ? 0 : Math.sign(x)), wide, near(0)),
  square: one((x) => x * x),
  squareGrad: two((x, y) => 2 * x * y),
  reciprocal: one((x) => 1 / x, [0.5, 3]),
  sqrt: one(Math.sqrt, positive),
  rsqrt: one((x) => 1 / Math.sqrt(x), positive),
  floor: rounding(Math.floor),
  ceil: rounding(Math.ceil),
  round: rounding(halfEven, 0.5),
  trunc: rounding(Math.trunc),
  frac: rounding((x) => x - Math.trunc(x)),

  equal: test((x, y) => x === y),
  notEqual: test((x, y) => x !== y),
  less: test((x, y) => x < y),
  lessEqual: test((x, y) => x <= y),
  greater: test((x, y) => x > y),
  greaterEqual: test((x, y) => x >= y),
  logicalAnd: test((x, y) => x !== 0 && y !== 0),
  logicalOr: test((x, y) => x !== 0 || y !== 0),
  logicalXor: test((x, y) => (x !== 0) !== (y !== 0)),
  logicalNot: one((x) => (x === 0 ? 1 : 0)),
  isNaN: one((x) => (Number.isNaN(x) ? 1 : 0)),
  isInf: one((x) => (Math.abs(x) === Number.POSITIVE_INFINITY ? 1 : 0)),
  isFinite: one((x) => (Number.isFinite(x) ? 1 : 0)),
  where: three((condition, x, y) => (condition !== 0 ? x : y), [[0, 2], wide, wide]),

  exp: one(Math.exp),
  exp2: one((x) => 2 ** x),
  expm1: one(Math.expm1),
  log: one(Math.log, positive),
  log2: one(Math.log2, positive),
  log10: one(Math.log10, positive),
  log1p: one(Math.log1p, [-0.8, 3]),
  erf: one(erf),
  erfc: one(erfc),
  sin: one(Math.sin),
  cos: one(Math.cos),
  tan: one(Math.tan, [-1.2, 1.2]),
  asin: one(Math.asin, [-0.9, 0.9]),
  acos: one(Math.acos, [-0.9, 0.9]),
  atan: one(Math.atan),
  atan2: two(Math.atan2, [wide, [0.3, 3]]),
  sinh: one(Math.sinh),
  cosh: one(Math.cosh),
  asinh: one(Math.asinh),
  acosh: one(Math.acosh, [1.3, 4]),
  atanh: one(Math.atanh, [-0.9, 0.9]),

  relu: one((x) => Math.max(x, 0), wide, near(0)),
  reluGrad: two(
    (x, y) => (y <= 0 ? 0 : x),
    [wide, wide],
    (_x, y) => nearEqual(y),
  ),
  leakyRelu: one((x) => (x > 0 ? x : 0.01 * x), wide, near(0)),
  leakyReluSlope: one(() => 0),
  elu: one((x) => (x > 0 ? x : Math.expm1(x)), wide, near(0)),
  eluSlope: one(() => 0),
  sigmoid: one(logistic),
  sigmoidSlope: one((x) => x * (1 - x)),
  tanh: one(Math.tanh),
  tanhSlope: one((x) => 1 - x * x),
  softplus: one((x) => (x > 20 ? x : softplus(x))),
  softplusSlope: one(logistic),
  logSigmoid: one((x) => -softplus(-x)),
  softsign: one((x) => x / (1 + Math.abs(x)), wide, near(0)),
  softsignSlope: one((x) => 1 / (1 + Math.abs(x)) ** 2, wide, near(0)),
  silu: one((x) => x * logistic(x)),
  siluSlope: one(siluSlope),
  mish: one((x) => x * Math.tanh(softplus(x))),
  mishSlope: one(mishSlope),
  gelu: one((x) => x * distribution(x)),
  geluSlope: one((x) => distribution(x) + x * density(x)),
  normalDensity: one(density),
  geluTanh: one((x) => x * logistic(geluInner(x))),
  geluTanhSlope: one((x) => {
    const s = logistic(geluInner(x));
    return s * (1 + x * (1 - s) * geluSlope(x));
  }),
  hardtanh: one((x) => clip(x, -1, 1), wide, near(-1, 1)),
  hardSigmoid: one((x) => clip(x + 3, 0, 6) / 6, [-4, 4], near(-3, 3)),
  hardSwish: one((x) => (x * clip(x + 3, 0, 6)) / 6, [-4, 4], near(-3, 3)),
  hardSwishSlope: one((x) => (x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5), [-4, 4], near(-3, 3)),
};
