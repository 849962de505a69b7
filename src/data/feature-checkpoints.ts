/** The first layers of AlexNet, VGG19 and CaffeNet out of the files in which they are published. */
import { DataError } from "./errors.js";
import type { ConvWeights, FeatureWeights } from "./feature-weights.js";
import { withBytes } from "./file-bytes.js";
import type { FileKind } from "./identify.js";
import { toHwio } from "./layouts.js";
import { readFirstCell, readScanned, scanMat5 } from "./mat5-scan.js";
import { type MatNumeric, type MatValue, rowMajor } from "./mat5-values.js";
import { openPth } from "./pth.js";
import { openSafetensors } from "./safetensors-file.js";
import type { TensorFile } from "./tensor-file.js";

/** Torchvision's networks expect pixels of [0, 1] minus this mean, over this standard deviation. */
const MEAN = [0.485, 0.456, 0.406] as const;
const SD = [0.229, 0.224, 0.225] as const;
/** Places of VGG19's first four convolutions in torchvision's list of layers. */
const VGG_LAYERS = [
  ["conv1_1", "0", [64, 3, 3, 3]],
  ["conv1_2", "2", [64, 64, 3, 3]],
  ["conv2_1", "5", [128, 64, 3, 3]],
  ["conv2_2", "7", [128, 128, 3, 3]],
] as const;
const ALEXNET = [64, 3, 11, 11] as const;

/** Kinds of files that hold networks. */
export const checkpointKinds = ["pth", "safetensors", "caffenet"] as const satisfies readonly FileKind[];

const same = (a: readonly number[] | undefined, b: readonly number[]) => a?.join() === b.join();

/**
 * Reads what a network's file has: AlexNet gives conv1, VGG19 the layers of the image loss, CaffeNet conv1. Only the first layers' bytes
 * are read.
 *
 * @param path - A `.pth`, `.safetensors` (a file or an address) or MatConvNet `.mat`.
 * @throws {DataError} when it is another network, or damaged.
 */
export async function readNetwork(path: string, kind: (typeof checkpointKinds)[number]): Promise<FeatureWeights> {
  if (kind === "caffenet") return { conv1: await readCaffeNet(path), vgg19: null };
  const file = await (kind === "pth" ? openPth(path) : openSafetensors(path));
  try {
    return await readTorchvision(file);
  } finally {
    await file.close();
  }
}

async function readTorchvision(file: TensorFile): Promise<FeatureWeights> {
  const names = [...file.shapes.keys()];
  // Wrappers put their own name in front: `module.features.0.weight`.
  const first = names.find((name) => /(^|\.)features\.0\.weight$/.test(name));
  if (first === undefined)
    throw otherNetwork(file, `it has no features.0.weight, but ${names.slice(0, 3).join(", ")} ...`);
  const prefix = first.slice(0, -"0.weight".length);
  const shape = file.shapes.get(first) ?? [];
  if (same(shape, ALEXNET)) return { conv1: await readLayer(file, prefix, "0", "AlexNet", true), vgg19: null };
  checkVgg19(file, prefix, names);
  const vgg19: Record<string, ConvWeights> = {};
  for (const [layer, place] of VGG_LAYERS) {
    vgg19[layer] = await readLayer(file, prefix, place, "VGG19", layer === "conv1_1");
  }
  return { conv1: null, vgg19 };
}

function otherNetwork(file: TensorFile, what: string): DataError {
  return new DataError(`${file.file}: neither AlexNet nor VGG19: ${what}`, "Give torchvision's alexnet or vgg19.");
}

/** VGG13 and VGG16 begin alike; what is behind tells them apart where the file has it. */
function checkVgg19(file: TensorFile, prefix: string, names: readonly string[]): void {
  for (const [layer, place, expected] of VGG_LAYERS) {
    const shape = file.shapes.get(`${prefix}${place}.weight`);
    if (!same(shape, expected)) {
      throw otherNetwork(
        file,
        `${prefix}${place}.weight is ${shape ? `[${shape.join(", ")}]` : "missing"}, ${layer} has [${expected.join(", ")}]`,
      );
    }
  }
  const deep = names.some((name) => name.startsWith(`${prefix}10.`));
  if (deep && !names.includes(`${prefix}34.weight`)) throw otherNetwork(file, "a shallower VGG");
}

/** A convolution in HWIO; where it is the first, its input's standard deviation goes into the filters. */
async function readLayer(
  file: TensorFile,
  prefix: string,
  place: string,
  network: string,
  first: boolean,
): Promise<ConvWeights> {
  const { shape, values } = await file.read(`${prefix}${place}.weight`);
  const { values: bias } = await file.read(`${prefix}${place}.bias`);
  const [o = 0, i = 0, h = 0, w = 0] = shape;
  if (bias.length !== o) {
    throw otherNetwork(file, `${bias.length} biases for the ${o} filters of ${prefix}${place}`);
  }
  const hwio = toHwio(values, [o, i, h, w], false);
  const base = { hwio, shape: [h, w, i, o] as const, bias, network };
  if (!first) return base;
  for (let at = 0; at < hwio.length; at++) hwio[at] = (hwio[at] as number) / (255 * (SD[Math.floor(at / o) % i] ?? 1));
  return { ...base, meanRgb: [255 * MEAN[0], 255 * MEAN[1], 255 * MEAN[2]] };
}

/**
 * MatConvNet's `imagenet-caffe-ref.mat`: a cell of layers, each a struct with `weights` (filters [11, 11, 3, 96], bias) or, in early
 * versions, `filters` and `biases`. Its filters take R, G, B.
 */
function readCaffeNet(path: string): Promise<ConvWeights> {
  return withBytes(path, async (bytes) => {
    const scan = await scanMat5(bytes);
    const layers = scan.variables.find(({ name }) => name === "layers");
    if (layers === undefined) throw otherMatlab(path, "there is no variable layers");
    const layer =
      layers.className === "cell" ? await readFirstCell(bytes, scan, layers) : await readScanned(bytes, scan, layers);
    const fields = layer.kind === "struct" ? layer.items[0] : undefined;
    const cells = fields?.get("weights");
    const pair = cells?.kind === "cell" ? cells.items : [fields?.get("filters"), fields?.get("biases")];
    const [filters, bias] = pair.map((value) => numbers(value));
    if (filters === null || filters === undefined || !same(filters.dims, [11, 11, 3, 96])) {
      const found = filters ? `[${filters.dims.join(", ")}]` : "missing";
      throw otherMatlab(path, `the filters of its first layer are ${found}, CaffeNet has [11, 11, 3, 96]`);
    }
    return {
      hwio: Float32Array.from(rowMajor(filters.values, filters.dims) as ArrayLike<number>, Number),
      shape: [11, 11, 3, 96],
      bias: bias?.values.length === 96 ? Float32Array.from(bias.values as ArrayLike<number>, Number) : null,
      network: "CaffeNet",
    };
  });
}

function numbers(value: MatValue | undefined): MatNumeric | null {
  return value?.kind === "numeric" ? value : null;
}

function otherMatlab(path: string, what: string): DataError {
  return new DataError(`${path}: not CaffeNet: ${what}`, "Give MatConvNet's imagenet-caffe-ref.mat.");
}
