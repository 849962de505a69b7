/** What a MAT 5 file holds, and how to ask for it. Arrays are column-major: the first dimension is the fastest. */
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import type { MatArray } from "./mat5-elements.js";

/** Numbers or logicals; `values` is column-major (first dimension fastest), as stored. */
export interface MatNumeric {
  readonly kind: "numeric";
  /** MATLAB's class name: "double", "uint8", ... */
  readonly className: string;
  readonly dims: readonly number[];
  readonly values: MatArray;
  /** Imaginary parts, or `null` for real numbers. */
  readonly imaginary: MatArray | null;
  readonly logical: boolean;
}

/** A char array: one string per row; higher dimensions are further rows. */
export interface MatText {
  readonly kind: "text";
  readonly dims: readonly number[];
  readonly rows: readonly string[];
}

/** A cell array; `items` is column-major. */
export interface MatCell {
  readonly kind: "cell";
  readonly dims: readonly number[];
  readonly items: readonly MatValue[];
}

/** A struct array; one map of fields per item, column-major. */
export interface MatStruct {
  readonly kind: "struct";
  readonly dims: readonly number[];
  readonly fields: readonly string[];
  readonly items: readonly ReadonlyMap<string, MatValue>[];
}

/** A value this reader does not decode; `what` says what it is. Asking for it is an error, its presence in a file is not. */
export interface MatUnsupported {
  readonly kind: "unsupported";
  readonly dims: readonly number[];
  readonly what: string;
}

/** Any value in a MAT file; `kind` tells which. */
export type MatValue = MatNumeric | MatText | MatCell | MatStruct | MatUnsupported;

/** The variables of a file, by name. */
export interface MatFile {
  readonly file: string;
  readonly variables: ReadonlyMap<string, MatValue>;
}

/** How many values an array of these dimensions holds. */
export function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}

/**
 * The real numbers of variable `name`.
 *
 * @throws {DataError} when the file has no such variable, or it is no real numeric array; sparse matrices are named as such.
 */
export function matNumeric({ file, variables }: MatFile, name: string): MatNumeric {
  const value = variables.get(name);
  if (value === undefined) {
    throw new DataError(
      `${file}: no variable ${name}, it holds ${[...variables.keys()].join(", ")}`,
      "Give the right file.",
    );
  }
  if (value.kind === "numeric" && value.imaginary === null) return value;
  const found =
    value.kind === "unsupported" ? value.what : value.kind === "numeric" ? "complex" : `a ${value.kind} array`;
  throw new DataError(
    `${file}: variable ${name} is ${found}, expected real numbers`,
    `Save it as a full numeric array, in MATLAB by full(${name}) or double(${name}).`,
  );
}

/**
 * Variable `name` as a row-major f32 matrix `[rows, columns]`.
 *
 * @throws {DataError} as {@link matNumeric}, and when it does not have two dimensions.
 */
export function matMatrix(mat: MatFile, name: string): Matrix {
  const { dims, values } = matNumeric(mat, name);
  const [rows = 0, columns = 0] = dims;
  if (dims.length !== 2) {
    throw new DataError(`${mat.file}: variable ${name} has dimensions [${dims.join(", ")}], expected 2`, "Reshape it.");
  }
  const out = new Float32Array(rows * columns);
  for (let c = 0; c < columns; c++) {
    for (let r = 0; r < rows; r++) out[r * columns + c] = Number(values[c * rows + r]);
  }
  return { rows, columns, values: out };
}

/** Column-major `values` (first dimension fastest) as row-major (last dimension fastest); the dimensions keep their order. */
export function rowMajor<T extends MatArray>(values: T, dims: readonly number[]): T {
  const out = values.slice() as T;
  const rank = dims.length;
  const index = new Array<number>(rank).fill(0);
  const strides = dims.map((_, d) => product(dims.slice(d + 1)));
  for (let i = 0; i < values.length; i++) {
    out[index.reduce((sum, n, d) => sum + n * (strides[d] ?? 0), 0)] = values[i] as never;
    for (let d = 0; d < rank; d++) {
      index[d] = (index[d] ?? 0) + 1;
      if ((index[d] ?? 0) < (dims[d] ?? 0)) break;
      index[d] = 0;
    }
  }
  return out;
}
