/** Weights of fixed feature networks: AlexNet/CaffeNet conv1 for the Encoder, VGG19's first convolutions for the image loss. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "./errors.js";
import { checkpointKinds, readNetwork } from "./feature-checkpoints.js";
import { fileOrFolder, listFiles } from "./files.js";
import { fileKinds, identify } from "./identify.js";
import { toHwio } from "./layouts.js";
import { readNpy } from "./npy.js";

/** One convolution: filters in HWIO order and a bias. */
export interface ConvWeights {
  readonly hwio: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly bias: Float32Array | null;
  /** Which network it is from, for messages. */
  readonly network?: string;
  /** Mean colour of the pixels (0 to 255) that it expects to be taken off; default Caffe's, 123.68, 116.779, 103.939. */
  readonly meanRgb?: readonly [number, number, number];
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

/** What the .npy files of a folder hold; nothing where it has none of the names. */
async function readNpyFolder(folder: string): Promise<FeatureWeights> {
  const conv1File = find(folder, "caffenet_conv1", "caffenet_conv1_oihw_rgb_f32.npy");
  const conv1 = conv1File === null ? null : await readConv(conv1File, null, [3, 11], false);
  return { conv1, vgg19: await readVgg19(folder) };
}

/** Both, and an error where both have the same part. */
function merge(a: FeatureWeights, b: FeatureWeights, where: string): FeatureWeights {
  const twice = a.conv1 && b.conv1 ? "conv1" : a.vgg19 && b.vgg19 ? "VGG19" : null;
  if (twice !== null) throw new DataError(`${where}: weights of ${twice} are there twice`, "Keep one of them.");
  return { conv1: a.conv1 ?? b.conv1, vgg19: a.vgg19 ?? b.vgg19 };
}

async function readFolder(folder: string): Promise<FeatureWeights> {
  let weights = await readNpyFolder(folder);
  for (const name of (await listFiles(folder)).filter((file) => /\.(pth|pt|safetensors|mat)$/i.test(file))) {
    const path = join(folder, name);
    weights = merge(weights, await readFile(path), path);
  }
  if (weights.conv1 || weights.vgg19) return weights;
  throw new DataError(
    `${folder} holds no feature weights`,
    "It should hold torchvision's vgg19 and alexnet (.pth or .safetensors), imagenet-caffe-ref.mat, or .npy files such as vgg19/conv1_1_w_oihw.npy.",
  );
}

async function readFile(path: string): Promise<FeatureWeights> {
  const kind = await identify(path);
  const network = checkpointKinds.find((candidate) => candidate === kind);
  if (network !== undefined) return readNetwork(path, network);
  throw new DataError(
    `${path}: ${kind === null ? "of no known kind" : fileKinds[kind]}, expected weights of a network`,
    "Give a .pth, .safetensors or MatConvNet .mat, or a folder of them.",
  );
}

/**
 * Reads feature weights: AlexNet's or CaffeNet's conv1, VGG19's first four convolutions, or one of the two.
 *
 * @param path - A file: torchvision's `alexnet` or `vgg19` as `.pth` (either format; nothing of it is run) or `.safetensors`, or
 *   MatConvNet's `imagenet-caffe-ref.mat`. Or a folder of such files, or of `.npy` files: `vgg19/conv1_1_w_oihw.npy`,
 *   `vgg19/conv1_1_b.npy` and so on to conv2_2, and `caffenet_conv1/caffenet_conv1_oihw_rgb_f32.npy`; the sub-folders may be left out.
 *   Or the address of a safetensors file, of which only the layers' bytes are fetched.
 * @throws {DataError} when there is nothing of the kind, a file is of another network, or damaged.
 */
export async function loadFeatureWeights(path: string): Promise<FeatureWeights> {
  if (/^https?:\/\//i.test(path)) return readNetwork(path, "safetensors");
  return (await fileOrFolder(path)) === "folder" ? readFolder(path) : readFile(path);
}
