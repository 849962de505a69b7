/** Gradients limited before a step. Nothing is read from the GPU. */
import { ShapeError } from "../kernels/errors.js";
import { Gradients } from "../tensor/backward.js";
import { checkInputs } from "../tensor/define-op.js";
import { clamp } from "../tensor/ops/clamp.js";
import { abs, add, div, maximum, minimum, mul, sqrt } from "../tensor/ops/elementwise.js";
import { max } from "../tensor/ops/max.js";
import { sumAbs, sumSquares } from "../tensor/ops/sum-squares.js";
import { checkKind, readOptions } from "../tensor/options.js";
import { constant, type Tensor } from "../tensor/tensor.js";

/** Clipped gradients, and the length they had, as a scalar tensor. */
export interface ClippedGradients {
  readonly gradients: Gradients;
  readonly norm: Tensor;
}

/** Options of `clipByGlobalNorm`. */
export interface ClipByGlobalNormOptions {
  /** The longest that all gradients together may be. */
  readonly maxNorm: number;
  /** How length is measured: the root of the squares' sum, the sum of magnitudes, or the largest one. Default 2. */
  readonly p?: 1 | 2 | typeof Infinity;
  /** Added to the norm that is divided by. Default 1e-6, as in PyTorch. */
  readonly eps?: number;
}

/** @throws {DTypeError} unless it is a map of tensors. */
export function checkGradients(op: string, gradients: ReadonlyMap<Tensor, Tensor>): void {
  checkKind(op, "gradients", gradients, "map");
  for (const gradient of gradients.values()) checkInputs(op, ["gradient"], [gradient]);
}

function checkP(op: string, p: number): void {
  if (p !== 1 && p !== 2 && p !== Infinity) throw new ShapeError(`${op}: p must be 1, 2 or Infinity, got ${p}`);
}

function firstOf(op: string, gradients: ReadonlyMap<Tensor, Tensor>): Tensor {
  checkGradients(op, gradients);
  const first = gradients.values().next().value;
  if (!first) throw new ShapeError(`${op}: there are no gradients`);
  return first;
}

/**
 * The length of all gradients together, as one vector: a scalar tensor.
 *
 * @param options - `p` 2: `(sum |g|^p)^(1/p)`, 1, 2 or Infinity.
 * @throws {ShapeError} when there is no gradient, or on another `p`.
 */
export function globalNorm(
  gradients: ReadonlyMap<Tensor, Tensor>,
  options: { readonly p?: 1 | 2 | typeof Infinity } = {},
): Tensor {
  const { p = 2 } = readOptions<{ readonly p?: number }>("globalNorm", options, { p: "number?" });
  const { device } = firstOf("globalNorm", gradients);
  checkP("globalNorm", p);
  return device.noGrad(() => {
    const parts = [...gradients.values()]
      .filter(({ size }) => size > 0)
      .map((gradient) => (p === 2 ? sumSquares(gradient) : p === 1 ? sumAbs(gradient) : max(abs(gradient))));
    const whole = parts.reduce((a, b) => (p === Infinity ? maximum(a, b) : add(a, b)), constant(device, 0));
    return p === 2 ? sqrt(whole) : add(whole, constant(device, 0));
  });
}

/**
 * Shortens all gradients together, as one vector, to length `maxNorm` where they are longer.
 *
 * `norm = sqrt(sum over tensors of sum g^2); g * min(1, maxNorm / (norm + eps))`
 *
 * @throws {ShapeError} unless `maxNorm` is above 0 and there is a gradient.
 * @see Pascanu, Mikolov & Bengio 2013; torch.nn.utils.clip_grad_norm_.
 */
export function clipByGlobalNorm(
  gradients: ReadonlyMap<Tensor, Tensor>,
  options: ClipByGlobalNormOptions,
): ClippedGradients {
  const kinds = { maxNorm: "number", p: "number?", eps: "finite?" } as const;
  const { maxNorm, p = 2, eps = 1e-6 } = readOptions<ClipByGlobalNormOptions>("clipByGlobalNorm", options, kinds);
  checkP("clipByGlobalNorm", p);
  if (!(maxNorm > 0)) throw new ShapeError(`clipByGlobalNorm: maxNorm must be above 0, got ${maxNorm}`);
  const { device } = firstOf("clipByGlobalNorm", gradients);
  return device.noGrad(() => {
    const norm = globalNorm(gradients, { p });
    const ratio = div(constant(device, maxNorm), add(norm, constant(device, eps)));
    const factor = minimum(ratio, constant(device, 1));
    return { gradients: new Gradients([...gradients].map(([tensor, g]) => [tensor, mul(g, factor)])), norm };
  });
}

/**
 * Limits every element of every gradient to `[-limit, limit]`. NaN stays NaN.
 *
 * @throws {ShapeError} unless `limit` is at least 0.
 * @see torch.nn.utils.clip_grad_value_.
 */
export function clipByValue(gradients: ReadonlyMap<Tensor, Tensor>, options: { readonly limit: number }): Gradients {
  const { limit } = readOptions<{ readonly limit: number }>("clipByValue", options, { limit: "number" });
  checkGradients("clipByValue", gradients);
  if (!(limit >= 0)) throw new ShapeError(`clipByValue: limit must be at least 0, got ${limit}`);
  const clipped = ([tensor, g]: [Tensor, Tensor]) =>
    [tensor, g.device.noGrad(() => clamp(g, { min: -limit, max: limit }))] as const;
  return new Gradients([...gradients].map(clipped));
}
