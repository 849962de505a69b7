/** The Decoder D: fMRI to image. */
import type { Device, Rng, Tensor } from "../index.js";
import {
  add,
  BatchNorm2d,
  Conv2d,
  fansOf,
  GroupNorm,
  glorotNormal,
  Linear,
  Module,
  relu,
  reshape,
  sigmoid,
  upsample2d,
} from "../index.js";
import type { NetworkOptions } from "./encoder.js";
import type { Preset } from "./presets.js";
import { asMap, groupLasso, weightPenalty } from "./regularisers.js";

/** Channels of a group of group norm: the fewest from 4 that divide them all. */
function groupSize(channels: number): number {
  for (let size = Math.min(4, channels); ; size++) if (channels % size === 0) return size;
}

function makeNorm(device: Device, channels: number, preset: Preset): BatchNorm2d | GroupNorm {
  const eps = preset.batchNormEps;
  if (preset.decoderNorm === "batch")
    return new BatchNorm2d(device, { channels, momentum: preset.batchNormMomentum, eps });
  return new GroupNorm(device, { channels, groups: channels / groupSize(channels), eps });
}

/**
 * Reconstructs the image that was seen from the fMRI response: one dense layer to a small map of 64 channels, blocks of 3 x 3
 * convolution with ReLU, nearest upsampling by 2 and batch or group norm, and a last convolution with a sigmoid.
 *
 * @see Beliy et al. 2019, section 2.3 and Fig. 3c.
 */
export class Decoder extends Module {
  readonly dense: Linear;
  readonly convs: Conv2d[];
  readonly norms: (BatchNorm2d | GroupNorm)[];
  readonly output: Conv2d;
  readonly #preset: Preset;
  /** Width of the map at each stage, the first after the dense layer, the last the image. */
  readonly #sizes: readonly number[];

  /** @param rng - Source of the initial weights. */
  constructor(device: Device, rng: Rng, options: NetworkOptions) {
    super();
    const { preset, resolution, voxels } = options;
    const doublings = preset.decoderDoublings(resolution);
    const channels = preset.decoderChannels;
    this.#preset = preset;
    // A resolution that is no multiple of 2^doublings starts from the rounded-up map, and the stages end at the exact sizes.
    this.#sizes = Array.from({ length: doublings + 1 }, (_, i) => Math.ceil(resolution / 2 ** (doublings - i)));
    const base = this.#sizes[0] as number;
    const positions = base * base;
    const fans = { fanIn: positions * voxels, fanOut: positions * channels };
    this.dense = new Linear(rng, {
      inFeatures: voxels,
      outFeatures: positions * channels,
      init: (source, shape) => glorotNormal(source, shape, fans),
      biasInit: (source, shape) => glorotNormal(source, shape, fansOf([base, base, channels])),
    });
    this.convs = Array.from(
      { length: doublings },
      () => new Conv2d(rng, { inChannels: channels, outChannels: channels, kernelSize: 3, padding: "same" }),
    );
    this.norms = this.convs.map(() => makeNorm(device, channels, preset));
    this.output = new Conv2d(rng, {
      inChannels: channels,
      outChannels: options.channels,
      kernelSize: 3,
      padding: "same",
    });
  }

  /**
   * @param fmri - `[N, voxels]`.
   * @returns Images, NHWC `[N, resolution, resolution, channels]` in [0, 1].
   */
  forward(fmri: Tensor): Tensor {
    const base = this.#sizes[0] as number;
    let x = reshape(this.dense.forward(fmri), { shape: [fmri.shape[0] as number, base, base, -1] });
    this.convs.forEach((conv, i) => {
      const size = this.#sizes[i + 1] as number;
      const norm = this.norms[i] as BatchNorm2d | GroupNorm;
      const active = relu(conv.forward(x));
      const grow = (map: Tensor) => upsample2d(map, { size: [size, size], mode: "nearest" });
      // Doubling repeats every value four times, which changes no mean and no variance: normalising before it is the same and
      // touches a quarter of the pixels. Other factors repeat unevenly and keep the paper's order.
      x = size === 2 * (x.shape[1] as number) ? grow(norm.forward(active)) : norm.forward(grow(active));
    });
    return sigmoid(this.output.forward(x));
  }

  /** Runs `body` with batch norm's running statistics left as they are: for fMRI that is not a recording. */
  withoutRecording<T>(body: () => T): T {
    const norms = this.norms.filter((norm) => norm instanceof BatchNorm2d);
    for (const norm of norms) norm.freezeStatistics = true;
    try {
      return body();
    } finally {
      for (const norm of norms) norm.freezeStatistics = false;
    }
  }

  /** The penalty on its weights: L1 on the convolutions, group lasso on the dense layer. @returns A scalar. */
  penalty(): Tensor {
    const { decoderConvL1, decoderGroupLasso } = this.#preset;
    const [voxels, outFeatures] = this.dense.weight.shape as [number, number];
    const base = this.#sizes[0] as number;
    const map = asMap(this.dense.weight, [voxels, base, base, outFeatures / base ** 2]);
    return [...this.convs, this.output].reduce(
      (total, conv) => add(total, weightPenalty(conv.weight, decoderConvL1)),
      groupLasso(map, 3, decoderGroupLasso),
    );
  }
}
