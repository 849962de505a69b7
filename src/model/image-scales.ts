/** How large each feature channel usually is, so that every channel of the image loss counts alike. */
import type { ImageSet } from "../data/dataset.js";
import { selectImages } from "../data/dataset.js";
import { abs, type Device, mean, type Tensor, tensor } from "../index.js";
import type { ImageFeatures } from "./features.js";
import { imageTensor } from "./tensors.js";

const imagesPerBatch = 32;
/** A channel that is never active would be divided by 0. */
const smallest = 1e-6;

/**
 * `1 / mean |activation|` over the training images, by channel: of the pixels first, then of each feature layer.
 *
 * @returns Tensors `[channels]` that live outside scopes.
 */
export async function channelScales(device: Device, features: ImageFeatures, images: ImageSet): Promise<Tensor[]> {
  const totals: Float64Array[] = [];
  for (let first = 0; first < images.count; first += imagesPerBatch) {
    const count = Math.min(imagesPerBatch, images.count - first);
    using scope = device.scope();
    const batch = imageTensor(
      device,
      selectImages(
        images,
        Array.from({ length: count }, (_, i) => first + i),
      ),
    );
    const means = device.noGrad(() =>
      [batch, ...features.forward(batch)].map((layer) => mean(abs(layer), { axes: [0, 1, 2] })),
    );
    for (const [i, layer] of means.entries()) {
      const values = await layer.data();
      totals[i] ??= new Float64Array(values.length);
      const total = totals[i];
      values.forEach((value, c) => {
        total[c] = (total[c] as number) + (value * count) / images.count;
      });
    }
    void scope;
  }
  return device.unscoped(() =>
    totals.map((total) =>
      tensor(
        device,
        total.map((value) => 1 / Math.max(value, smallest)),
      ),
    ),
  );
}
