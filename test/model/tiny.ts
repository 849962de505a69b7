/** A dataset small enough to train on in a test: smooth random images, voxels that are fixed random sums of their pixels. */
import type { Dataset, ImageSet, Matrix } from "../../src/data/dataset.js";
import { uniform } from "../device.js";

const voxels = 24;

function images(count: number, side: number, channels: number, seed: number): ImageSet {
  const noise = uniform(count * 4 * channels, seed, 0, 1);
  const pixels = new Float32Array(count * side * side * channels);
  for (let n = 0; n < count; n++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let c = 0; c < channels; c++) {
          const corner = (i: number) => noise[(n * 4 + i) * channels + c]!;
          const [v, u] = [y / (side - 1), x / (side - 1)];
          pixels[((n * side + y) * side + x) * channels + c] =
            (1 - v) * ((1 - u) * corner(0) + u * corner(1)) + v * ((1 - u) * corner(2) + u * corner(3));
        }
  return { count, height: side, width: side, channels, pixels };
}

function respond(set: ImageSet): Matrix {
  const size = set.pixels.length / set.count;
  const weights = uniform(size * voxels, 99);
  const values = new Float32Array(set.count * voxels);
  for (let n = 0; n < set.count; n++)
    for (let v = 0; v < voxels; v++) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += (set.pixels[n * size + i]! - 0.5) * weights[i * voxels + v]!;
      values[n * voxels + v] = sum / Math.sqrt(size);
    }
  return { rows: set.count, columns: voxels, values };
}

/** 20 training and 4 test images of `side` pixels, 12 unlabeled ones. */
export function tinyDataset(side: number, channels = 3): Dataset {
  const part = (count: number, seed: number) => {
    const set = images(count, side, channels, seed);
    return { images: set, fmri: respond(set), labels: Array.from({ length: count }, (_, i) => String(i)) };
  };
  const test = part(4, 2);
  const testRepeats = Array.from({ length: 4 }, (_, i) => ({
    rows: 3,
    columns: voxels,
    values: Float32Array.from(
      { length: 3 * voxels },
      (_unused, k) => test.fmri.values[i * voxels + (k % voxels)]! + 0.01 * (Math.floor(k / voxels) - 1),
    ),
  }));
  return {
    name: "tiny",
    train: part(20, 1),
    test,
    testRepeats,
    unlabeledImages: images(12, side, channels, 3),
    snr: new Float32Array(voxels).fill(2),
    notes: [],
  };
}
