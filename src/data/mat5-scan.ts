/** MAT 5 files by seeking: what is in them without reading it, and single variables of files too large to read whole. */
import { constants, inflateSync } from "node:zlib";
import type { ByteSource } from "./file-bytes.js";
import { checkHeader, readMatrix, readMatrixHeader, readVariable } from "./mat5.js";
import { damaged, type MatElement, MI, matSource, NUMERIC_CLASSES, readElement } from "./mat5-elements.js";
import type { MatValue } from "./mat5-values.js";

/** A variable that was found, not read. */
export interface MatVariable {
  readonly name: string;
  /** MATLAB's class name; "cell", "struct" and "char" too. */
  readonly className: string;
  readonly dims: readonly number[];
  /** Where its element lies in the file. */
  readonly start: number;
  readonly end: number;
  readonly compressed: boolean;
}

/** The variables of a file, found by seeking. */
export interface MatScan {
  readonly littleEndian: boolean;
  readonly variables: readonly MatVariable[];
}

const HEADER_BYTES = 128;
// Holds flags, dimensions and name of any variable.
const PEEK = 4096;
const OTHER_CLASSES: ReadonlyMap<number, string> = new Map([
  [1, "cell"],
  [2, "struct"],
  [3, "object"],
  [4, "char"],
  [5, "sparse"],
]);

/**
 * Finds the variables of a MAT 5 file.
 *
 * @throws {DataError} when it is no MAT 5 file, or truncated or damaged.
 */
export async function scanMat5(bytes: ByteSource): Promise<MatScan> {
  const littleEndian = checkHeader(await bytes.read(0, Math.min(bytes.size, 2560)), bytes.file);
  const variables: MatVariable[] = [];
  for (let start = HEADER_BYTES; start < bytes.size; ) {
    const tag = matSource(bytes.file, await bytes.read(start, Math.min(start + 8, bytes.size)), littleEndian);
    if (tag.bytes.length < 8)
      throw damaged(tag, `an element at byte ${start} needs 8 bytes, ${tag.bytes.length} are left`);
    const type = tag.view.getUint32(0, littleEndian);
    const size = tag.view.getUint32(4, littleEndian);
    const compressed = type === MI.compressed;
    if (!compressed && type !== MI.matrix) throw damaged(tag, `element type ${type} where a variable should start`);
    const end = start + 8 + size;
    if (end > bytes.size) {
      throw damaged(tag, `an element at byte ${start} needs ${size} bytes, ${bytes.size - start - 8} are left`);
    }
    const head = await inflated(bytes, { start, end, compressed }, PEEK);
    const source = matSource(bytes.file, head, littleEndian);
    const element = readElement(source, 0, Number.MAX_SAFE_INTEGER);
    if (element.start !== element.end) {
      const { name, classCode, dims } = readMatrixHeader(source, element);
      const className = NUMERIC_CLASSES.get(classCode)?.name ?? OTHER_CLASSES.get(classCode) ?? `class ${classCode}`;
      if (name !== "") variables.push({ name, className, dims, start, end, compressed });
    }
    start = compressed ? end : start + 8 + Math.ceil(size / 8) * 8;
  }
  return { littleEndian, variables };
}

type Place = Pick<MatVariable, "start" | "end" | "compressed">;

/** The first bytes of a variable as they are when not compressed, from at most `count` bytes of the file. */
async function inflated(bytes: ByteSource, { start, end, compressed }: Place, count: number): Promise<Uint8Array> {
  if (!compressed) return bytes.read(start, Math.min(end, start + count));
  const packed = await bytes.read(start + 8, Math.min(end, start + 8 + count));
  try {
    // Flushed as it is: the stream goes on in the file.
    return inflateSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    const source = matSource(bytes.file, packed, true);
    throw damaged(source, `compressed data at byte ${start} (${error instanceof Error ? error.message : error})`);
  }
}

/** Reads one variable that {@link scanMat5} found. */
export async function readScanned(bytes: ByteSource, scan: MatScan, variable: MatVariable): Promise<MatValue> {
  const source = matSource(bytes.file, await bytes.read(variable.start, variable.end), scan.littleEndian);
  return readVariable(source, readElement(source, 0, source.bytes.length)).value;
}

/**
 * Reads the first cell of a cell array and no more of the file than that takes: networks stored as a cell of layers fill hundreds
 * of megabytes, and their first layer is at the front.
 *
 * @throws {DataError} when the variable is no cell array, has no cell, or is damaged.
 */
export async function readFirstCell(bytes: ByteSource, scan: MatScan, variable: MatVariable): Promise<MatValue> {
  for (let count = PEEK; ; count *= 4) {
    const source = matSource(bytes.file, await inflated(bytes, variable, count), scan.littleEndian);
    const outer = readElement(source, 0, Number.MAX_SAFE_INTEGER);
    const header = readMatrixHeader(source, outer);
    if (header.classCode !== 1 || header.dims.includes(0)) {
      throw damaged(source, `variable ${variable.name} is no cell array, or an empty one`);
    }
    const whole = count >= variable.end - variable.start;
    // Without its tag the first cell cannot be measured.
    const first: MatElement | null =
      source.bytes.length < header.at + 8 ? null : readElement(source, header.at, outer.end);
    if (first !== null && first.end <= source.bytes.length) return readMatrix(source, first, 1).value;
    if (whole) throw damaged(source, `the first cell of ${variable.name} is cut off`);
  }
}
