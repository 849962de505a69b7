/** From a configuration to recordings, whatever the dataset. */
import { dirname } from "node:path";
import type { RawDataset } from "../data/dataset.js";
import { readDigit69 } from "../data/digit69.js";
import { type FeatureWeights, loadFeatureWeights, noFeatureWeights } from "../data/feature-weights.js";
import { fileOrFolder } from "../data/files.js";
import { readFolder } from "../data/folder.js";
import { readGod } from "../data/god.js";
import { readKay } from "../data/kay.js";
import { selectRois } from "../data/rois.js";
import { simulateRecordings } from "../data/simulate.js";
import { readSsfmri2im } from "../data/ssfmri2im.js";
import { openUnlabeledImages, type UnlabeledImages } from "../data/unlabeled.js";
import { readVim1 } from "../data/vim1.js";
import { UsageError } from "./errors.js";
import type { RunConfig } from "./options.js";

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The settings that have a value. */
function given<T extends object>(settings: T): Given<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Given<T>;
}

/** Where pictures are looked for when nobody says: beside the recordings. */
const folderOf = async (path: string) => ((await fileOrFolder(path)) === "file" ? dirname(path) : path);

async function readDataset(config: RunConfig): Promise<RawDataset> {
  const { resolution, channels, seed, subject, roi, stimuli } = config;
  const path = config.data ?? "";
  const size = { resolution, channels };
  const chosen = { ...size, ...(roi === null ? {} : { roi }), ...(subject === null ? {} : { subject }) };
  const shown = stimuli === null ? {} : { stimuli };
  switch (config.dataset) {
    case "simulate": {
      const photographs = config.data === null ? {} : { photographs: config.data };
      return (await simulateRecordings({ seed, ...size, ...photographs, ...given(config.simulate) })).raw;
    }
    case "god":
      return readGod(path, { ...chosen, stimuli: stimuli ?? (await folderOf(path)) });
    case "vim1":
      return readVim1(path, { ...chosen, ...shown });
    case "kay":
      return readKay(path, chosen);
    case "ssfmri2im":
      return readSsfmri2im(path, { ...chosen, ...shown });
    case "digit69":
      return readDigit69(path, size);
    case "folder":
      return readFolder(path, size);
  }
}

/** Datasets whose reader has chosen the voxels by region itself, because it has a default. */
const choosesRegions = new Set<RunConfig["dataset"]>(["god", "vim1", "kay", "ssfmri2im"]);

async function readUnlabeled({ unlabeled, resolution, channels }: RunConfig): Promise<UnlabeledImages | null> {
  if (unlabeled === null) return null;
  const onSkip = (message: string) => void process.stderr.write(`voxpix: ${message}\n`);
  return openUnlabeledImages(unlabeled, { height: resolution, width: resolution, channels, onSkip });
}

/**
 * Reads all that a run needs: recordings, unlabeled images and feature weights.
 *
 * @throws {DataError} when a file is missing or wrong.
 * @throws {UsageError} when the variant needs unlabeled images and none were given.
 */
export async function readInputs(config: RunConfig): Promise<{ raw: RawDataset; weights: FeatureWeights }> {
  const weights = config.weights === null ? noFeatureWeights : await loadFeatureWeights(config.weights);
  const read = await readDataset(config);
  const chosen = config.roi === null || choosesRegions.has(config.dataset) ? read : selectRois(read, config.roi);
  const unlabeled = (await readUnlabeled(config)) ?? { unlabeledImages: chosen.unlabeledImages };
  if (config.variant !== "supervised" && unlabeled.unlabeledImages === null && !("unlabeledStream" in unlabeled)) {
    throw new UsageError(
      `variant ${config.variant} trains on unlabeled images: give them with --unlabeled PATH (a folder of images or MNIST files), or choose --variant supervised`,
    );
  }
  const best = config.voxels === 0 ? {} : { bestVoxels: config.voxels };
  return { raw: { ...chosen, ...unlabeled, ...best }, weights };
}

/** The line that says which features are in use. */
export function featureNotice(weights: FeatureWeights): string {
  const network = weights.conv1?.network ?? "CaffeNet";
  if (weights.conv1 && weights.vgg19) return `features: ${network} conv1 and VGG19 from weight files`;
  const conv1 = weights.conv1 ? `${network} conv1 from a weight file` : "the built-in Gabor and colour bank";
  const loss = weights.vgg19 ? "VGG19 from weight files" : "the built-in bank";
  return `features: ${conv1} before the Encoder, ${loss} in the image loss${weights.conv1 || weights.vgg19 ? "" : " (--weights PATH gives trained ones)"}`;
}
