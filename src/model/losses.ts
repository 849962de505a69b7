/** The losses of the paper: L_r (eq. 1), L_s (eqs. 3 and 4). Symbols are mapped in this folder's README. */
import type { Tensor } from "../index.js";
import { abs, add, constant, cosineSimilarity, mean, mul, neg, sqrt, square, sub, totalVariation } from "../index.js";
import type { ImageFeatures } from "./features.js";
import type { FmriLossConfig, ImageLossConfig } from "./presets.js";

const scaled = (x: Tensor, factor: number) => mul(x, constant(x.device, factor));

/**
 * L_r, eq. 1: how far predicted fMRI is from recorded fMRI, and in how other a direction.
 *
 * @param predicted - `[N, voxels]`.
 * @param recorded - `[N, voxels]`.
 * @param snr - `[voxels]`, mean 1: each voxel's weight where the preset asks for it; `null` weighs all alike.
 * @returns A scalar, the mean over rows.
 */
export function fmriLoss(predicted: Tensor, recorded: Tensor, config: FmriLossConfig, snr: Tensor | null): Tensor {
  const difference = sub(predicted, recorded);
  const weighted = (x: Tensor) => (snr ? mul(x, snr) : x);
  const error = config.error === "meanSquare" ? mean(square(difference)) : mean(weighted(abs(difference)));
  return add(
    scaled(error, config.errorWeight),
    scaled(neg(cosineSimilarity(predicted, recorded)), config.cosineWeight),
  );
}

/** L_s, eqs. 3 and 4: pixels, features of a fixed network, and total variation; each channel relative to its usual size. */
export class ImageLoss {
  readonly #features: ImageFeatures;
  readonly #config: ImageLossConfig;
  /** 1 / mean |activation| over the training images: pixels first, then one tensor per feature layer; each `[channels]`. */
  readonly #scales: readonly Tensor[];

  /** @param scales - 1 / mean |activation| by channel, from `channelScales`. */
  constructor(features: ImageFeatures, config: ImageLossConfig, scales: readonly Tensor[]) {
    this.#features = features;
    this.#config = config;
    this.#scales = scales;
  }

  /**
   * How far `predicted` is from `target`.
   *
   * @param predicted - NHWC `[N, H, W, C]` in [0, 1].
   * @param target - The same shape.
   * @returns A scalar, the mean over images.
   */
  forward(predicted: Tensor, target: Tensor): Tensor {
    const { rgbWeight, featureWeights, totalVariationWeight, totalVariationExponent } = this.#config;
    const layers = this.#features.forward(predicted);
    const wanted = target.device.noGrad(() => this.#features.forward(target));
    let total = scaled(this.#distance(predicted, target, 0, "meanAbsolute"), rgbWeight);
    layers.forEach((layer, i) => {
      const part = this.#distance(layer, wanted[i] as Tensor, i + 1, this.#config.featureDistance);
      total = add(total, scaled(part, featureWeights[i] ?? 0));
    });
    return add(total, scaled(totalVariation(predicted, { exponent: totalVariationExponent }), totalVariationWeight));
  }

  #distance(a: Tensor, b: Tensor, index: number, kind: ImageLossConfig["featureDistance"]): Tensor {
    const relative = mul(sub(a, b), this.#scales[index] as Tensor);
    if (kind === "meanAbsolute") return mean(abs(relative));
    const perImage = mean(square(relative), { axes: [1, 2, 3] });
    return mean(sqrt(add(perImage, constant(a.device, 1e-12))));
  }
}
