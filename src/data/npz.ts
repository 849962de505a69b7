/** NumPy's .npz archives: zip files of .npy arrays, read array by array, or some rows of one. */
import { DataError } from "./errors.js";
import { type ByteSource, memoryBytes, openBytes } from "./file-bytes.js";
import { type NpyArray, type NpyHeader, npyHeader, npyTexts, npyValues, parseNpy } from "./npy.js";
import { isZip, ZipArchive } from "./zip.js";

// More than any header that NumPy writes for a plain array.
const HEADER_BYTES = 4096;

/** An open .npz archive; close it when done. */
export class Npz {
  readonly file: string;
  /** Arrays in it, without `.npy`. */
  readonly names: readonly string[];
  readonly #zip: ZipArchive;
  readonly #bytes: ByteSource;

  private constructor(bytes: ByteSource, zip: ZipArchive) {
    this.file = bytes.file;
    this.#bytes = bytes;
    this.#zip = zip;
    this.names = zip.entries.flatMap(({ name }) => (name.endsWith(".npy") ? [name.slice(0, -4)] : []));
  }

  /** @throws {DataError} when there is no such file, or it is no zip archive, or damaged. */
  static async open(path: string): Promise<Npz> {
    return Npz.#from(await openBytes(path));
  }

  /** An archive in memory; `file` is the name that messages use. */
  static parse(bytes: Uint8Array, file: string): Promise<Npz> {
    return Npz.#from(memoryBytes(bytes, file));
  }

  static async #from(bytes: ByteSource): Promise<Npz> {
    try {
      if (!isZip(await bytes.read(0, Math.min(4, bytes.size)))) {
        throw new DataError(`${bytes.file}: not a .npz file`, "Save it with numpy.savez.");
      }
      return new Npz(bytes, await ZipArchive.open(bytes));
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  #size(name: string): number {
    const size = this.#zip.entries.find((entry) => entry.name === `${name}.npy`)?.size;
    if (size !== undefined) return size;
    throw new DataError(`${this.file}: no array ${name}, it holds ${this.names.join(", ")}`, "Give the right file.");
  }

  #label(name: string): string {
    return `${this.file}/${name}.npy`;
  }

  /** Type and shape of an array. */
  async header(name: string): Promise<NpyHeader> {
    const end = Math.min(this.#size(name), HEADER_BYTES);
    return npyHeader(await this.#zip.read(`${name}.npy`, 0, end), this.#label(name));
  }

  /** @throws {DataError} when there is no such array, or it is damaged or not supported. */
  async read(name: string): Promise<NpyArray> {
    return parseNpy(await this.#zip.read(`${name}.npy`, 0, this.#size(name)), this.#label(name));
  }

  /** An array of text. */
  async texts(name: string): Promise<string[]> {
    return npyTexts(await this.#zip.read(`${name}.npy`, 0, this.#size(name)), this.#label(name));
  }

  /** Rows `[first, end)` along the first dimension. Of an uncompressed row-major array nothing else is read. */
  async rows(name: string, first: number, end: number): Promise<NpyArray> {
    const header = await this.header(name);
    const [count = 0, ...rest] = header.shape;
    if (first < 0 || end > count || first > end) {
      throw new DataError(`${this.#label(name)}: rows ${first} to ${end} of ${count}`, "Give the right file.");
    }
    const size = rest.reduce((a, b) => a * b, 1);
    const shape = [end - first, ...rest];
    if (header.fortran) {
      const { dtype, values } = await this.read(name);
      return { dtype, shape, values: values.slice(first * size, end * size) };
    }
    const from = header.dataStart + first * size * header.itemBytes;
    const data = await this.#zip.read(`${name}.npy`, from, from + (end - first) * size * header.itemBytes);
    return npyValues(header, data, shape, this.#label(name));
  }
}

/** Opens an archive, gives it to `work`, and closes it again whatever happens. */
export async function withNpz<T>(path: string, work: (npz: Npz) => Promise<T>): Promise<T> {
  const npz = await Npz.open(path);
  try {
    return await work(npz);
  } finally {
    await npz.close();
  }
}
