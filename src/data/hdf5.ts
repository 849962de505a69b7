/** HDF5 files, read by path and in slices through h5wasm, which is loaded when the first one is opened. */
import { resolve } from "node:path";
import type { Dataset as H5Dataset, File as H5File, Group as H5Group } from "h5wasm/node";
import { DataError } from "./errors.js";
import { fileOrFolder } from "./files.js";
import { checkHeaps } from "./hdf5-heaps.js";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
// Where the superblock may start; MATLAB puts 512 bytes of its own in front of it.
const OFFSETS = [0, 512, 1024, 2048];

/** Whether bytes from the start of a file are those of an HDF5 file, with or without a user block. */
export function isHdf5(bytes: Uint8Array): boolean {
  return OFFSETS.some((offset) => SIGNATURE.every((byte, i) => bytes[offset + i] === byte));
}

/** Numbers as the file stores them. */
export type Hdf5Numbers =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

async function library() {
  // The library keeps what it finds here, and writes to it when it gives up on a damaged file, besides throwing.
  const { error: say } = console;
  console.error = () => {};
  const h5wasm = await import("h5wasm/node");
  const module = await h5wasm.ready.finally(() => {
    console.error = say;
  });
  // Without this the library prints the reasons of a failure to the console instead of throwing them.
  module.activate_throwing_error_handler();
  return h5wasm;
}

/** The last reason in the library's list is the one closest to the file. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const reasons = [...text.matchAll(/^\s+#\d+: .*?\(\): (.*)$/gm)];
  const reason = (reasons.at(-1)?.[1] ?? text.split("\n")[0] ?? "").trim();
  if (/lib\/plugin/.test(reason)) return "packed by a filter that is not built in";
  return /^Aborted|out of bounds|unreachable/.test(reason) ? "it is damaged" : reason;
}

/** What to do about a reason. */
function remedyOf(reason: string): string {
  if (/not supported/.test(reason)) return "Save it as 32-bit or 64-bit floating-point numbers.";
  if (/filter/.test(reason)) return "Save it with gzip compression, or none.";
  if (/allocation/.test(reason)) return "Save it as 32-bit numbers, with fewer rows or voxels.";
  return "Copy or download the file again.";
}

function isDataset(entity: unknown): entity is H5Dataset {
  return typeof entity === "object" && entity !== null && "type" in entity && entity.type === "Dataset";
}

function isGroup(entity: unknown): entity is H5Group {
  return typeof entity === "object" && entity !== null && "type" in entity && entity.type === "Group";
}

/** An open HDF5 file. What it holds is named by path: `metadata/key`. */
export class Hdf5File {
  readonly file: string;
  readonly #file: H5File;
  #heapsChecked = false;

  private constructor(file: string, opened: H5File) {
    this.file = file;
    this.#file = opened;
  }

  /**
   * Opens a file.
   *
   * @throws {DataError} when there is none, or it is no HDF5 file, or truncated.
   */
  static async open(path: string): Promise<Hdf5File> {
    await fileOrFolder(path);
    const { File } = await library();
    try {
      return new Hdf5File(path, new File(resolve(path), "r"));
    } catch (error) {
      throw new DataError(
        `${path}: truncated or damaged HDF5 file (${reasonOf(error)})`,
        "Copy or download it again; files of 2 GiB and more need a 64-bit Node.",
      );
    }
  }

  close(): void {
    this.#file.close();
  }

  #attempt<T>(path: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof DataError) throw error;
      const reason = reasonOf(error);
      throw new DataError(`${this.file}: ${path} cannot be read (${reason})`, remedyOf(reason));
    }
  }

  #dataset(path: string): H5Dataset {
    const entity = this.#attempt(path, () => this.#file.get(path));
    if (isDataset(entity)) return entity;
    const there = this.keys().join(", ");
    throw new DataError(
      `${this.file}: no dataset ${path}, the file holds ${there || "nothing"}`,
      "Give the right file.",
    );
  }

  /** HDF5's number of a dataset's type class. */
  #type(path: string): number {
    const dataset = this.#dataset(path);
    return this.#attempt(path, () => dataset.metadata.type);
  }

  /** Names in a group, default the outermost; none when there is no such group. */
  keys(group = "/"): string[] {
    const entity = this.#attempt(group, () => (group === "/" ? this.#file : this.#file.get(group)));
    return isGroup(entity) ? this.#attempt(group, () => entity.keys()) : [];
  }

  /** What stands at a path. */
  kind(path: string): "group" | "dataset" | null {
    const entity = this.#attempt(path, () => this.#file.get(path));
    return isDataset(entity) ? "dataset" : isGroup(entity) ? "group" : null;
  }

  /** @throws {DataError} when there is no such dataset. */
  shape(path: string): readonly number[] {
    const dataset = this.#dataset(path);
    return this.#attempt(path, () => dataset.shape ?? []);
  }

  /** An attribute of a dataset or group as text or number; `null` when there is none. */
  attribute(path: string, name: string): string | number | null {
    return this.#attempt(path, () => {
      const entity = this.#file.get(path);
      if (!isDataset(entity) && !isGroup(entity)) return null;
      const value = entity.attrs[name]?.value;
      return typeof value === "string" || typeof value === "number" ? value : null;
    });
  }

  /** Whether a dataset holds numbers. */
  isNumeric(path: string): boolean {
    // 0 integers, 1 floats, 8 enumerations: how h5py writes booleans.
    return [0, 1, 8].includes(this.#type(path));
  }

  /**
   * The numbers of a dataset, last dimension fastest.
   *
   * @param ranges - `[start, end)` of each dimension; default all of it.
   * @throws {DataError} when there is no such dataset, or it holds something else.
   */
  numbers(path: string, ranges?: readonly (readonly [number, number])[]): Hdf5Numbers {
    const dataset = this.#dataset(path);
    if (!this.isNumeric(path)) {
      throw new DataError(`${this.file}: ${path} holds no numbers`, "Save it as a numeric array.");
    }
    const value = this.#attempt(path, () =>
      ranges ? dataset.slice(ranges.map(([start, end]) => [start, end])) : dataset.value,
    );
    if (ArrayBuffer.isView(value)) return value as Hdf5Numbers;
    if (typeof value === "number" || typeof value === "bigint") return Float64Array.of(Number(value));
    if (value === null || (Array.isArray(value) && value.length === 0)) return new Float64Array(0);
    throw new DataError(`${this.file}: ${path} holds no plain numbers`, "Save it as a numeric array.");
  }

  /** @throws {DataError} when there is no such dataset, or it holds no text. */
  texts(path: string): string[] {
    const dataset = this.#dataset(path);
    if (!this.#heapsChecked && this.#attempt(path, () => dataset.metadata.vlen)) {
      checkHeaps(this.file);
      this.#heapsChecked = true;
    }
    const value = this.#attempt(path, () => dataset.value);
    const list = Array.isArray(value) ? value : [value];
    return list.map((item) => {
      if (typeof item !== "string") throw new DataError(`${this.file}: ${path} holds no text`, "Give the right file.");
      return item;
    });
  }

  /** Whether a dataset holds references to others. */
  isReferences(path: string): boolean {
    return this.#type(path) === 7;
  }

  /** The paths that a dataset of references points to. */
  references(path: string): string[] {
    const dataset = this.#dataset(path);
    const value = this.#attempt(path, () => dataset.value);
    const list = Array.isArray(value) ? value : [value];
    return list.map((item) => {
      const target = this.#attempt(path, () => dataset.dereference(item as Parameters<H5Dataset["dereference"]>[0]));
      if (isDataset(target) || isGroup(target)) return target.path;
      throw new DataError(`${this.file}: ${path} points nowhere`, "Copy or download the file again.");
    });
  }
}
