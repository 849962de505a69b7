/** A table of fMRI from one file, told by its content: npy, npz, MAT 5, MAT 7.3, HDF5 or text. */
import { readCsvMatrix } from "./csv.js";
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { firstBytes } from "./file-bytes.js";
import { Hdf5File, type Hdf5Numbers, isHdf5 } from "./hdf5.js";
import { matFormat, readMatMatrix, withMat } from "./mat.js";
import { isNpy, npyMatrix, readNpy } from "./npy.js";
import { withNpz } from "./npz.js";
import { isZip } from "./zip.js";

const NAME = "fmri";

/** Numbers of any type as f32. */
export function toFloat32(values: ArrayLike<number | bigint>): Float32Array {
  if (values instanceof Float32Array) return values;
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = Number(values[i]);
  return out;
}

/** The table among the arrays of a file: the one called `fmri`, or the only one there is. */
function choose(file: string, names: readonly string[]): string {
  const [only] = names;
  if (names.includes(NAME)) return NAME;
  if (only !== undefined && names.length === 1) return only;
  const found = names.length === 0 ? "no array of two dimensions" : `${names.join(", ")} and nothing called ${NAME}`;
  throw new DataError(`${file}: it holds ${found}`, `Save the table as ${NAME}, one row per scan.`);
}

/**
 * Reads `[rows, voxels]` from a `.npy`, `.npz`, `.csv`, MAT or HDF5 file. Where a file holds several arrays, the one called `fmri`.
 * The kind of file is told by its first bytes, not by its name. MATLAB's `[rows, voxels]` comes out as MATLAB shows it, in both formats.
 *
 * @throws {DataError} when it is missing, damaged, or holds no such table, or one without rows or columns.
 */
export async function readFmriTable(file: string): Promise<Matrix> {
  const table = await readTable(file);
  if (table.rows > 0 && table.columns > 0) return table;
  throw new DataError(
    `${file}: the table is [${table.rows}, ${table.columns}]`,
    "Give at least one row and one voxel.",
  );
}

async function readTable(file: string): Promise<Matrix> {
  const start = await firstBytes(file, 2560);
  if (isNpy(start)) return npyMatrix(await readNpy(file), file);
  if (isZip(start)) return readNpzTable(file);
  if (matFormat(start) !== null) {
    return withMat(file, (mat) => {
      const tables = mat.entries.filter(
        ({ dims, className }) => dims.length === 2 && /^(double|single|u?int\d+)$/.test(className),
      );
      return readMatMatrix(
        mat,
        choose(
          file,
          tables.map(({ name }) => name),
        ),
      );
    });
  }
  if (isHdf5(start)) return readHdf5Table(file);
  if (/\.(np[yz]|mat|h5|hdf5)$/i.test(file)) {
    throw new DataError(
      `${file}: neither NumPy, MAT nor HDF5 data`,
      "Save the table anew (from MATLAB with -v7 or -v7.3: MAT 4 is not read), or copy it again.",
    );
  }
  return readCsvMatrix(file);
}

function readNpzTable(file: string): Promise<Matrix> {
  return withNpz(file, async (npz) => {
    const name = choose(file, npz.names);
    return npyMatrix(await npz.read(name), `${file}/${name}.npy`);
  });
}

async function readHdf5Table(file: string): Promise<Matrix> {
  const hdf5 = await Hdf5File.open(file);
  try {
    const tables = hdf5
      .keys()
      .filter((name) => hdf5.kind(name) === "dataset" && hdf5.shape(name).length === 2 && hdf5.isNumeric(name));
    const name = choose(file, tables);
    const [rows = 0, columns = 0] = hdf5.shape(name);
    const values: Hdf5Numbers = hdf5.numbers(name);
    return { rows, columns, values: toFloat32(values) };
  } finally {
    hdf5.close();
  }
}
