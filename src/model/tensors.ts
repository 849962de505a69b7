/** Host data as tensors. */
import type { ImageSet, Matrix } from "../data/dataset.js";
import { type Device, type Tensor, tensor } from "../index.js";

/** NHWC tensor of an image set. */
export function imageTensor(device: Device, images: ImageSet): Tensor {
  return tensor(device, images.pixels, [images.count, images.height, images.width, images.channels]);
}

/** `[rows, columns]` tensor of a matrix. */
export function matrixTensor(device: Device, matrix: Matrix): Tensor {
  return tensor(device, matrix.values, [matrix.rows, matrix.columns]);
}
