/** What is in a file or folder, as names and values: what `voxpix inspect` shows. */
import { join } from "node:path";
import sharp from "sharp";
import { readCsv } from "./csv.js";
import { describeFacts as recordingFacts } from "./describe-recordings.js";
import { DataError } from "./errors.js";
import { listImages } from "./file-tree.js";
import { readBytes } from "./files.js";
import { Hdf5File } from "./hdf5.js";
import { type FileKind, fileKinds, identify } from "./identify.js";
import { readIdx } from "./idx.js";
import { unreadableImage } from "./images.js";
import { withMat } from "./mat.js";
import { npyHeader } from "./npy.js";
import { withNpz } from "./npz.js";
import { openPth } from "./pth.js";
import { openSafetensors } from "./safetensors-file.js";
import type { TensorFile } from "./tensor-file.js";

/** Something that was found: a word or number, or several by name. */
export type FactValue = string | number | Readonly<Record<string, string | number>>;

/** Names and values, in the order in which they are shown. */
export type Facts = Readonly<Record<string, FactValue>>;

/** What a path holds. */
export interface Description {
  readonly path: string;
  /** `null` when it is nothing that is read. */
  readonly kind: FileKind | null;
  /** The kind in words. */
  readonly what: string;
  readonly facts: Facts;
}

const shapeText = (shape: readonly number[]) => `[${shape.join(", ")}]`;
// Networks hold hundreds of tensors; the first say what they are.
const SHOWN = 40;

/**
 * Describes a file or folder: datasets by their trials, runs, repeats, voxels, regions and missing values; other files by the arrays in
 * them.
 *
 * @throws {DataError} when there is nothing there, or it is damaged.
 */
export async function describe(path: string): Promise<Description> {
  const kind = await identify(path);
  if (kind === null) return { path, kind, what: "nothing that voxpix reads", facts: {} };
  return { path, kind, what: fileKinds[kind], facts: await factsOf(path, kind) };
}

function factsOf(path: string, kind: FileKind): Promise<Facts> {
  switch (kind) {
    case "npz":
    case "pictures":
      return npzFacts(path);
    case "npy":
      return npyFacts(path);
    case "mat":
    case "caffenet":
    case "vim1-stimuli":
      return matFacts(path);
    case "hdf5":
      return hdf5Facts(path);
    case "pth":
      return tensorFacts(openPth(path));
    case "safetensors":
      return tensorFacts(openSafetensors(path));
    case "images":
      return imagesFacts(path);
    case "image":
      return imageFacts(path);
    case "idx":
      return idxFacts(path);
    case "table":
      return tableFacts(path);
    case "run":
      return runFacts(path);
    default:
      return recordingFacts(path, kind);
  }
}

async function npyFacts(path: string): Promise<Facts> {
  const { descr, shape, fortran } = npyHeader(await readBytes(path), path);
  return { type: descr, shape: shapeText(shape), order: fortran ? "column-major" : "row-major" };
}

function npzFacts(path: string): Promise<Facts> {
  return withNpz(path, async (npz) => {
    const arrays: Record<string, string> = {};
    for (const name of npz.names) {
      const { descr, shape } = await npz.header(name);
      arrays[name] = `${descr} ${shapeText(shape)}`;
    }
    return { arrays };
  });
}

function matFacts(path: string): Promise<Facts> {
  return withMat(path, (mat) => {
    const variables = Object.fromEntries(
      mat.entries.map(({ name, className, dims }) => [name, `${className} ${shapeText(dims)}`]),
    );
    return Promise.resolve({ format: mat.format, variables });
  });
}

async function hdf5Facts(path: string): Promise<Facts> {
  const file = await Hdf5File.open(path);
  try {
    const items = file.keys().map((name): [string, string] => {
      const dataset = file.kind(name) === "dataset";
      return [name, dataset ? `dataset ${shapeText(file.shape(name))}` : `group of ${file.keys(name).length}`];
    });
    return { items: Object.fromEntries(items) };
  } finally {
    file.close();
  }
}

async function tensorFacts(opening: Promise<TensorFile>): Promise<Facts> {
  const file = await opening;
  const tensors = [...file.shapes];
  await file.close();
  const values = tensors.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const more = tensors.length > SHOWN ? { "not shown": tensors.length - SHOWN } : {};
  const shown = Object.fromEntries(tensors.slice(0, SHOWN).map(([name, shape]) => [name, shapeText(shape)]));
  return { tensors: tensors.length, values, shapes: shown, ...more };
}

async function imagesFacts(path: string): Promise<Facts> {
  const names = await listImages(path);
  return { images: names.length, first: names[0] ?? "", last: names.at(-1) ?? "" };
}

async function imageFacts(path: string): Promise<Facts> {
  const { width, height, format, channels } = await sharp(await readBytes(path))
    .metadata()
    .catch((error: unknown) => {
      throw unreadableImage(path, error);
    });
  return { format, width, height, channels };
}

async function idxFacts(path: string): Promise<Facts> {
  const { dims } = await readIdx(path);
  return { shape: shapeText(dims) };
}

async function tableFacts(path: string): Promise<Facts> {
  const rows = await readCsv(path);
  return { rows: rows.length, columns: rows[0]?.cells.length ?? 0, first: rows[0]?.cells.slice(0, 8).join(", ") ?? "" };
}

/** Settings of a run that say what it is. */
const RUN_SETTINGS = ["dataset", "data", "variant", "preset", "seed", "resolution", "roi", "voxels"] as const;

function settingsIn(text: string, file: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new DataError(`${file}: not JSON (${error instanceof Error ? error.message : error})`, "Restore the file.");
  }
}

async function runFacts(path: string): Promise<Facts> {
  const file = join(path, "config.json");
  const config = settingsIn(new TextDecoder().decode(await readBytes(file)), file);
  const log = new TextDecoder().decode(await readBytes(join(path, "log.jsonl")));
  // A kill may have cut off the last line.
  const last = [...log.matchAll(/^\{"event":"(\w+)".*\}$/gm)].at(-1)?.[1];
  const settings = RUN_SETTINGS.flatMap((name) => (config[name] == null ? [] : [[name, String(config[name])]]));
  return { ...(Object.fromEntries(settings) as Facts), "last event": last ?? "none" };
}
