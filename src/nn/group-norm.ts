/** Normalisations without a batch: group, layer, root-mean-square and instance norm as layers. */
import type { Device } from "../kernels/device.js";
import { ShapeError } from "../kernels/errors.js";
import { groupNorm } from "../tensor/ops/group-norm.js";
import { instanceNorm } from "../tensor/ops/instance-norm.js";
import { layerNorm } from "../tensor/ops/layer-norm.js";
import { rmsNorm } from "../tensor/ops/rms-norm.js";
import { checkEps, type Kinds, readOptions } from "../tensor/options.js";
import { checkShape, type Shape } from "../tensor/shape.js";
import { checkDevice, full, type Tensor } from "../tensor/tensor.js";
import { affineParameters, channelKinds } from "./affine.js";
import { Module, moduleBuffer, type Parameter } from "./module.js";

/** Options of `GroupNorm`. */
export interface GroupNormLayerOptions {
  readonly channels: number;
  /** Divides the channels. */
  readonly groups: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Train a weight and a bias. Default true. */
  readonly affine?: boolean;
}

/** The options of a normalisation layer. @throws {DeviceError} unless there is a device. @throws {ShapeError} when an option is wrong. */
function readLayer<O extends { readonly eps?: number }>(op: string, device: Device, options: O, kinds: Kinds<O>): O {
  checkDevice(op, device);
  const given = readOptions<O>(op, options, kinds);
  checkEps(op, given.eps ?? 0);
  return given;
}

/** Group normalisation with a trained weight and bias, which start at 1 and 0. See `groupNorm`. */
export class GroupNorm extends Module {
  /** `[channels]`, or `null` when not affine. */
  readonly weight: Parameter | null;
  /** `[channels]`, or `null` when not affine. */
  readonly bias: Parameter | null;
  readonly #options: { groups: number; eps: number };

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: GroupNormLayerOptions) {
    super();
    const kinds = { ...channelKinds, groups: "size" } as const;
    const given = readLayer<GroupNormLayerOptions>("GroupNorm", device, options, kinds);
    const { channels, groups, eps = 1e-5, affine = true } = given;
    if (channels % groups !== 0)
      throw new ShapeError(`GroupNorm: groups must divide the channels, got ${groups} for ${channels}`);
    const { weight, bias } = affineParameters(device, [channels], { affine });
    this.weight = weight;
    this.bias = bias;
    this.#options = { groups, eps };
  }

  /** @param x - Channels last, e.g. NHWC `[N, H, W, channels]`. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.weight, this.bias, this.#options);
  }
}

/** Options of `LayerNorm` and `RmsNorm`. */
export interface LayerNormLayerOptions {
  /** The trailing sizes that are normalised together, or the last one. */
  readonly shape: Shape | number;
  /** Default as in `layerNorm` and `rmsNorm`. */
  readonly eps?: number;
  /** Train a weight, and in `LayerNorm` a bias. Default true. */
  readonly affine?: boolean;
  /** With `affine`, train a bias too. Default true. */
  readonly bias?: boolean;
}

const layerKinds = { shape: "sizes", eps: "finite?", affine: "boolean?" } as const;

function asShape(op: string, given: Shape | number): Shape {
  const shape = typeof given === "number" ? [given] : given;
  checkShape(op, shape);
  return shape;
}

/** Layer normalisation with a trained weight and bias, which start at 1 and 0. See `layerNorm`. */
export class LayerNorm extends Module {
  /** Of the normalised shape, or `null` when not affine. */
  readonly weight: Parameter | null;
  /** Of the normalised shape, or `null`. */
  readonly bias: Parameter | null;
  readonly #options: { shape: Shape; eps: number };

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: LayerNormLayerOptions) {
    super();
    const kinds = { ...layerKinds, bias: "boolean?" } as const;
    const given = readLayer<LayerNormLayerOptions>("LayerNorm", device, options, kinds);
    const { eps = 1e-5, affine = true, bias: shifts = true } = given;
    const shape = asShape("LayerNorm", given.shape);
    const { weight, bias } = affineParameters(device, shape, { affine, bias: shifts });
    this.weight = weight;
    this.bias = bias;
    this.#options = { shape, eps };
  }

  /** @param x - `[..., ...shape]`. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, this.#options);
  }
}

/** Root-mean-square normalisation with a trained weight, which starts at 1. See `rmsNorm`. */
export class RmsNorm extends Module {
  /** Of the normalised shape, or `null` when not affine. */
  readonly weight: Parameter | null;
  readonly #options: { shape: Shape; eps: number };

  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: Omit<LayerNormLayerOptions, "bias">) {
    super();
    const given = readLayer<Omit<LayerNormLayerOptions, "bias">>("RmsNorm", device, options, layerKinds);
    const { eps = 2 ** -23, affine = true } = given;
    const shape = asShape("RmsNorm", given.shape);
    this.weight = affineParameters(device, shape, { affine, bias: false }).weight;
    this.#options = { shape, eps };
  }

  /** @param x - `[..., ...shape]`. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.#options);
  }
}

/** Options of `InstanceNorm2d` and `InstanceNorm1d`. */
export interface InstanceNormLayerOptions {
  readonly channels: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Train a weight and a bias. Default false, as in PyTorch. */
  readonly affine?: boolean;
  /** Keep running statistics, and normalise with them in evaluation. Default false. */
  readonly trackRunningStats?: boolean;
  /** `running = (1 - momentum) running + momentum batch`. Default 0.1. */
  readonly momentum?: number;
}

const instanceKinds = { ...channelKinds, trackRunningStats: "boolean?", momentum: "finite?" } as const;

/** What `InstanceNorm2d` and `InstanceNorm1d` share. */
abstract class InstanceNorm extends Module {
  /** `[channels]`, or `null` when not affine. */
  readonly weight: Parameter | null;
  /** `[channels]`, or `null` when not affine. */
  readonly bias: Parameter | null;
  /** `[channels]`, or `null` when none are kept. */
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;
  readonly #options: { eps: number; momentum: number };

  constructor(op: string, device: Device, options: InstanceNormLayerOptions) {
    super();
    const given = readLayer<InstanceNormLayerOptions>(op, device, options, instanceKinds);
    const { channels, eps = 1e-5, affine = false, trackRunningStats = false, momentum = 0.1 } = given;
    const { weight, bias } = affineParameters(device, [channels], { affine });
    this.weight = weight;
    this.bias = bias;
    this.runningMean = trackRunningStats ? moduleBuffer(full(device, [channels], 0)) : null;
    this.runningVar = trackRunningStats ? moduleBuffer(full(device, [channels], 1)) : null;
    this.#options = { eps, momentum };
  }

  /** @param x - NHWC `[N, H, W, channels]` or NLC `[N, L, channels]`. @returns `x`'s shape. */
  forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar } = this;
    const { eps, momentum } = this.#options;
    if (!runningMean || !runningVar) return instanceNorm(x, weight, bias, { eps });
    const mode = this.training ? "train" : "eval";
    return instanceNorm(x, weight, bias, { mode, eps, momentum, runningMean, runningVar });
  }
}

/**
 * Instance normalisation: each image with its own statistics, in evaluation too unless running ones are kept. Takes channels-last
 * images. See `instanceNorm`.
 */
export class InstanceNorm2d extends InstanceNorm {
  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: InstanceNormLayerOptions) {
    super("InstanceNorm2d", device, options);
  }
}

/** `InstanceNorm2d` for sequences NLC `[N, L, channels]`. */
export class InstanceNorm1d extends InstanceNorm {
  /** @throws {ShapeError} when an option is unknown, missing or not what it may be. */
  constructor(device: Device, options: InstanceNormLayerOptions) {
    super("InstanceNorm1d", device, options);
  }
}
