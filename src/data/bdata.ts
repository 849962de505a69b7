/** BData: samples x columns of numbers whose meaning stands in metadata keys; as MAT 5, MAT 7.3 or bdpy's HDF5. Read by key alone. */
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { firstBytes } from "./file-bytes.js";
import { toFloat32 } from "./fmri-table.js";
import { Hdf5File, isHdf5 } from "./hdf5.js";
import { type MatReader, matEntry, matFormat, openMat, readMatNumeric } from "./mat.js";
import { type MatValue, matNumeric } from "./mat5-values.js";

/** The table itself, whatever holds it. */
interface Table {
  readonly samples: number;
  readonly columns: number;
  /** Column `first` up to `end`, one after the other. */
  read(first: number, end: number): Promise<ArrayLike<number | bigint>>;
  close(): Promise<void>;
}

/** By key, what its numbers stand for. */
type Labels = ReadonlyMap<string, ReadonlyMap<number, string>>;

// Columns that are read at once: of 3,450 samples, 14 MB in f64. Compressed files are unpacked anew for each block.
const BLOCK = 512;

/** An open BData file; close it when done. */
export class BData {
  readonly file: string;
  /** "MAT 5", "MAT 7.3" or "HDF5". */
  readonly format: string;
  readonly keys: readonly string[];
  readonly #table: Table;
  readonly #metadata: ReadonlyMap<string, Float64Array>;
  readonly #labels: Labels;

  /** Use {@link openBData}. */
  constructor(
    file: string,
    format: string,
    table: Table,
    metadata: ReadonlyMap<string, Float64Array>,
    labels: Labels = new Map(),
  ) {
    this.file = file;
    this.format = format;
    this.keys = [...metadata.keys()];
    this.#table = table;
    this.#metadata = metadata;
    this.#labels = labels;
  }

  get samples(): number {
    return this.#table.samples;
  }

  get columns(): number {
    return this.#table.columns;
  }

  /**
   * A key's value for each column, NaN where it says nothing.
   *
   * @throws {DataError} when there is no such key.
   */
  metadata(key: string): Float64Array {
    const values = this.#metadata.get(key);
    if (values !== undefined) return values;
    throw new DataError(
      `${this.file}: no metadata key ${key}, there are ${this.keys.join(", ")}`,
      "Give a file of this experiment.",
    );
  }

  /** What the numbers of a key's column stand for, where the file says it (bdpy's `vmap`); `null` where it does not. */
  labels(key: string): ReadonlyMap<number, string> | null {
    return this.#labels.get(key) ?? null;
  }

  /** The columns that a key selects: those where its value is 1. @throws {DataError} as {@link metadata}. */
  select(key: string): number[] {
    return Array.from(this.metadata(key)).flatMap((value, column) => (value === 1 ? [column] : []));
  }

  /** One column in f64: labels need more digits than f32 has. */
  async column(index: number): Promise<Float64Array> {
    return Float64Array.from(await this.#table.read(index, index + 1), Number);
  }

  /**
   * Some columns of some samples as `[samples, columns]`, read in blocks.
   *
   * @param samples - Default all, in order.
   */
  async matrix(columns: readonly number[], samples?: readonly number[]): Promise<Matrix> {
    const rows = samples ?? Array.from({ length: this.samples }, (_, i) => i);
    const values = new Float32Array(rows.length * columns.length);
    for (let at = 0; at < columns.length; ) {
      const first = columns[at] as number;
      let size = 1;
      while (size < BLOCK && columns[at + size] === first + size) size++;
      const block = toFloat32(await this.#table.read(first, first + size));
      for (let c = 0; c < size; c++) {
        const from = c * this.samples;
        for (let r = 0; r < rows.length; r++) {
          values[r * columns.length + at + c] = block[from + (rows[r] as number)] as number;
        }
      }
      at += size;
    }
    return { rows: rows.length, columns: columns.length, values };
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}

/**
 * Opens a BData file: MAT 5 and MAT 7.3 with `dataSet` and `metaData`, or HDF5 as bdpy writes it (`dataset` and `metadata`; before
 * 2017 `dataSet` and `metaData`).
 *
 * @throws {DataError} when it is none of these, truncated, or table and metadata do not fit together.
 */
export async function openBData(path: string): Promise<BData> {
  const start = await firstBytes(path, 2560);
  if (matFormat(start) !== null) return fromMat(await openMat(path));
  if (isHdf5(start)) return fromHdf5(await Hdf5File.open(path));
  throw new DataError(`${path}: neither a MAT nor an HDF5 file`, "Give a Subject file as .mat or .h5.");
}

/** The error for a file of the right kind with other things in it. */
function notBData(file: string, what: string): DataError {
  return new DataError(`${file}: no BData: ${what}`, "Give a Subject file of the experiment, with its metadata.");
}

async function fromMat(mat: MatReader): Promise<BData> {
  try {
    const names = mat.entries.map(({ name }) => name);
    const data = names.find((name) => /^dataset$/i.test(name));
    const meta = names.find((name) => /^metadata$/i.test(name));
    if (data === undefined || meta === undefined) throw notBData(mat.file, `it holds ${names.join(", ") || "nothing"}`);
    const { dims, className } = matEntry(mat, data);
    const [samples = 0, columns = 0] = dims;
    if (dims.length !== 2 || !/^(double|single|u?int\d+)$/.test(className)) {
      throw notBData(
        mat.file,
        `${data} is a ${className} array of [${dims.join(", ")}], expected numbers [samples, columns]`,
      );
    }
    const metadata = parseMatMetadata(mat.file, await mat.value(meta), columns);
    // MATLAB files hold columns one after the other.
    const read = (first: number, end: number) => mat.columns(data, first, end);
    if (mat.format === "MAT 5") await readMatNumeric(mat, data);
    return new BData(mat.file, mat.format, { samples, columns, read, close: () => mat.close() }, metadata);
  } catch (error) {
    await mat.close();
    throw error;
  }
}

function parseMatMetadata(file: string, meta: MatValue, columns: number): Map<string, Float64Array> {
  const item = meta.kind === "struct" ? meta.items[0] : undefined;
  const key = item?.get("key");
  const value = item?.get("value");
  if (key?.kind !== "cell" || value === undefined) throw notBData(file, "metaData has no key and value");
  const keys = key.items.map((cell) => (cell.kind === "text" ? (cell.rows[0] ?? "") : ""));
  const { dims, values } = matNumeric({ file, variables: new Map([["metaData.value", value]]) }, "metaData.value");
  const [rows = 0, width = 0] = dims;
  const at = (r: number, c: number) => Number(values[c * rows + r]);
  return metadataRows(file, keys, { rows, width, columns }, at);
}

function metadataRows(
  file: string,
  keys: readonly string[],
  { rows, width, columns }: { rows: number; width: number; columns: number },
  at: (row: number, column: number) => number,
): Map<string, Float64Array> {
  if (rows !== keys.length || width !== columns) {
    throw notBData(file, `metadata of [${rows}, ${width}] for ${keys.length} keys and ${columns} columns`);
  }
  return new Map(keys.map((key, r) => [key.trim(), Float64Array.from({ length: columns }, (_, c) => at(r, c))]));
}

function fromHdf5(hdf5: Hdf5File): BData {
  try {
    const { file } = hdf5;
    const names = hdf5.keys();
    const data = names.find((name) => /^dataset$/i.test(name) && hdf5.kind(name) === "dataset");
    const meta = names.find((name) => /^metadata$/i.test(name) && hdf5.kind(name) === "group");
    if (data === undefined || meta === undefined) throw notBData(file, `it holds ${names.join(", ") || "nothing"}`);
    const parts = hdf5.keys(meta);
    if (!parts.includes("key") || !parts.includes("value")) throw notBData(file, `${meta} has no key and value`);
    const shape = hdf5.shape(data);
    if (shape.length !== 2 || !hdf5.isNumeric(data)) {
      throw notBData(file, `${data} is no array of numbers [samples, columns], but [${shape.join(", ")}]`);
    }
    const keys = hdf5.texts(`${meta}/key`);
    const [rows = 0, width = 0] = hdf5.shape(`${meta}/value`);
    const transposed = shape[1] !== width && shape[0] === width;
    const [samples = 0, columns = 0] = transposed ? [...shape].reverse() : shape;
    const values = hdf5.numbers(`${meta}/value`);
    const metadata = metadataRows(file, keys, { rows, width, columns }, (r, c) => Number(values[r * width + c]));
    const read = (first: number, end: number) =>
      Promise.resolve(readColumns(hdf5, data, { samples, transposed }, first, end));
    const close = () => Promise.resolve(hdf5.close());
    return new BData(file, "HDF5", { samples, columns, read, close }, metadata, readLabels(hdf5));
  } catch (error) {
    hdf5.close();
    throw error;
  }
}

/** bdpy's value maps: `vmap/<key>/<number>` holds the text that the number stands for. */
function readLabels(hdf5: Hdf5File): Labels {
  const labelsOf = (key: string) => {
    const numbers = hdf5.keys(`vmap/${key}`);
    return new Map(numbers.map((number) => [Number(number), hdf5.texts(`vmap/${key}/${number}`)[0] ?? ""]));
  };
  const keys = hdf5.kind("vmap") === "group" ? hdf5.keys("vmap") : [];
  return new Map(keys.map((key) => [key, labelsOf(key)]));
}

function readColumns(
  hdf5: Hdf5File,
  path: string,
  { samples, transposed }: { samples: number; transposed: boolean },
  first: number,
  end: number,
): ArrayLike<number | bigint> {
  if (transposed)
    return hdf5.numbers(path, [
      [first, end],
      [0, samples],
    ]);
  const block = hdf5.numbers(path, [
    [0, samples],
    [first, end],
  ]);
  const width = end - first;
  const columns = new Float64Array(block.length);
  for (let r = 0; r < samples; r++) {
    for (let c = 0; c < width; c++) columns[c * samples + r] = Number(block[r * width + c]);
  }
  return columns;
}
