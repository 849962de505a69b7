/** Inference: fMRI to images. */
import type { ImageSet, Matrix } from "../data/dataset.js";
import { selectRows } from "../data/dataset.js";
import type { Device } from "../index.js";
import type { Decoder } from "./decoder.js";
import { matrixTensor } from "./tensors.js";

const rowsPerBatch = 64;

/**
 * Reconstructs images from fMRI with a trained Decoder in evaluation mode.
 *
 * @param fmri - `[N, voxels]`, normalised as the training data was.
 * @returns N images in [0, 1].
 */
export async function reconstruct(device: Device, decoder: Decoder, fmri: Matrix): Promise<ImageSet> {
  decoder.eval();
  const batches: Float32Array[] = [];
  let shape: readonly number[] = [0, 0, 0, 0];
  for (let first = 0; first < fmri.rows; first += rowsPerBatch) {
    const rows = Array.from({ length: Math.min(rowsPerBatch, fmri.rows - first) }, (_, i) => first + i);
    using _scope = device.scope();
    const images = device.noGrad(() => decoder.forward(matrixTensor(device, selectRows(fmri, rows))));
    shape = images.shape;
    batches.push((await images.data()) as Float32Array);
  }
  const [, height = 0, width = 0, channels = 0] = shape;
  const pixels = new Float32Array(fmri.rows * height * width * channels);
  batches.forEach((batch, i) => {
    pixels.set(batch, i * rowsPerBatch * height * width * channels);
  });
  return { count: fmri.rows, height, width, channels, pixels };
}
