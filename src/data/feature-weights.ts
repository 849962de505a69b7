/** Weights of fixed feature networks: AlexNet/CaffeNet conv1 for the Encoder, VGG19's first convolutions for the image loss. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "./errors.js";
import { fileOrFolder } from "./files.js";
import { readNpy } from "./npy.js";

/** One convolution: filters in HWIO order and a bias. */
export interface ConvWeights {
  readonly hwio: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly bias: Float32Array | null;
}

/** What was given; `null` means that the built-in Gabor and colour bank stands in. */
export interface FeatureWeights {
  /** AlexNet or CaffeNet conv1 for the Encoder, on RGB pixels of 0 to 255 minus their mean. */
  readonly conv1: ConvWeights | null;
  /** VGG19 conv1_1 to conv2_2 by name, on RGB pixels of 0 to 255 minus their mean. */
  readonly vgg19: Readonly<Record<string, ConvWeights>> | null;
}

/** No weight files: the built-in bank everywhere. */
export const noFeatureWeights: FeatureWeights = { conv1: null, vgg19: null };

/** [out, in, height, width] to [height, width, in, out]; `reverse` turns filters for BGR pixels into filters for RGB. */
function toHwio(
  values: ArrayLike<number>,
  [o, i, h, w]: readonly [number, number, number, number],
  reverse: boolean,
): Float32Array {
  const result = new Float32Array(values.length);
  for (let out = 0; out < o; out++) {
    for (let input = 0; input < i; input++) {
      const target = reverse ? i - 1 - input : input;
      for (let pixel = 0; pixel < h * w; pixel++) {
        result[(pixel * i + target) * o + out] = values[(out * i + input) * h * w + pixel] as number;
      }
    }
  }
  return result;
}

async function readConv(
  weightFile: string,
  biasFile: string | null,
  expected: readonly [number, number],
  reverse: boolean,
): Promise<ConvWeights> {
  const { values, shape } = await readNpy(weightFile);
  const [o, i, h, w] = shape;
  if (
    shape.length !== 4 ||
    o === undefined ||
    i !== expected[0] ||
    h === undefined ||
    w === undefined ||
    h !== expected[1] ||
    w !== h
  ) {
    throw new DataError(
      `${weightFile} holds an array of shape [${shape.join(", ")}], expected [out, ${expected[0]}, ${expected[1]}, ${expected[1]}]`,
      "Give filters in PyTorch's order: out, in, height, width.",
    );
  }
  const size = [o, i, h, w] as const;
  const numbers = Float32Array.from(values as ArrayLike<number>, Number);
  const bias =
    biasFile === null ? null : Float32Array.from((await readNpy(biasFile)).values as ArrayLike<number>, Number);
  if (bias && bias.length !== o) {
    throw new DataError(`${biasFile} holds ${bias.length} biases for ${o} filters`, "Give the bias of the same layer.");
  }
  return { hwio: toHwio(numbers, size, reverse), shape: [h, w, i, o], bias };
}

const vggLayers: readonly (readonly [name: string, inChannels: number])[] = [
  ["conv1_1", 3],
  ["conv1_2", 64],
  ["conv2_1", 64],
  ["conv2_2", 128],
];

/** The first folder that holds `file`: `folder` itself or one of the named folders below it. */
function find(folder: string, below: string, file: string): string | null {
  return [join(folder, below, file), join(folder, file)].find((path) => existsSync(path)) ?? null;
}

async function readVgg19(folder: string): Promise<Record<string, ConvWeights> | null> {
  const first = find(folder, "vgg19", "conv1_1_w_oihw.npy");
  if (first === null) return null;
  const layers: Record<string, ConvWeights> = {};
  for (const [name, inChannels] of vggLayers) {
    const weight = find(folder, "vgg19", `${name}_w_oihw.npy`);
    const bias = find(folder, "vgg19", `${name}_b.npy`);
    if (weight === null || bias === null) {
      throw new DataError(
        `${folder} holds VGG19's conv1_1 but not ${name}_w_oihw.npy and ${name}_b.npy`,
        "Give conv1_1, conv1_2, conv2_1 and conv2_2.",
      );
    }
    // These files take pixels as B, G, R, as Caffe does.
    layers[name] = await readConv(weight, bias, [inChannels, 3], name === "conv1_1");
  }
  return layers;
}

/**
 * Reads feature weights from a folder of .npy files: `vgg19/conv1_1_w_oihw.npy`, `vgg19/conv1_1_b.npy` and so on to conv2_2, and
 * `caffenet_conv1/caffenet_conv1_oihw_rgb_f32.npy`; either alone will do, and the sub-folders may be left out.
 *
 * @throws {DataError} when the folder holds neither, or a file has another shape than its layer.
 */
export async function loadFeatureWeights(folder: string): Promise<FeatureWeights> {
  if ((await fileOrFolder(folder)) === "file") {
    throw new DataError(`${folder} is a file`, "Give the folder that holds the weight files.");
  }
  const conv1File = find(folder, "caffenet_conv1", "caffenet_conv1_oihw_rgb_f32.npy");
  const conv1 = conv1File === null ? null : await readConv(conv1File, null, [3, 11], false);
  const vgg19 = await readVgg19(folder);
  if (!conv1 && !vgg19) {
    throw new DataError(
      `${folder} holds no feature weights`,
      "It should hold vgg19/conv1_1_w_oihw.npy (and conv1_1_b.npy to conv2_2_b.npy) or caffenet_conv1/caffenet_conv1_oihw_rgb_f32.npy.",
    );
  }
  return { conv1, vgg19 };
}
