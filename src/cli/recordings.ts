/** From a configuration to recordings, whatever the dataset. */
import type { RawDataset } from "../data/dataset.js";
import { readDigit69 } from "../data/digit69.js";
import { type FeatureWeights, loadFeatureWeights, noFeatureWeights } from "../data/feature-weights.js";
import { readFolder } from "../data/folder.js";
import { simulateRecordings } from "../data/simulate.js";
import { loadUnlabeledImages } from "../data/unlabeled.js";
import { UsageError } from "./errors.js";
import type { RunConfig } from "./options.js";

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The settings that have a value. */
function given<T extends object>(settings: T): Given<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Given<T>;
}

async function readDataset(config: RunConfig): Promise<RawDataset> {
  const { resolution, channels, seed } = config;
  const path = config.data ?? "";
  if (config.dataset === "simulate") {
    const photographs = config.data === null ? {} : { photographs: config.data };
    return (await simulateRecordings({ resolution, channels, seed, ...photographs, ...given(config.simulate) })).raw;
  }
  if (config.dataset === "digit69") return readDigit69(path, { resolution, channels });
  return readFolder(path, { resolution, channels });
}

/**
 * Reads all that a run needs: recordings, unlabeled images and feature weights.
 *
 * @throws {DataError} when a file is missing or wrong.
 * @throws {UsageError} when the variant needs unlabeled images and none were given.
 */
export async function readInputs(config: RunConfig): Promise<{ raw: RawDataset; weights: FeatureWeights }> {
  const weights = config.weights === null ? noFeatureWeights : await loadFeatureWeights(config.weights);
  const raw = await readDataset(config);
  const { resolution, channels } = config;
  const unlabeledImages = config.unlabeled
    ? await loadUnlabeledImages(config.unlabeled, { height: resolution, width: resolution, channels })
    : raw.unlabeledImages;
  if (config.variant !== "supervised" && unlabeledImages === null) {
    throw new UsageError(
      `variant ${config.variant} trains on unlabeled images: give them with --unlabeled PATH (a folder of images or MNIST files), or choose --variant supervised`,
    );
  }
  return { raw: { ...raw, unlabeledImages }, weights };
}

/** The line that says which features are in use. */
export function featureNotice(weights: FeatureWeights): string {
  const network = weights.conv1?.network ?? "CaffeNet";
  if (weights.conv1 && weights.vgg19) return `features: ${network} conv1 and VGG19 from weight files`;
  const conv1 = weights.conv1 ? `${network} conv1 from a weight file` : "the built-in Gabor and colour bank";
  const loss = weights.vgg19 ? "VGG19 from weight files" : "the built-in bank";
  return `features: ${conv1} before the Encoder, ${loss} in the image loss${weights.conv1 || weights.vgg19 ? "" : " (--weights PATH gives trained ones)"}`;
}
