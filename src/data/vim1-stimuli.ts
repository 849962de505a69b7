/** The pictures of vim-1: which files hold them, and how they come out upright in [0, 1]. */
import { join } from "node:path";
import type { ImageSet } from "./dataset.js";
import { DataError } from "./errors.js";
import { fileOrFolder, listFiles } from "./files.js";
import { type MatReader, matEntry, openMat, withMat } from "./mat.js";
import { type GreyRange, toUnit, widen } from "./natural-images.js";
import { resizeImages, withChannels } from "./resample.js";
import type { StimulusSize } from "./stimuli.js";

/** Some pictures, as a variable of a file. */
export interface StimulusFile {
  readonly file: string;
  readonly variable: "stimTrn" | "stimVal";
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

// Pictures that are read at once: 40 of 500 pixels in f64 are 80 MB.
const SLAB = 40;
const VARIABLES = ["stimTrn", "stimVal"] as const;

/** The pictures that a MAT file holds. */
export function stimuliIn(mat: Pick<MatReader, "file" | "entries">): StimulusFile[] {
  return VARIABLES.flatMap((variable) => {
    if (!mat.entries.some(({ name }) => name === variable)) return [];
    const { dims } = matEntry(mat, variable);
    const [count = 0, height = 0, width = 0] = dims;
    if (dims.length !== 3 || count * height * width === 0) {
      throw new DataError(
        `${mat.file}: ${variable} is [${dims.join(", ")}], expected [pictures, height, width]`,
        "Give the original file.",
      );
    }
    return [{ file: mat.file, variable, count, height, width }];
  });
}

/**
 * Finds the files that hold as many training and validation pictures as there are responses.
 *
 * @param path - A folder, or a file that holds both.
 * @param resolution - Size that is wanted: larger pictures are taken only where it needs them.
 * @throws {DataError} when no set of files of one size adds up.
 */
export async function findStimuli(
  path: string,
  counts: Readonly<Record<StimulusFile["variable"], number>>,
  resolution: number,
): Promise<{ training: StimulusFile[]; validation: StimulusFile[] }> {
  const folder = (await fileOrFolder(path)) === "folder";
  const names = folder ? (await listFiles(path)).filter((name) => /\.mat$/i.test(name)) : [""];
  const found: StimulusFile[] = [];
  for (const name of names) {
    found.push(...(await withMat(folder ? join(path, name) : path, (mat) => Promise.resolve(stimuliIn(mat)))));
  }
  const choose = (variable: StimulusFile["variable"]) => {
    const sizes = [...new Set(found.map(({ height }) => height))].sort((a, b) => a - b);
    const sets = sizes.map((size) => found.filter((item) => item.variable === variable && item.height === size));
    const whole = sets.filter((set) => set.reduce((sum, { count }) => sum + count, 0) === counts[variable]);
    const enough = whole.find((set) => (set[0]?.height ?? 0) >= resolution) ?? whole.at(-1);
    if (enough !== undefined) return enough;
    const there = sets.filter((set) => set.length > 0).map((set) => set.reduce((sum, { count }) => sum + count, 0));
    throw new DataError(
      `${path}: ${there.length === 0 ? "no" : there.join(" and ")} pictures (${variable}) for ${counts[variable]} responses`,
      "Put Stimuli.mat there, or all Stimuli_..._FullRes files; or name their folder with --stimuli.",
    );
  };
  return { training: choose("stimTrn"), validation: choose("stimVal") };
}

async function* slabs({ file, variable, count }: StimulusFile) {
  const mat = await openMat(file);
  try {
    for (let first = 0; first < count; first += SLAB) {
      const end = Math.min(count, first + SLAB);
      yield { size: end - first, values: await mat.slab(variable, first, end) };
    }
  } finally {
    await mat.close();
  }
}

/** The least and greatest pixel of the training pictures. */
export async function trainingRange(files: readonly StimulusFile[]): Promise<GreyRange> {
  let range: GreyRange | null = null;
  for (const file of files) for await (const { values } of slabs(file)) range = widen(range, values);
  return range ?? { low: 0, high: 0 };
}

/** Pictures of a file at the size wanted. */
export async function readGreyPictures(source: StimulusFile, range: GreyRange, size: StimulusSize): Promise<ImageSet> {
  const { height, width, count } = source;
  const { resolution, channels } = size;
  const pixels = new Float32Array(count * resolution * resolution);
  let done = 0;
  for await (const slab of slabs(source)) {
    const unit = toUnit(slab.values, range, source.file);
    const upright = new Float32Array(unit.length);
    // Column-major [pictures, height, width]: the picture is the fastest index, the column the slowest.
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) {
        for (let i = 0; i < slab.size; i++) {
          upright[(i * height + y) * width + x] = unit[i + slab.size * (y + height * x)] as number;
        }
      }
    }
    const set = resizeImages({ count: slab.size, height, width, channels: 1, pixels: upright }, resolution, resolution);
    pixels.set(set.pixels, done * resolution * resolution);
    done += slab.size;
  }
  return withChannels({ count, height: resolution, width: resolution, channels: 1, pixels }, channels);
}
