/** `kay_images.npz`: the open part of vim-1 that Neuromatch Academy teaches with; subject 1, 8,428 voxels of named regions. */
import type { Dataset, ImageSet, Matrix, RawDataset } from "./dataset.js";
import { DataError } from "./errors.js";
import { toFloat32 } from "./fmri-table.js";
import { fileOfKind } from "./identify.js";
import { averagedRecordings, type GreyRange, regionsOfCodes, toUnit, widen } from "./natural-images.js";
import { type NormaliseOptions, normalise } from "./normalise.js";
import { npyMatrix } from "./npy.js";
import { type Npz, withNpz } from "./npz.js";
import { checkSize, resizeImages, withChannels } from "./resample.js";
import { joinImages, type StimulusSize } from "./stimuli.js";

/** Which voxels, and how the pictures are shown. */
export interface KayOptions {
  /** Regions of interest, as {@link voxelsOfChoice}. Default all that are named. */
  readonly roi?: string;
  /** Height and width in pixels; the file's have 128. Default 112. */
  readonly resolution?: number;
  /** 1 = grey, 3 = three equal channels. Default 1. */
  readonly channels?: 1 | 3;
}

const wanted = ["stimuli", "stimuli_test", "responses", "responses_test", "roi", "roi_names"] as const;

/**
 * Reads `kay_images.npz`: 1,750 training and 120 validation pictures, one averaged response each. Pictures are grey values around 0;
 * they are brought to [0, 1] by the least and greatest value of the training pictures.
 *
 * @param path - The file, or the folder that holds it.
 * @throws {DataError} when it is missing, damaged, or another file.
 */
export async function readKay(path: string, options: KayOptions = {}): Promise<RawDataset> {
  const { resolution = 112, channels = 1 } = options;
  checkSize("resolution", resolution);
  return withNpz(await fileOfKind(path, "kay", "kay_images.npz"), async (npz) => {
    const missing = wanted.find((name) => !npz.names.includes(name));
    if (missing !== undefined) {
      throw new DataError(`${npz.file}: no array ${missing}, it holds ${npz.names.join(", ")}`, "Give kay_images.npz.");
    }
    const [train, test] = [await readResponses(npz, "responses"), await readResponses(npz, "responses_test")];
    const roi = await npz.read("roi");
    if (train.columns !== test.columns || roi.values.length !== train.columns) {
      throw new DataError(
        `${npz.file}: responses of ${train.columns} voxels, responses_test of ${test.columns}, roi of ${roi.values.length}`,
        "Give the original kay_images.npz.",
      );
    }
    const shown = await readPictures(npz, { resolution, channels }, [train.rows, test.rows]);
    const regions = regionsOfCodes(roi.values, await npz.texts("roi_names"));
    return averagedRecordings({ name: "kay", images: shown, train, test, regions, notes: [] }, options.roi);
  });
}

async function readResponses(npz: Npz, name: string): Promise<Matrix> {
  return npyMatrix(await npz.read(name), `${npz.file}/${name}.npy`);
}

async function readPictures(npz: Npz, size: StimulusSize, rows: readonly [number, number]): Promise<ImageSet> {
  let range: GreyRange | null = null;
  const sets: ImageSet[] = [];
  for (const [i, name] of (["stimuli", "stimuli_test"] as const).entries()) {
    const { shape, values } = await npz.read(name);
    const [count = 0, height = 0, width = 0] = shape;
    if (shape.length !== 3 || count !== rows[i]) {
      throw new DataError(
        `${npz.file}: ${name} has shape [${shape.join(", ")}], expected [${rows[i]}, height, width]`,
        "Give the original kay_images.npz.",
      );
    }
    range ??= widen(null, values);
    const pixels = toUnit(toFloat32(values), range, npz.file);
    const resized = resizeImages({ count, height, width, channels: 1, pixels }, size.resolution, size.resolution);
    sets.push(withChannels(resized, size.channels));
  }
  return joinImages(sets);
}

/** {@link readKay} with the published split, z-scored per voxel on the training rows. */
export async function loadKay(path: string, options: KayOptions & NormaliseOptions = {}): Promise<Dataset> {
  const raw = await readKay(path, options);
  return normalise(raw, raw.split, options).dataset;
}
