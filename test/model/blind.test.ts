/** What a training may not look at: test images never, and the targets' test fMRI not where it is excluded. */
import { describe, expect, test } from "vitest";
import type { Dataset, ImageSet, Matrix } from "../../src/data/dataset.js";
import { noFeatureWeights } from "../../src/data/feature-weights.js";
import { withoutTargets } from "../../src/data/test-fmri.js";
import { ridgeBaseline } from "../../src/eval/baselines.js";
import type { Variant } from "../../src/model/batches.js";
import { trainingEntries } from "../../src/model/checkpoint.js";
import { trainingConfig } from "../../src/model/config.js";
import type { Preset } from "../../src/model/presets.js";
import { Training } from "../../src/model/training.js";
import { testDevice, uniform } from "../device.js";
import { tinyDataset } from "./tiny.js";

const device = await testDevice();

/** All that a training ends with, as text. */
async function trained(dataset: Dataset, preset: Preset["name"], variant: Variant): Promise<string> {
  const sizes = { encoderEpochs: 1, decoderEpochs: 1, batchSize: 8, encoderChannels: 4, decoderChannels: 4 };
  const config = trainingConfig({ ...sizes, preset, variant, seed: 5 });
  const training = new Training({ device, dataset, weights: noFeatureWeights, config });
  const losses: unknown[] = [];
  for await (const report of training.run()) losses.push(report.losses);
  const entries = await trainingEntries(training);
  training.dispose();
  const text = [...entries].map(([name, { values }]) => `${name} ${Buffer.from(values.buffer).toString("base64")}`);
  return [JSON.stringify(losses), ...text].join("\n");
}

const noiseImages = (images: ImageSet): ImageSet => ({ ...images, pixels: uniform(images.pixels.length, 77, 0, 1) });

/** Other fMRI for some test items, in averages and repeats alike. */
function withOtherFmri(dataset: Dataset, items: readonly number[]): Dataset {
  const change = (matrix: Matrix, rows: readonly number[]): Matrix => {
    const values = matrix.values.slice();
    for (const row of rows) values.set(uniform(matrix.columns, 50 + row), row * matrix.columns);
    return { ...matrix, values };
  };
  const every = ({ rows }: Matrix) => Array.from({ length: rows }, (_, r) => r);
  return {
    ...dataset,
    test: { ...dataset.test, fmri: change(dataset.test.fmri, items) },
    testRepeats: dataset.testRepeats!.map((matrix, i) => (items.includes(i) ? change(matrix, every(matrix)) : matrix)),
  };
}

describe("training never sees", () => {
  const dataset = tinyDataset(16);

  test.each([
    { preset: "paper", variant: "full" },
    { preset: "authors", variant: "full" },
    { preset: "best", variant: "full" },
    { preset: "authors", variant: "images" },
    { preset: "paper", variant: "supervised" },
  ] as const)("test images: $preset, $variant", async ({ preset, variant }) => {
    const blinded = { ...dataset, test: { ...dataset.test, images: noiseImages(dataset.test.images) } };
    expect(await trained(blinded, preset, variant)).toBe(await trained(dataset, preset, variant));
  });

  test.each([
    { variant: "supervised", sees: false },
    { variant: "images", sees: false },
    { variant: "full", sees: true },
  ] as const)("test fMRI: $variant sees it: $sees", async ({ variant, sees }) => {
    const changed = withOtherFmri(dataset, [0, 1, 2, 3]);
    expect((await trained(changed, "paper", variant)) !== (await trained(dataset, "paper", variant))).toBe(sees);
  });

  test("the targets' test fMRI, where they are excluded", async () => {
    const targets = [1, 3];
    const changed = withOtherFmri(dataset, targets);
    const [excluded, changedExcluded] = [withoutTargets(dataset, targets), withoutTargets(changed, targets)];
    expect(await trained(changedExcluded, "authors", "targetExcluded")).toBe(
      await trained(excluded, "authors", "targetExcluded"),
    );
    expect(await trained(changed, "authors", "full")).not.toBe(await trained(dataset, "authors", "full"));
  });
});

test("ridge regression chooses its penalty without the test images", () => {
  const { train, test: tested } = tinyDataset(8);
  // It is given nothing but the training recordings and the fMRI to decode; that the latter does not sway the penalty is tested here.
  const other = { ...tested.fmri, values: uniform(tested.fmri.values.length, 3) };
  expect(ridgeBaseline(train, tested.fmri).lambda).toBe(ridgeBaseline(train, other).lambda);
});
