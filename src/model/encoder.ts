/** The Encoder E: image to fMRI. */

import type { FeatureWeights } from "../data/feature-weights.js";
import type { Device, Rng, Tensor } from "../index.js";
import {
  add,
  BatchNorm2d,
  Conv2d,
  Dropout,
  glorotNormal,
  type Initialiser,
  Linear,
  Module,
  relu,
  reshape,
} from "../index.js";
import { type FrontEnd, makeFrontEnd } from "./features.js";
import type { Preset } from "./presets.js";
import { asMap, groupLasso, weightPenalty } from "./regularisers.js";

/** What both networks are built for. */
export interface NetworkOptions {
  readonly preset: Preset;
  /** Width and height of the images, in pixels. */
  readonly resolution: number;
  /** 1 for grey images, 3 for RGB. */
  readonly channels: 1 | 3;
  readonly voxels: number;
}

/**
 * Predicts the fMRI response to an image: a fixed first convolution, batch norm, blocks of 3 x 3 convolution at stride 2 with
 * ReLU and batch norm, dropout, and one dense layer to the voxels.
 *
 * @see Beliy et al. 2019, section 2.3 and Fig. 3c; the presets say where text and code differ.
 */
export class Encoder extends Module {
  readonly frontNorm: BatchNorm2d;
  readonly convs: Conv2d[];
  readonly norms: BatchNorm2d[];
  readonly dropout: Dropout;
  readonly dense: Linear;
  readonly #front: FrontEnd;
  readonly #preset: Preset;
  /** Width of the map in front of the dense layer. */
  readonly #mapSize: number;

  /** @param rng - Source of the initial weights. */
  constructor(device: Device, rng: Rng, options: NetworkOptions & { readonly weights: FeatureWeights }) {
    super();
    const { preset, resolution, voxels } = options;
    const halvings = preset.encoderHalvings(resolution);
    const channels = preset.encoderChannels;
    const norm = { momentum: preset.batchNormMomentum, eps: preset.batchNormEps };
    this.#preset = preset;
    this.#front = makeFrontEnd(device, options);
    this.#mapSize = Array.from({ length: halvings }).reduce<number>((size) => Math.ceil(size / 2), resolution);
    this.frontNorm = new BatchNorm2d(device, { channels: this.#front.outChannels, ...norm });
    this.convs = Array.from({ length: halvings - 1 }, (_, i) => {
      const inChannels = i === 0 ? this.#front.outChannels : channels;
      return new Conv2d(rng, { inChannels, outChannels: channels, kernelSize: 3, stride: 2, padding: "same" });
    });
    this.norms = this.convs.map(() => new BatchNorm2d(device, { channels, ...norm }));
    this.dropout = new Dropout(rng, { rate: preset.encoderDropout[0] });
    const mapChannels = this.convs.length > 0 ? channels : this.#front.outChannels;
    // The dense weight is initialised as the released code's 4-D kernel [y, x, channels, voxels]: fans count the positions.
    const positions = this.#mapSize ** 2;
    const fans = { fanIn: positions * mapChannels, fanOut: positions * voxels };
    const init: Initialiser = (source, shape) => glorotNormal(source, shape, fans);
    this.dense = new Linear(rng, {
      inFeatures: positions * mapChannels,
      outFeatures: voxels,
      init,
      biasInit: glorotNormal,
    });
  }

  /**
   * @param images - NHWC `[N, resolution, resolution, channels]` in [0, 1].
   * @returns Predicted fMRI, `[N, voxels]`.
   */
  forward(images: Tensor): Tensor {
    let x = this.frontNorm.forward(this.#front.forward(images));
    this.convs.forEach((conv, i) => {
      x = (this.norms[i] as BatchNorm2d).forward(relu(conv.forward(x)));
    });
    const flat = reshape(this.dropout.forward(x), { shape: [images.shape[0] as number, -1] });
    return this.dense.forward(flat);
  }

  /** The penalty on its weights: L1 and L2 on the convolutions, group lasso on the dense layer. @returns A scalar. */
  penalty(): Tensor {
    const { encoderConvL1, encoderConvL2, encoderGroupLasso } = this.#preset;
    const [inFeatures, voxels] = this.dense.weight.shape as [number, number];
    const map = asMap(this.dense.weight, [this.#mapSize, this.#mapSize, inFeatures / this.#mapSize ** 2, voxels]);
    return this.convs.reduce(
      (total, conv) => add(total, weightPenalty(conv.weight, encoderConvL1, encoderConvL2)),
      groupLasso(map, 2, encoderGroupLasso),
    );
  }
}
