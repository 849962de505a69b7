import { expect, test } from "vitest";
import { type Dataset, type ImageSet, selectImages } from "../../src/data/dataset.js";
import { noFeatureWeights } from "../../src/data/feature-weights.js";
import { decodeCheckpoint, encodeCheckpoint, restoreTraining, trainingEntries } from "../../src/model/checkpoint.js";
import { trainingConfig } from "../../src/model/config.js";
import { Training } from "../../src/model/training.js";
import { testDevice } from "../device.js";
import { tinyDataset } from "./tiny.js";

const device = await testDevice();
const settings = { encoderEpochs: 1, decoderEpochs: 2, batchSize: 8, encoderChannels: 4, decoderChannels: 4, seed: 3 };

/** The tiny dataset with its unlabeled images behind a stream; `loaded` and `asked` are what was loaded and prefetched. */
function streamed() {
  const { unlabeledImages, ...rest } = tinyDataset(16);
  const images = unlabeledImages as ImageSet;
  const [loaded, asked]: [string[], string[]] = [[], []];
  const dataset: Dataset = {
    ...rest,
    unlabeledImages: null,
    unlabeledStream: {
      ...images,
      names: Array.from({ length: images.count }, (_, i) => `${i}.jpg`),
      prefetch: (indices) => void asked.push(indices.join()),
      load: (indices) => {
        loaded.push(indices.join());
        return Promise.resolve(selectImages(images, indices));
      },
    },
  };
  return { dataset, loaded, asked };
}

const make = (dataset: Dataset, choices = {}) =>
  new Training({ device, dataset, weights: noFeatureWeights, config: trainingConfig({ ...settings, ...choices }) });

async function runAll(training: Training): Promise<string[]> {
  const names: string[] = [];
  for await (const { losses } of training.run()) names.push(...Object.keys(losses));
  return names;
}

const bytesOf = async (training: Training) =>
  encodeCheckpoint({
    header: { format: "voxpix-checkpoint-1", position: training.position, fold: 0 },
    entries: await trainingEntries(training),
  });

test("unlabeled images from the disk: read ahead, in an order fixed by the seed, and resumed with the same bits", async () => {
  const whole = streamed();
  const training = make(whole.dataset);
  expect(await runAll(training)).toContain("ED");
  const expected = await bytesOf(training);
  training.dispose();
  // 20 pairs in batches of 8: two steps an epoch, two unlabeled images each, all different within a batch.
  expect(whole.loaded).toHaveLength(4);
  expect(whole.loaded.every((key) => new Set(key.split(",")).size === 2)).toBe(true);
  expect(new Set(whole.loaded).size).toBeGreaterThan(1);
  expect(whole.loaded.every((key) => whole.asked.includes(key))).toBe(true);
  expect(whole.asked.indexOf(whole.loaded[2] ?? "")).toBeLessThan(3);

  const parts = streamed();
  const first = make(parts.dataset);
  let taken = 0;
  for await (const _report of first.run(() => ++taken >= 5)) void _report;
  expect(first.position.phase).toBe("decoder");
  const saved = await bytesOf(first);
  first.dispose();
  const second = make(parts.dataset);
  restoreTraining(second, decodeCheckpoint(saved, "memory"));
  await runAll(second);
  expect(Buffer.from(await bytesOf(second)).equals(Buffer.from(expected))).toBe(true);
  second.dispose();
  expect(parts.loaded).toEqual(whole.loaded);
});

test("a variant without unlabeled images reads none", async () => {
  const { dataset, loaded } = streamed();
  const training = make(dataset, { variant: "supervised", decoderEpochs: 1 });
  expect(await runAll(training)).not.toContain("ED");
  expect(loaded).toEqual([]);
  training.dispose();
});
