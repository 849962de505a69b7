/** Reader of MAT 5 files, MATLAB's format before 7.3: numbers, text, logicals, cells and structs, plain or compressed. */
import { inflateSync } from "node:zlib";
import { DataError } from "./errors.js";
import { readBytes } from "./files.js";
import { isHdf5 } from "./hdf5.js";
import {
  damaged,
  type MatArray,
  type MatElement,
  type MatSource,
  MI,
  matSource,
  NUMERIC_CLASSES,
  readElement,
  readIntegers,
  readValues,
  valueCount,
} from "./mat5-elements.js";
import {
  type MatCell,
  type MatFile,
  type MatNumeric,
  type MatStruct,
  type MatText,
  type MatValue,
  product,
} from "./mat5-values.js";

const HEADER_BYTES = 128;
// Deeper nesting than any real file has; stops a damaged one from exhausting the stack.
const MAX_DEPTH = 32;
const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [3, "an object"],
  [5, "a sparse matrix"],
  [16, "a function handle"],
  [17, "an opaque object"],
]);

/**
 * Reads every variable of a MAT 5 file.
 *
 * @throws {DataError} when the file is missing, no MAT 5 file (HDF5 and MAT 4 are named as such), truncated or damaged.
 */
export async function readMat5(path: string): Promise<MatFile> {
  return parseMat5(await readBytes(path), path);
}

/** {@link readMat5} on bytes in memory; `file` is the name that messages use. */
export function parseMat5(bytes: Uint8Array, file: string): MatFile {
  const source = matSource(file, bytes, checkHeader(bytes, file));
  const variables = new Map<string, MatValue>();
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const element = readElement(source, at, bytes.length);
    const { name, value } = readVariable(source, element);
    // Unnamed variables are MATLAB's own workspace of function handles.
    if (name !== "") variables.set(name, value);
    at = element.next;
  }
  return { file, variables };
}

/**
 * Checks the first bytes of a file.
 *
 * @returns Whether its numbers are little-endian.
 * @throws {DataError} when it is no MAT 5 file; HDF5 and MAT 4 are named as such.
 */
export function checkHeader(bytes: Uint8Array, file: string): boolean {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 116));
  if (isHdf5(bytes) || text.startsWith("MATLAB 7.3")) {
    throw new DataError(`${file}: an HDF5 file (MAT 7.3), expected MAT 5`, "Save it in MATLAB with save(..., '-v7').");
  }
  const order = new TextDecoder("latin1").decode(bytes.subarray(126, 128));
  if (order !== "IM" && order !== "MI") {
    const truncated = bytes.length < HEADER_BYTES && text.startsWith("MATLAB 5.0");
    const what = truncated ? `truncated MAT file: ${bytes.length} bytes, its header alone has 128` : "not a MAT 5 file";
    throw new DataError(`${file}: ${what}`, "Give a file saved with save(..., '-v7') or scipy.io.savemat.");
  }
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint16(124, order === "IM");
  if (version !== 0x0100) {
    throw new DataError(
      `${file}: MAT format version 0x${version.toString(16)}, expected 0x100`,
      "Save it with save(..., '-v7').",
    );
  }
  return order === "IM";
}

/** Reads one variable from its element, compressed or not. */
export function readVariable(source: MatSource, element: MatElement): { name: string; value: MatValue } {
  if (element.type === MI.matrix) return readMatrix(source, element, 0);
  if (element.type !== MI.compressed)
    throw damaged(source, `element type ${element.type} where a variable should start`);
  const inner = matSource(source.file, inflate(source, element), source.littleEndian);
  const matrix = readElement(inner, 0, inner.bytes.length);
  if (matrix.type !== MI.matrix) throw damaged(source, `element type ${matrix.type} in a compressed variable`);
  return readMatrix(inner, matrix, 0);
}

function inflate(source: MatSource, element: MatElement): Uint8Array {
  try {
    return inflateSync(source.bytes.subarray(element.start, element.end));
  } catch (error) {
    throw damaged(
      source,
      `compressed data at byte ${element.start} (${error instanceof Error ? error.message : error})`,
    );
  }
}

/** The start of an array: what it is, before its values. */
export interface MatrixHeader {
  readonly name: string;
  readonly classCode: number;
  readonly dims: readonly number[];
  /** First byte after the name. */
  readonly at: number;
  /** The flags as stored. */
  readonly word: number;
}

/** Reads an array's flags, dimensions and name; the bytes of its values need not be there. */
export function readMatrixHeader(source: MatSource, element: MatElement): MatrixHeader {
  const flags = readElement(source, element.start, element.end);
  const word = readIntegers(source, flags)[0];
  if (flags.type !== MI.uint32 || word === undefined) throw damaged(source, `no array flags at byte ${element.start}`);
  const classCode = word & 0xff;
  // Opaque objects have no dimensions element: their name comes next.
  const opaque = classCode === 17;
  const dimsElement = opaque ? flags : readElement(source, flags.next, element.end);
  const dims = opaque ? [] : readDims(source, dimsElement);
  const nameElement = readElement(source, dimsElement.next, element.end);
  const name = String.fromCharCode(...readIntegers(source, nameElement).slice(0, 4096));
  return { name, classCode, dims, at: nameElement.next, word };
}

/** Reads an array and all that is in it. */
export function readMatrix(source: MatSource, element: MatElement, depth: number): { name: string; value: MatValue } {
  if (depth > MAX_DEPTH) throw damaged(source, `cells or structs nested more than ${MAX_DEPTH} deep`);
  // An empty element is how MATLAB writes [] inside cells and structs.
  if (element.start === element.end) return { name: "", value: emptyNumeric() };
  const { name, classCode, dims, at, word } = readMatrixHeader(source, element);
  const unsupported = UNSUPPORTED.get(classCode);
  const body: Body = { source, at, end: element.end, dims, word, depth };
  if (unsupported !== undefined) return { name, value: { kind: "unsupported", dims, what: unsupported } };
  if (classCode === 1) return { name, value: readCell(body) };
  if (classCode === 2) return { name, value: readStruct(body) };
  if (classCode === 4) return { name, value: readText(body) };
  return { name, value: readNumeric(body, classCode) };
}

interface Body {
  readonly source: MatSource;
  readonly at: number;
  readonly end: number;
  readonly dims: readonly number[];
  readonly word: number;
  readonly depth: number;
}

function emptyNumeric(): MatNumeric {
  return {
    kind: "numeric",
    className: "double",
    dims: [0, 0],
    values: new Float64Array(0),
    imaginary: null,
    logical: false,
  };
}

function readDims(source: MatSource, element: MatElement): number[] {
  const dims = readIntegers(source, element);
  const valid = element.type === MI.int32 && dims.length >= 2 && dims.length <= 64 && dims.every((n) => n >= 0);
  if (!valid) throw damaged(source, `dimensions [${dims.slice(0, 8).join(", ")}] at byte ${element.start}`);
  return dims;
}

function readNumeric({ source, at, end, dims, word }: Body, classCode: number): MatNumeric {
  const numericClass = NUMERIC_CLASSES.get(classCode);
  if (numericClass === undefined) throw damaged(source, `unknown array class ${classCode}`);
  const { name: className, storage } = numericClass;
  const logical = (word & 0x0200) !== 0;
  const real = readElement(source, at, end);
  const part = (element: MatElement): MatArray => {
    const count = valueCount(source, element);
    if (count !== product(dims))
      throw damaged(source, `[${dims.join(", ")}] is ${product(dims)} values, ${count} are stored`);
    return readValues(source, element, storage);
  };
  const values = part(real);
  const imaginary = (word & 0x0800) === 0 ? null : part(readElement(source, real.next, end));
  return { kind: "numeric", className, dims, values, imaginary, logical };
}

function readText({ source, at, end, dims }: Body): MatText {
  const element = readElement(source, at, end);
  const codes =
    element.type === MI.utf8
      ? Array.from(
          new TextDecoder().decode(source.bytes.subarray(element.start, element.end)),
          (c) => c.codePointAt(0) ?? 0,
        )
      : readIntegers(source, element);
  if (codes.length !== product(dims)) {
    throw damaged(source, `[${dims.join(", ")}] is ${product(dims)} characters, ${codes.length} are stored`);
  }
  const bad = codes.find((c) => !(Number.isInteger(c) && c >= 0 && c <= 0x10ffff));
  if (bad !== undefined) throw damaged(source, `character code ${bad}`);
  const rowCount = dims[0] ?? 0;
  // Column-major: character i stands in row i modulo the rows. An empty array is one empty string.
  const rows = new Array<string>(codes.length === 0 ? 1 : rowCount).fill("");
  codes.forEach((character, i) => {
    rows[i % rowCount] += String.fromCodePoint(character);
  });
  return { kind: "text", dims, rows };
}

function readItems({ source, at, end, depth }: Body, count: number): MatValue[] {
  if (count * 8 > end - at) throw damaged(source, `${count} cells or fields in ${end - at} bytes`);
  const items: MatValue[] = [];
  let next = at;
  for (let i = 0; i < count; i++) {
    const element = readElement(source, next, end);
    if (element.type !== MI.matrix) throw damaged(source, `element type ${element.type} in a cell or field`);
    items.push(readMatrix(source, element, depth + 1).value);
    next = element.next;
  }
  return items;
}

function readCell(body: Body): MatCell {
  return { kind: "cell", dims: body.dims, items: readItems(body, product(body.dims)) };
}

function readStruct(body: Body): MatStruct {
  const { source, end, dims } = body;
  const lengthElement = readElement(source, body.at, end);
  const length = readIntegers(source, lengthElement)[0] ?? 0;
  const namesElement = readElement(source, lengthElement.next, end);
  const bytes = source.bytes.subarray(namesElement.start, namesElement.end);
  if (length < 1 || bytes.length % length !== 0)
    throw damaged(source, `field names of ${length} in ${bytes.length} bytes`);
  const fields = Array.from({ length: bytes.length / length }, (_, i) => {
    const text = new TextDecoder("latin1").decode(bytes.subarray(i * length, (i + 1) * length));
    return text.replace(/\0.*$/s, "");
  });
  const count = product(dims);
  const values = readItems({ ...body, at: namesElement.next }, count * fields.length);
  const items = Array.from({ length: fields.length === 0 ? 0 : count }, (_, i) => {
    const of = values.slice(i * fields.length, (i + 1) * fields.length);
    return new Map(of.map((value, f) => [fields[f] ?? "", value]));
  });
  return { kind: "struct", dims, fields, items };
}
