/** What a file or folder is, told by what is in it. */
import { join } from "node:path";
import { DataError } from "./errors.js";
import { firstBytes } from "./file-bytes.js";
import { listTree } from "./file-tree.js";
import { exists, fileOrFolder, listFiles } from "./files.js";
import { Hdf5File, isHdf5 } from "./hdf5.js";
import { isImageName } from "./images.js";
import { matFormat, withMat } from "./mat.js";
import { isNpy } from "./npy.js";
import { isLegacyPth } from "./pth.js";
import { isZip, withZip } from "./zip.js";

/** Everything that is told apart, and what it is in words. */
export const fileKinds = {
  god: "recordings of 'fMRI on ImageNet' (BData)",
  vim1: "responses of vim-1",
  "vim1-stimuli": "stimuli of vim-1",
  kay: "kay_images.npz, the open part of vim-1",
  ssfmri2im: "recordings of 'fMRI on ImageNet' as the follow-up's npz",
  digit69: "the 69 dataset of handwritten digits",
  folder: "a folder dataset: images, fMRI and a split",
  pictures: "pictures of 'fMRI on ImageNet' as npz",
  images: "a folder of images",
  run: "a run folder",
  caffenet: "CaffeNet or another MatConvNet network",
  pth: "a PyTorch checkpoint",
  safetensors: "tensors as safetensors",
  mat: "a MAT file",
  hdf5: "an HDF5 file",
  npz: "NumPy arrays",
  npy: "a NumPy array",
  idx: "IDX arrays, the format of MNIST",
  image: "an image",
  table: "a table as text",
} as const;

/** A kind of file or folder. */
export type FileKind = keyof typeof fileKinds;

/** Kinds that training can name as its dataset. */
export const datasetKinds = ["god", "vim1", "kay", "ssfmri2im", "digit69", "folder"] as const;

/** How names of files of recordings end: in a folder only these are looked into. */
const RECORDINGS = /\.(mat|h5|hdf5|npz)$/i;

/** Beside images/, what tells a folder dataset; what else it lacks is said by its reader. */
const OWN = /^(split\.(csv|json)|fmri\.(npy|npz|csv|mat|h5))$/;

const IMAGE_STARTS: readonly (readonly number[])[] = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x47, 0x49, 0x46, 0x38],
  [0x49, 0x49, 0x2a, 0x00],
  [0x4d, 0x4d, 0x00, 0x2a],
];

const startsWith = (bytes: Uint8Array, start: readonly number[]) => start.every((byte, i) => bytes[i] === byte);
const textAt = (bytes: Uint8Array, from: number, end: number) =>
  new TextDecoder("latin1").decode(bytes.subarray(from, end));

/**
 * Tells what a file or folder is, from its first bytes and the names of what it holds.
 *
 * @returns `null` when it is nothing that this package reads.
 * @throws {DataError} when there is nothing there, or it is damaged.
 */
export async function identify(path: string): Promise<FileKind | null> {
  return (await fileOrFolder(path)) === "folder" ? identifyFolder(path) : identifyFile(path);
}

async function identifyFile(path: string): Promise<FileKind | null> {
  const start = await firstBytes(path, 2560);
  if (isNpy(start)) return "npy";
  if (isZip(start)) return identifyZip(path);
  if (matFormat(start) !== null) {
    return withMat(path, (mat) => Promise.resolve(kindOfNames(mat.entries.map(({ name }) => name)) ?? "mat"));
  }
  if (isHdf5(start)) return identifyHdf5(path);
  if (isLegacyPth(start)) return "pth";
  if (isSafetensors(start)) return "safetensors";
  if (IMAGE_STARTS.some((bytes) => startsWith(start, bytes)) || isRiffImage(start)) return "image";
  const [zero, alsoZero, type = 0, rank = 0] = start;
  if (zero === 0 && alsoZero === 0 && type >= 8 && type <= 14 && rank >= 1 && rank <= 4) return "idx";
  if (/idx\d-ubyte(\.gz)?$/.test(path)) return "idx";
  return start.includes(0) || !isText(start) ? null : "table";
}

function isRiffImage(start: Uint8Array): boolean {
  const boxes = textAt(start, 4, 12);
  return (textAt(start, 0, 4) === "RIFF" && boxes.endsWith("WEBP")) || /^ftyp(avif|heic|mif1)/.test(boxes);
}

/** A header length that fits, and a JSON object behind it. */
function isSafetensors(start: Uint8Array): boolean {
  if (start.length < 10) return false;
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  return length > 1n && length <= 100_000_000n && start[8] === 0x7b;
}

function isText(start: Uint8Array): boolean {
  try {
    // The last character may be cut in two.
    new TextDecoder("utf-8", { fatal: true }).decode(start.subarray(0, Math.max(1, start.length - 3)));
    return true;
  } catch {
    return false;
  }
}

async function identifyHdf5(path: string): Promise<FileKind> {
  const file = await Hdf5File.open(path);
  try {
    return kindOfNames(file.keys()) ?? "hdf5";
  } finally {
    file.close();
  }
}

/** Kinds by the names of variables. */
function kindOfNames(names: readonly string[]): FileKind | null {
  const has = (...wanted: RegExp[]) => wanted.every((pattern) => names.some((name) => pattern.test(name)));
  if (has(/^dataset$/i, /^metadata$/i)) return "god";
  if (has(/^dataTrnS\d$/)) return "vim1";
  if (has(/^fmriTrn$/, /^stimTrn$/, /^labelTrn$/)) return "digit69";
  if (has(/^stimTrn$/) || has(/^stimVal$/)) return "vim1-stimuli";
  if (has(/^layers$/)) return "caffenet";
  return null;
}

function identifyZip(path: string): Promise<FileKind | null> {
  return withZip(path, (zip) => {
    const entries = zip.entries.map(({ name }) => name);
    const names = entries.flatMap((name) => (name.endsWith(".npy") ? [name.slice(0, -4)] : []));
    const has = (...wanted: string[]) => wanted.every((name) => names.includes(name));
    if (entries.some((name) => name.endsWith("data.pkl"))) return "pth";
    if (has("responses", "stimuli", "roi")) return "kay";
    if (has("train_images", "test_images")) return "pictures";
    if (has("arr_0", "arr_1", "arr_3", "arr_4")) return "ssfmri2im";
    return names.length > 0 ? "npz" : null;
  });
}

async function identifyFolder(path: string): Promise<FileKind | null> {
  if ((await exists(join(path, "config.json"))) && (await exists(join(path, "log.jsonl")))) return "run";
  const files = await listFiles(path);
  if ((await exists(join(path, "images"))) && files.some((name) => OWN.test(name))) return "folder";
  for (const name of files.filter((candidate) => RECORDINGS.test(candidate))) {
    const kind = await identifyFile(join(path, name));
    if (kind === "god" || kind === "vim1" || kind === "kay" || kind === "ssfmri2im" || kind === "digit69") return kind;
  }
  return (await listTree(path, isImageName)).length > 0 ? "images" : null;
}

/**
 * The file of a kind: `path` itself when it is a file, of whatever kind, else the one in the folder.
 *
 * @param usual - The name that it was published under: of several files, that one is meant.
 * @throws {DataError} when the folder holds none, or several under other names.
 */
export async function fileOfKind(path: string, kind: FileKind, usual: string): Promise<string> {
  if ((await fileOrFolder(path)) === "file") return path;
  const found: string[] = [];
  for (const name of (await listFiles(path)).filter((candidate) => RECORDINGS.test(candidate))) {
    if ((await identifyFile(join(path, name))) === kind) found.push(name);
  }
  const [only] = found.includes(usual) ? [usual] : found;
  if (only !== undefined && (only === usual || found.length === 1)) return join(path, only);
  const what = only === undefined ? "no file in it is" : `${found.join(", ")} are each`;
  throw new DataError(`${path}: ${what} ${fileKinds[kind]}`, "Name the file itself.");
}

/**
 * The dataset that a path holds.
 *
 * @throws {DataError} when it holds none.
 */
export async function identifyDataset(path: string): Promise<(typeof datasetKinds)[number]> {
  const kind = await identify(path);
  const dataset = datasetKinds.find((name) => name === kind);
  if (dataset !== undefined) return dataset;
  const what = kind === null ? "nothing that is known" : fileKinds[kind];
  throw new DataError(
    `${path}: it is ${what}, not recordings`,
    `Name the dataset with --dataset: ${datasetKinds.join(", ")}.`,
  );
}
