/**
 * Group normalisation, and what layer and instance normalisation share with it. The forward pass is fused; the gradients are
 * composed of ops. While they are themselves recorded, the statistics are too, so that they can be differentiated again.
 */

import { ShapeError } from "../../kernels/errors.js";
import * as kernels from "../../kernels/group-norm.js";
import { defineOp, type Op } from "../define-op.js";
import { checkEps, type Kinds } from "../options.js";
import { describeShapes, formatShape, type Shape, sameShape, sizeOf } from "../shape.js";
import { constant, empty, type Tensor } from "../tensor.js";
import { add, mul, reciprocal, sqrt, square, sub } from "./elementwise.js";
import { reshape } from "./reshape.js";
import { mean as meanOver, sum } from "./sum.js";

/** What a normalisation works on: `x` as `[N, P, G, D]`, the shape of weight and bias, and `eps`. */
export interface GroupNormPlan extends kernels.GroupSizes {
  readonly affine: Shape;
  readonly eps: number;
}

/** @throws {ShapeError} unless weight and bias, where given, have the shape `affine`. */
function checkAffine(op: string, x: Tensor, named: readonly (readonly [string, Tensor | null])[], affine: Shape): void {
  for (const [name, tensor] of named) {
    if (!tensor || sameShape(tensor.shape, affine)) continue;
    const rows = [["x", x.shape] as const, [name, tensor.shape] as const];
    throw new ShapeError(
      `${op}: ${name} must have the shape ${formatShape(affine)}, got ${formatShape(tensor.shape)}${describeShapes(rows)}`,
    );
  }
}

/** Per image and group, `[N, G]`: the mean, what rounding took off it, and 1 / sqrt(variance + eps). */
interface Statistics {
  readonly mean: Tensor;
  readonly rest: Tensor;
  readonly rstd: Tensor;
}

/** What the gradients need. */
interface Saved {
  readonly x: Tensor;
  readonly weight: Tensor | null;
  readonly statistics: Statistics;
  readonly sizes: GroupNormPlan;
}

const inGroups = (x: Tensor, { N, P, G, D }: kernels.GroupSizes) => reshape(x, { shape: [N, P, G, D] });
const overGroup = { axes: [1, 3], keepDims: true } as const;

/** The normalised input and rstd: of the saved statistics, or as ops on `x` while gradients are recorded. */
function normalised({ x, statistics: { mean, rest, rstd }, sizes }: Saved): { xhat: Tensor; rstd: Tensor } {
  const x4 = inGroups(x, sizes);
  const perGroup = { shape: [sizes.N, 1, sizes.G, 1] };
  if (!x.device.recording) {
    const spread = reshape(rstd, perGroup);
    const centred = sub(sub(x4, reshape(mean, perGroup)), reshape(rest, perGroup));
    return { xhat: mul(centred, spread), rstd: spread };
  }
  // Twice, because the first mean is rounded at its own size.
  const nearly = sub(x4, meanOver(x4, overGroup));
  const centred = sub(nearly, meanOver(nearly, overGroup));
  const variance = meanOver(square(centred), overGroup);
  const spread = reciprocal(sqrt(add(variance, constant(x.device, sizes.eps))));
  return { xhat: mul(centred, spread), rstd: spread };
}

/** Declares a normalisation: `planOf` finds out what it works on, and checks the options. */
export function defineGroupNorm<Options extends object>(
  name: string,
  planOf: (x: Tensor, weight: Tensor | null, options: Options) => GroupNormPlan,
  kinds: Kinds<Options>,
): Op<readonly ["x", "weight?", "bias?"], Options> {
  return defineOp({
    name,
    inputs: ["x", "weight?", "bias?"],
    halves: ["x"],
    options: kinds,
    plan([x, weight, bias], options: Options) {
      const sizes = planOf(x, weight, options);
      checkEps(name, sizes.eps);
      checkAffine(name, x, [["weight", weight] as const, ["bias", bias] as const], sizes.affine);
      return { shape: x.shape, sizes };
    },
    forward({ device, output, plan: { sizes } }, [x, weight, bias]): Saved {
      const make = (what: string) => empty(device, [sizes.N, sizes.G], "f32", `${name}/${what}`);
      const statistics = { mean: make("mean"), rest: make("rest"), rstd: make("rstd") };
      if (output.size > 0) {
        kernels.groupNorm(device, sizes, sizes.eps, {
          x: x.storage,
          weight: weight?.storage ?? null,
          bias: bias?.storage ?? null,
          mean: statistics.mean.storage,
          rest: statistics.rest.storage,
          rstd: statistics.rstd.storage,
          output: output.storage,
        });
      }
      if (!(device.recording && [x, weight, bias].some((input) => input?.requiresGrad)))
        for (const unused of Object.values(statistics)) unused.dispose();
      return { x, weight, statistics, sizes };
    },
    vjp: {
      x(saved, gradOutput): Tensor {
        const { x, weight, sizes } = saved;
        if (x.size === 0) return gradOutput;
        const { xhat, rstd } = normalised(saved);
        const g = inGroups(gradOutput, sizes);
        const scaled = weight ? mul(g, reshape(weight, { shape: [1, 1, sizes.G, sizes.D] })) : g;
        const along = mul(xhat, meanOver(mul(scaled, xhat), overGroup));
        const gradient = mul(rstd, sub(sub(scaled, meanOver(scaled, overGroup)), along));
        return reshape(gradient, { shape: x.shape });
      },
      weight(saved, gradOutput): Tensor {
        const { x, sizes } = saved;
        const g = inGroups(gradOutput, sizes);
        const terms = x.size === 0 ? g : mul(g, normalised(saved).xhat);
        return reshape(sum(terms, { axes: [0, 1] }), { shape: sizes.affine });
      },
      bias: ({ sizes }, gradOutput): Tensor =>
        reshape(sum(inGroups(gradOutput, sizes), { axes: [0, 1] }), { shape: sizes.affine }),
    },
  });
}

/** Options of `groupNorm`. */
export interface GroupNormOptions {
  /** Number of groups that the channels are cut into; divides them. */
  readonly groups: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** Images, pixels and channels of a channels-last tensor. @throws {ShapeError} when it has fewer than `least` axes. */
export function channelsLast(op: string, x: Shape, least: number): { N: number; P: number; C: number } {
  if (x.length < least) {
    throw new ShapeError(
      `${op}: x must have at least ${least} axes, images first and channels last, got ${x.length}${describeShapes([["x", x]])}`,
    );
  }
  return { N: x[0] as number, P: sizeOf(x.slice(1, -1)), C: x.at(-1) as number };
}

/**
 * Group normalisation: of each group of channels of each image over its pixels and channels.
 *
 * `y = (x - mean) * rstd * weight + bias`, `rstd = 1 / sqrt(var + eps)`, `var` dividing by the number of values.
 *
 * @param x - Channels last: NHWC `[N, H, W, C]`, `[N, L, C]`, `[N, C]`.
 * @param weight - `[C]`, or `null` for 1.
 * @param bias - `[C]`, or `null` for 0.
 * @param options - `groups`; `eps` default 1e-5.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `groups` does not divide the channels, weight or bias is not `[C]`, or there is but one value to
 *   normalise in all.
 * @see Wu & He 2018, arXiv:1803.08494. Same numbers as `torch.nn.functional.group_norm`, channels last.
 */
export const groupNorm = defineGroupNorm(
  "groupNorm",
  (x, _weight, { groups, eps = 1e-5 }: GroupNormOptions) => {
    const { N, P, C } = channelsLast("groupNorm", x.shape, 2);
    const line = describeShapes([["x", x.shape]]);
    if (!Number.isInteger(groups) || groups < 1 || C % groups !== 0)
      throw new ShapeError(`groupNorm: groups must divide the channels, got ${groups} for ${C}${line}`);
    if (N * P * (C / groups) === 1) throw new ShapeError(`groupNorm: needs more than one value a group, got 1${line}`);
    return { N, P, G: groups, D: C / groups, affine: [C], eps };
  },
  { groups: "number", eps: "number?" },
);
