/** Fixed features: the first convolution in front of the Encoder, and the layers that the image loss compares. */

import type { ConvWeights, FeatureWeights } from "../data/feature-weights.js";
import type { Device, Tensor } from "../index.js";
import { broadcastTo, constant, conv2d, maxPool2d, mul, relu, sub, tensor, upsample2d } from "../index.js";
import { gaborBank } from "./filter-bank.js";
import type { Preset } from "./presets.js";

/** Something that turns images into layers of features and has no parameters to train. */
export interface ImageFeatures {
  /** Names of the layers. */
  readonly layers: readonly string[];
  /** @param images - NHWC in [0, 1]. @returns One NHWC tensor per layer. */
  forward(images: Tensor): Tensor[];
}

/** A fixed convolution: its tensors live as long as the device. */
interface FixedConv {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

function fixed(device: Device, weights: ConvWeights): FixedConv {
  return device.unscoped(() => ({
    weight: tensor(device, weights.hwio, weights.shape),
    bias: weights.bias ? tensor(device, weights.bias, [weights.bias.length]) : null,
  }));
}

/** Grey images as three equal channels; colour images as they are. */
function toRgb(images: Tensor): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  return c === 3 ? images : broadcastTo(images, { shape: [n, h, w, 3] });
}

/** Pixels as a network trained on 0 to 255 minus the mean colour expects them. */
function centred(images: Tensor, mean: Tensor): Tensor {
  return sub(mul(toRgb(images), constant(images.device, 255)), mean);
}

const imagenetMeanRgb = [123.68, 116.779, 103.939] as const;

/** The convolution in front of the Encoder, never trained. */
export interface FrontEnd {
  readonly outChannels: number;
  readonly stride: number;
  /** @param images - NHWC in [0, 1]. @returns NHWC at half the resolution, rounded up, after ReLU. */
  forward(images: Tensor): Tensor;
}

/** Conv1 of CaffeNet or AlexNet from a weight file: filters of 11 x 11, at stride 2 as in the released code. */
function conv1FrontEnd(device: Device, weights: ConvWeights, preset: Preset): FrontEnd {
  const { weight, bias } = fixed(device, weights);
  // The released code reverses the channels for weights that expect RGB, and subtracts the RGB means after that; it knows CaffeNet only,
  // whose weights name no mean of their own.
  const swap = preset.conv1SwapsColours && weights.meanRgb === undefined;
  const meanRgb = weights.meanRgb ?? imagenetMeanRgb;
  const mean = device.unscoped(() => tensor(device, swap ? [...meanRgb].reverse() : meanRgb));
  const swapped = swap ? fixed(device, { ...weights, hwio: reverseInputs(weights) }).weight : weight;
  return {
    outChannels: weights.shape[3],
    stride: 2,
    forward: (images) => relu(conv2d(centred(images, mean), swapped, bias, { stride: 2, padding: "same" })),
  };
}

/** The weights with their input channels reversed: the same as feeding the image with its colours reversed. */
function reverseInputs({ hwio, shape: [kh, kw, c, o] }: ConvWeights): Float32Array {
  const reversed = new Float32Array(hwio.length);
  for (let pixel = 0; pixel < kh * kw; pixel++) {
    for (let i = 0; i < c; i++)
      reversed.set(hwio.subarray((pixel * c + i) * o, (pixel * c + i + 1) * o), (pixel * c + c - 1 - i) * o);
  }
  return reversed;
}

function bankFrontEnd(device: Device, channels: 1 | 3, resolution: number): FrontEnd {
  const large = resolution >= 64;
  const bank = gaborBank({
    size: large ? 11 : 7,
    inChannels: channels,
    orientations: large ? 6 : 4,
    wavelengths: large ? [4, 8] : [3.5, 6],
  });
  const { weight } = fixed(device, {
    hwio: bank.weights,
    shape: [bank.size, bank.size, channels, bank.count],
    bias: null,
  });
  return {
    outChannels: bank.count,
    stride: 2,
    forward: (images) => relu(conv2d(images, weight, null, { stride: 2, padding: "same" })),
  };
}

/** The Encoder's front end: CaffeNet's or AlexNet's conv1 where its weights are given, else the Gabor and colour bank. */
export function makeFrontEnd(
  device: Device,
  options: { weights: FeatureWeights; preset: Preset; channels: 1 | 3; resolution: number },
): FrontEnd {
  const { weights, preset, channels, resolution } = options;
  return weights.conv1 ? conv1FrontEnd(device, weights.conv1, preset) : bankFrontEnd(device, channels, resolution);
}

/** VGG19 up to the deepest layer that is asked for: 3 x 3 convolutions with ReLU, 2 x 2 max pooling after conv1_2. */
function vggFeatures(
  device: Device,
  weights: Readonly<Record<string, ConvWeights>>,
  wanted: readonly string[],
): ImageFeatures {
  const order = ["conv1_1", "conv1_2", "conv2_1", "conv2_2"];
  const needed = order.slice(0, Math.max(...wanted.map((name) => order.indexOf(name))) + 1);
  const convs = needed.map((name) => ({ name, ...fixed(device, weights[name] as ConvWeights) }));
  const mean = device.unscoped(() => tensor(device, weights["conv1_1"]?.meanRgb ?? imagenetMeanRgb));
  return {
    layers: wanted,
    forward(images) {
      let x = centred(images, mean);
      const found = new Map<string, Tensor>();
      for (const { name, weight, bias } of convs) {
        if (name === "conv2_1") x = maxPool2d(x, { kernelSize: 2 });
        x = relu(conv2d(x, weight, bias, { padding: "same" }));
        found.set(name, x);
      }
      return wanted.map((name) => found.get(name) as Tensor);
    },
  };
}

/** Images at half their resolution, rounded down, by bilinear sampling. */
function halved(images: Tensor): Tensor {
  const [, h, w] = images.shape as [number, number, number, number];
  const size = [Math.max(1, Math.floor(h / 2)), Math.max(1, Math.floor(w / 2))] as const;
  return upsample2d(images, { size, mode: "bilinear" });
}

const bankNames = ["bank", "bank at half resolution"];

/**
 * The bank at full resolution, at half, and so on: a stand-in for the depths of VGG19. Its responses keep their sign: rectified ones would
 * be 0 most of the time, and the absolute error of an uncertain prediction would then be least for a blank image.
 */
function bankFeatures(device: Device, channels: 1 | 3, depth: number): ImageFeatures {
  const bank = gaborBank({ size: 5, inChannels: channels, orientations: 4, wavelengths: [3.5] });
  const { weight } = fixed(device, {
    hwio: bank.weights,
    shape: [bank.size, bank.size, channels, bank.count],
    bias: null,
  });
  const layer = (images: Tensor) => conv2d(images, weight, null, { padding: "same" });
  return {
    layers: Array.from({ length: depth }, (_, i) => bankNames[i] ?? `bank at 1/${2 ** i} of the resolution`),
    forward(images) {
      let scaled = images;
      return Array.from({ length: depth }, (_, i) => {
        if (i > 0) scaled = halved(scaled);
        return layer(scaled);
      });
    },
  };
}

/** The features of the image loss: VGG19 where its weights are given, else the bank at as many resolutions. */
export function makeImageFeatures(
  device: Device,
  options: { weights: FeatureWeights; preset: Preset; channels: 1 | 3 },
): ImageFeatures {
  const { weights, preset, channels } = options;
  return weights.vgg19
    ? vggFeatures(device, weights.vgg19, preset.imageLoss.vggLayers)
    : bankFeatures(device, channels, preset.imageLoss.featureWeights.length);
}
