/** MAT 7.3 files: HDF5 with MATLAB's conventions. Dimensions stand the other way round in the file, so values come out column-major. */
import { DataError } from "./errors.js";
import type { Hdf5File, Hdf5Numbers } from "./hdf5.js";
import type { MatCell, MatNumeric, MatStruct, MatText, MatValue } from "./mat5-values.js";

// Deeper nesting than any real file has; a file whose references go round in a circle ends here.
const MAX_DEPTH = 32;

/** Names of the variables; MATLAB's own groups (`#refs#`) are left out. */
export function mat73Names(file: Hdf5File): string[] {
  return file.keys().filter((name) => !name.startsWith("#"));
}

/** MATLAB's class of a variable as the file says it, e.g. "double"; `null` when it does not. */
export function mat73Class(file: Hdf5File, path: string): string | null {
  const name = file.attribute(path, "MATLAB_class");
  return typeof name === "string" ? name : null;
}

/** Dimensions as MATLAB shows them. */
export function mat73Dims(file: Hdf5File, path: string): readonly number[] {
  // An empty array is stored as the list of its dimensions.
  if (file.attribute(path, "MATLAB_empty") === 1) return Array.from(file.numbers(path), Number);
  const dims = [...file.shape(path)].reverse();
  return dims.length === 1 ? [...dims, 1] : dims;
}

/**
 * Reads a variable, cells and structs included.
 *
 * @throws {DataError} when there is none, or it is damaged.
 */
export function readMat73(file: Hdf5File, path: string, depth = 0): MatValue {
  if (depth > MAX_DEPTH) {
    throw new DataError(`${file.file}: cells or structs nested more than ${MAX_DEPTH} deep`, "Copy the file again.");
  }
  if (file.kind(path) === "group") return readStruct(file, path, depth);
  const className = mat73Class(file, path);
  const dims = mat73Dims(file, path);
  const empty = dims.includes(0);
  if (className === "char") return readText(file, path, dims, empty);
  if (className === "cell" || file.isReferences(path)) {
    const items = empty ? [] : file.references(path).map((target) => readMat73(file, target, depth + 1));
    return { kind: "cell", dims, items } satisfies MatCell;
  }
  if (!file.isNumeric(path)) return { kind: "unsupported", dims, what: className ?? "no array of numbers" };
  const values: Hdf5Numbers = empty ? new Float64Array(0) : file.numbers(path);
  const logical = className === "logical";
  return {
    kind: "numeric",
    className: logical ? "uint8" : (className ?? "double"),
    dims,
    values,
    imaginary: null,
    logical,
  } satisfies MatNumeric;
}

function readText(file: Hdf5File, path: string, dims: readonly number[], empty: boolean): MatText {
  const codes = empty ? [] : Array.from(file.numbers(path), Number);
  const rowCount = dims[0] ?? 0;
  const rows = new Array<string>(codes.length === 0 ? 1 : rowCount).fill("");
  codes.forEach((code, i) => {
    rows[i % rowCount] += String.fromCharCode(code);
  });
  return { kind: "text", dims, rows };
}

/** A struct of one item is a group of its fields. (An array of structs holds references in each field; it comes out as such.) */
function readStruct(file: Hdf5File, path: string, depth: number): MatStruct {
  const fields = file.keys(path);
  const item = new Map(fields.map((field) => [field, readMat73(file, `${path}/${field}`, depth + 1)]));
  return { kind: "struct", dims: [1, 1], fields, items: [item] };
}
