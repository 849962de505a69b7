/** What the convolution layers share: their options and initial weights. */
import { ShapeError } from "../kernels/errors.js";
import type { Rng } from "../tensor/random.js";
import { glorotNormal, type Initialiser, zerosInit } from "./initialisers.js";
import { Parameter } from "./module.js";

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

/**
 * The filters `[...kernel, inChannels / groups, outChannels]`, or for a transposed convolution
 * `[...kernel, outChannels / groups, inChannels]`, and the bias.
 *
 * @throws {ShapeError} when the groups do not divide both numbers of channels.
 */
export function convWeights(
  op: string,
  rng: Rng,
  kernel: readonly number[],
  options: ConvWeightOptions & { readonly groups?: number },
  transposed = false,
): { weight: Parameter; bias: Parameter | null } {
  const { inChannels, outChannels, groups = 1, bias = true, init = glorotNormal, biasInit = zerosInit } = options;
  if (!(groups >= 1) || inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new ShapeError(
      `${op}: groups must divide inChannels and outChannels, got ${groups} for ${inChannels} and ${outChannels}`,
    );
  }
  const channels = transposed ? [outChannels / groups, inChannels] : [inChannels / groups, outChannels];
  return {
    weight: Parameter.from(init(rng, [...kernel, ...channels])),
    bias: bias ? Parameter.from(biasInit(rng, [outChannels])) : null,
  };
}
