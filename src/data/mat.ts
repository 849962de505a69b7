/** MAT files of either format, by variable: MAT 5 by seeking, MAT 7.3 through HDF5. */
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { type ByteSource, firstBytes, openBytes } from "./file-bytes.js";
import { Hdf5File, isHdf5 } from "./hdf5.js";
import { type MatScan, type MatVariable, readScanned, scanMat5 } from "./mat5-scan.js";
import { type MatFile, type MatNumeric, type MatValue, matMatrix, matNumeric } from "./mat5-values.js";
import { mat73Class, mat73Dims, mat73Names, readMat73 } from "./mat73.js";

/** What is known of a variable before it is read. */
export interface MatEntry {
  readonly name: string;
  readonly className: string;
  /** As MATLAB shows them. */
  readonly dims: readonly number[];
}

/** An open MAT file. */
export interface MatReader {
  readonly file: string;
  readonly format: "MAT 5" | "MAT 7.3";
  readonly entries: readonly MatEntry[];
  /** @throws {DataError} when there is no such variable, or it is damaged. */
  value(name: string): Promise<MatValue>;
  /** Columns `[first, end)` of a matrix of real numbers, column-major. MAT 7.3 reads no more than these. */
  columns(name: string, first: number, end: number): Promise<ArrayLike<number | bigint>>;
  /** Items `[first, end)` of the first dimension of an array of real numbers, column-major. MAT 7.3 reads no more than these. */
  slab(name: string, first: number, end: number): Promise<ArrayLike<number | bigint>>;
  close(): Promise<void>;
}

/** Whether bytes from the start of a file are those of a MAT file, and of which format. */
export function matFormat(bytes: Uint8Array): MatReader["format"] | null {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 128));
  if (isHdf5(bytes)) return text.startsWith("MATLAB") ? "MAT 7.3" : null;
  return /^(IM|MI)$/.test(text.slice(126, 128)) ? "MAT 5" : null;
}

/**
 * Opens a MAT file; close it when done.
 *
 * @throws {DataError} when the file is missing, no MAT file, or truncated.
 */
export async function openMat(path: string): Promise<MatReader> {
  if (isHdf5(await firstBytes(path, 2560))) return new Mat73Reader(await Hdf5File.open(path));
  const bytes = await openBytes(path);
  try {
    return new Mat5Reader(bytes, await scanMat5(bytes));
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/** Opens a MAT file, gives it to `work`, and closes it again whatever happens. */
export async function withMat<T>(path: string, work: (mat: MatReader) => Promise<T>): Promise<T> {
  const mat = await openMat(path);
  try {
    return await work(mat);
  } finally {
    await mat.close();
  }
}

/** The entry of a variable. @throws {DataError} when there is none. */
export function matEntry(mat: Pick<MatReader, "file" | "entries">, name: string): MatEntry {
  const entry = mat.entries.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = mat.entries.map((candidate) => candidate.name).join(", ");
  throw new DataError(`${mat.file}: no variable ${name}, it holds ${names || "none"}`, "Give the right file.");
}

async function asFile(mat: MatReader, name: string): Promise<MatFile> {
  return { file: mat.file, variables: new Map([[name, await mat.value(name)]]) };
}

/** The real numbers of a variable, column-major. @throws {DataError} as {@link matNumeric}. */
export async function readMatNumeric(mat: MatReader, name: string): Promise<MatNumeric> {
  return matNumeric(await asFile(mat, name), name);
}

/** A variable of two dimensions as a row-major f32 matrix. @throws {DataError} as {@link matMatrix}. */
export async function readMatMatrix(mat: MatReader, name: string): Promise<Matrix> {
  return matMatrix(await asFile(mat, name), name);
}

class Mat5Reader implements MatReader {
  readonly format = "MAT 5";
  readonly #bytes: ByteSource;
  readonly #scan: MatScan;
  #last: { name: string; value: MatValue } | null = null;

  constructor(bytes: ByteSource, scan: MatScan) {
    this.#bytes = bytes;
    this.#scan = scan;
  }

  get file(): string {
    return this.#bytes.file;
  }

  get entries(): readonly MatVariable[] {
    return this.#scan.variables;
  }

  async value(name: string): Promise<MatValue> {
    matEntry(this, name);
    if (this.#last?.name === name) return this.#last.value;
    const variable = this.entries.find((entry) => entry.name === name) as MatVariable;
    const value = await readScanned(this.#bytes, this.#scan, variable);
    // Kept, because columns are asked for one after the other and a compressed variable can only be read whole.
    this.#last = { name, value };
    return value;
  }

  async columns(name: string, first: number, end: number): Promise<ArrayLike<number | bigint>> {
    const { dims, values } = await readMatNumeric(this, name);
    const [rows = 0] = dims;
    return values.subarray(first * rows, end * rows);
  }

  async slab(name: string, first: number, end: number): Promise<ArrayLike<number | bigint>> {
    const { dims, values } = await readMatNumeric(this, name);
    const [count = 0] = dims;
    const size = end - first;
    const out = new Float64Array((values.length / Math.max(count, 1)) * size);
    for (let i = 0; i < out.length; i++) out[i] = Number(values[Math.floor(i / size) * count + first + (i % size)]);
    return out;
  }

  close(): Promise<void> {
    this.#last = null;
    return this.#bytes.close();
  }
}

class Mat73Reader implements MatReader {
  readonly format = "MAT 7.3";
  readonly entries: readonly MatEntry[];
  readonly #hdf5: Hdf5File;

  constructor(hdf5: Hdf5File) {
    this.#hdf5 = hdf5;
    this.entries = mat73Names(hdf5).map((name) => {
      if (hdf5.kind(name) === "group") return { name, className: "struct", dims: [1, 1] };
      return { name, className: mat73Class(hdf5, name) ?? "double", dims: mat73Dims(hdf5, name) };
    });
  }

  get file(): string {
    return this.#hdf5.file;
  }

  value(name: string): Promise<MatValue> {
    matEntry(this, name);
    return Promise.resolve(readMat73(this.#hdf5, name));
  }

  columns(name: string, first: number, end: number): Promise<ArrayLike<number | bigint>> {
    const [rows = 0] = matEntry(this, name).dims;
    return Promise.resolve(
      this.#hdf5.numbers(name, [
        [first, end],
        [0, rows],
      ]),
    );
  }

  slab(name: string, first: number, end: number): Promise<ArrayLike<number | bigint>> {
    const ranges = matEntry(this, name).dims.map((size): [number, number] => [0, size]);
    ranges[0] = [first, end];
    // The file holds the dimensions the other way round.
    return Promise.resolve(this.#hdf5.numbers(name, ranges.reverse()));
  }

  close(): Promise<void> {
    this.#hdf5.close();
    return Promise.resolve();
  }
}
