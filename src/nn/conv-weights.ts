/** What the convolution layers share: their options and initial weights. */
import { ShapeError } from "../kernels/errors.js";
import type { Padding } from "../tensor/conv2d-geometry.js";
import { checkKind, show } from "../tensor/options.js";
import type { Rng } from "../tensor/random.js";
import { glorotNormal, type Initialiser, initialParameter, weightKinds, zerosInit } from "./initialisers.js";
import type { Parameter } from "./module.js";

/** Channels and initial weights of a convolution layer. */
export interface ConvWeightOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `glorotNormal`. */
  readonly init?: Initialiser;
  /** Default zeros. */
  readonly biasInit?: Initialiser;
}

/** What the options of a convolution layer may be. */
export const convLayerKinds = {
  ...weightKinds,
  inChannels: "count",
  outChannels: "count",
  kernelSize: "pair",
  stride: "pair?",
  padding: "padding?",
  dilation: "pair?",
  groups: "size?",
} as const;

/** The same along one axis. */
export const conv1dLayerKinds = {
  ...convLayerKinds,
  kernelSize: "number",
  stride: "size?",
  padding: "span?",
  dilation: "size?",
} as const;

/**
 * The filters `[...kernel, inChannels / groups, outChannels]`, or for a transposed convolution
 * `[...kernel, outChannels / groups, inChannels]`, and the bias.
 *
 * @throws {ShapeError} when padding is negative, or the groups do not divide both numbers of channels.
 */
export function convWeights(
  op: string,
  rng: Rng,
  kernel: readonly number[],
  options: ConvWeightOptions & { readonly groups?: number; readonly padding?: Padding },
  transposed = false,
): { weight: Parameter; bias: Parameter | null } {
  checkKind(op, "rng", rng, "rng");
  const { padding = 0 } = options;
  const sides: readonly number[] = typeof padding === "string" ? [] : [padding].flat(2);
  if (sides.some((own) => !Number.isInteger(own) || own < 0))
    throw new ShapeError(`${op}: padding must be whole and at least 0, got ${show(padding)}`);
  const { inChannels, outChannels, groups = 1, bias = true, init = glorotNormal, biasInit = zerosInit } = options;
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new ShapeError(
      `${op}: groups must divide inChannels and outChannels, got ${groups} for ${inChannels} and ${outChannels}`,
    );
  }
  const channels = transposed ? [outChannels / groups, inChannels] : [inChannels / groups, outChannels];
  return {
    weight: initialParameter(op, rng, [...kernel, ...channels], init),
    bias: bias ? initialParameter(op, rng, [outChannels], biasInit) : null,
  };
}
