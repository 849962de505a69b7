/** Features of images for identification: two depths of VGG19 where its weights are given, else the built-in bank. */
import type { ImageSet } from "../data/dataset.js";
import { selectImages } from "../data/dataset.js";
import type { FeatureWeights } from "../data/feature-weights.js";
import { avgPool2d, type Device, type Tensor } from "../index.js";
import { makeImageFeatures } from "../model/features.js";
import { presets } from "../model/presets.js";
import { imageTensor } from "../model/tensors.js";
import type { FeatureSets } from "./results.js";

/** Features are averaged over a grid of about so many cells a side: where something is matters, to the pixel it does not. */
const grid = 14;
const imagesPerBatch = 16;

function pooled(layer: Tensor): Tensor {
  const [, height = 1, width = 1] = layer.shape;
  const kernel = Math.max(1, Math.floor(Math.min(height, width) / grid));
  return kernel === 1 ? layer : avgPool2d(layer, { kernelSize: kernel, stride: kernel });
}

/**
 * A function that turns images into rows of features, one set a layer, on the device. The same layers whatever the run's preset, so that
 * runs can be compared: the second convolutions of VGG19's first two blocks. The image loss compares features of this network too.
 */
export function featureSets(device: Device, weights: FeatureWeights, channels: number): FeatureSets {
  const preset = presets.authors;
  const features = makeImageFeatures(device, { weights, preset, channels: channels === 1 ? 1 : 3 });
  const names = features.layers.map((layer) => (weights.vgg19 ? `VGG19 ${layer}` : layer));
  return async (images: ImageSet) => {
    const parts: Float32Array[][] = names.map(() => []);
    for (let first = 0; first < images.count; first += imagesPerBatch) {
      const rows = Array.from({ length: Math.min(imagesPerBatch, images.count - first) }, (_, i) => first + i);
      using _scope = device.scope();
      const layers = device.noGrad(() => features.forward(imageTensor(device, selectImages(images, rows))).map(pooled));
      for (const [l, layer] of layers.entries()) parts[l]?.push((await layer.data()) as Float32Array);
    }
    return names.map((layer, l) => ({ layer, rows: stacked(parts[l] ?? [], images.count) }));
  };
}

function stacked(batches: readonly Float32Array[], count: number): ImageSet {
  const total = batches.reduce((sum, { length }) => sum + length, 0);
  const pixels = new Float32Array(total);
  let at = 0;
  for (const batch of batches) {
    pixels.set(batch, at);
    at += batch.length;
  }
  return { count, height: 1, width: 1, channels: total / Math.max(1, count), pixels };
}
