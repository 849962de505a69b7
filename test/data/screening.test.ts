import { describe, expect, test } from "vitest";
import type { ImageSet, Matrix, RawDataset } from "../../src/data/dataset.js";
import { PictureIndex, pixelHash } from "../../src/data/leaks.js";
import { normalise } from "../../src/data/normalise.js";
import { HostRandom } from "../../src/data/random.js";
import { zScoreRuns } from "../../src/data/runs.js";
import { expectDataError } from "./helpers.js";

const random = new HostRandom(3);

/** `images` pictures of 2 x 2 pixels, `voxels` voxels whose signal grows with their index; `repeats[i]` rows for image i. */
function recordings(repeats: readonly number[], voxels: number, trainCount: number): RawDataset {
  const count = repeats.length;
  const effects = repeats.map(() => Array.from({ length: voxels }, () => random.normal()));
  const responses = repeats.map((rows, i): Matrix => {
    const values = Float32Array.from({ length: rows * voxels }, (_, at) => {
      const v = at % voxels;
      return v * (effects[i]?.[v] ?? 0) + random.normal();
    });
    return { rows, columns: voxels, values };
  });
  const pixels = Float32Array.from({ length: 4 * count }, () => random.uniform());
  const indices = repeats.map((_, i) => i);
  return {
    name: "made",
    images: { count, height: 2, width: 2, channels: 1, pixels },
    labels: indices.map((i) => `image ${i}`),
    responses,
    classes: null,
    groups: null,
    split: { train: indices.slice(0, trainCount), test: indices.slice(trainCount) },
    unlabeledImages: null,
    notes: [],
  };
}

describe("the best voxels", () => {
  const once = Array.from({ length: 40 }, () => 1);
  const often = Array.from({ length: 40 }, () => 12);

  test("by test repeats where training has none, and the note says so", () => {
    const raw = { ...recordings([...once, ...often], 8, 40), bestVoxels: 3 };
    const { dataset, voxelIndices } = normalise(raw);
    expect(voxelIndices).toEqual([5, 6, 7]);
    expect([dataset.train.fmri.columns, dataset.test.fmri.columns, dataset.snr?.length]).toEqual([3, 3, 3]);
    expect(dataset.notes.join()).toMatch(
      /the 3 voxels of the highest .* of 8, from test repeats \(uses test repeats\)/,
    );
  });

  test("by training repeats where there are any: test responses then change nothing", () => {
    const raw = { ...recordings([...often, ...once], 8, 40), bestVoxels: 3 };
    const { dataset, voxelIndices } = normalise(raw);
    expect(voxelIndices).toEqual([5, 6, 7]);
    expect(dataset.notes.join()).toMatch(/from training repeats$/);
    const responses = raw.responses.map((matrix, i) =>
      i < 40 ? matrix : { ...matrix, values: matrix.values.map((_, v) => 1000 * (8 - v)) },
    );
    expect(normalise({ ...raw, responses }).voxelIndices).toEqual(voxelIndices);
  });

  test("more than there are keeps all; none to measure by is refused", async () => {
    const raw = recordings(once, 4, 30);
    expect(normalise({ ...raw, bestVoxels: 4 }).voxelIndices).toEqual([0, 1, 2, 3]);
    await expectDataError(
      () => normalise({ ...raw, bestVoxels: 3 }),
      /cannot choose the 3 best voxels: 0 images have repeats/,
    );
  });
});

describe("leaks", () => {
  const copy = (images: ImageSet, from: number, to: number): ImageSet => {
    const pixels = images.pixels.slice();
    pixels.copyWithin(4 * to, 4 * from, 4 * from + 4);
    return { ...images, pixels };
  };
  const raw = recordings([1, 1, 1, 1, 1], 3, 3);

  test("a test image among the training images is refused, whatever its name", async () => {
    await expectDataError(
      () => normalise({ ...raw, images: copy(raw.images, 4, 1) }),
      /made: test image image 4 has the very pixels of training image image 1.*must not be trained on/,
    );
  });

  test("a test image among the unlabeled images is refused", async () => {
    const unlabeledImages = { ...raw.images, count: 2, pixels: raw.images.pixels.slice(12) };
    await expectDataError(
      () => normalise({ ...raw, unlabeledImages }),
      /image 3 has the very pixels of unlabeled image 1/,
    );
    const named = { ...unlabeledImages, names: ["a/cat.jpg", "a/dog.jpg"] };
    await expectDataError(
      () => normalise({ ...raw, unlabeledImages: named }),
      /image 3 has the very pixels of unlabeled image a\/cat\.jpg/,
    );
    expect(
      normalise({ ...raw, unlabeledImages: { ...unlabeledImages, pixels: unlabeledImages.pixels.map((p) => p / 2) } }),
    ).toBeDefined();
  });

  test("the same image twice in training is allowed, and so are blank ones", () => {
    expect(normalise({ ...raw, images: copy(raw.images, 0, 1) })).toBeDefined();
    expect(normalise({ ...raw, images: { ...raw.images, pixels: raw.images.pixels.map(() => 0.5) } })).toBeDefined();
  });

  test("equal hashes are not taken for equal pixels", () => {
    const index = new PictureIndex(raw.images, [0, 1, 2]);
    const pixels = raw.images.pixels.slice(4, 8);
    expect(index.find(pixels)).toBe(1);
    pixels[3] = Math.fround((pixels[3] as number) + 1e-6);
    expect(index.find(pixels)).toBeNull();
    const hashes = new Set(Array.from({ length: 5000 }, (_, i) => pixelHash(Float32Array.of(i, i / 3, 1 / (i + 1)))));
    expect(hashes.size).toBe(5000);
  });
});

describe("runs", () => {
  test("each run by its own mean and deviation; constant becomes 0, NaN stays in its run", () => {
    const values = Float32Array.from([1, 5, 1, 3, 5, 2, 10, 4, Number.NaN, 30, 6, 4]);
    const scaled = zScoreRuns({ rows: 4, columns: 3, values }, ["a", "a", "b", "b"]);
    expect(Array.from(scaled.values)).toEqual([-1, 0, -1, 1, 0, 1, -1, -1, Number.NaN, 1, 1, Number.NaN]);
  });
});
