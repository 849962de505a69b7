/** Images to fMRI with a trained Encoder. */
import type { ImageSet, Matrix } from "../data/dataset.js";
import { selectImages } from "../data/dataset.js";
import type { Device } from "../index.js";
import type { Encoder } from "./encoder.js";
import { imageTensor } from "./tensors.js";

const imagesPerBatch = 64;

/**
 * Predicts fMRI with a trained Encoder in evaluation mode: no dropout, running statistics.
 *
 * @param images - N images of the size and channels the Encoder was built for.
 * @returns `[N, voxels]`, normalised as the training data was.
 */
export async function predictFmri(device: Device, encoder: Encoder, images: ImageSet): Promise<Matrix> {
  encoder.eval();
  const columns = encoder.dense.weight.shape[1] ?? 0;
  const values = new Float32Array(images.count * columns);
  for (let first = 0; first < images.count; first += imagesPerBatch) {
    const rows = Array.from({ length: Math.min(imagesPerBatch, images.count - first) }, (_, i) => first + i);
    using _scope = device.scope();
    const fmri = device.noGrad(() => encoder.forward(imageTensor(device, selectImages(images, rows))));
    values.set((await fmri.data()) as Float32Array, first * columns);
  }
  return { rows: images.count, columns, values };
}
