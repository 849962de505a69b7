/** A table of fMRI from one file, by its ending. */
import { readCsvMatrix } from "./csv.js";
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { readMat5 } from "./mat5.js";
import { matMatrix } from "./mat5-values.js";
import { npyMatrix, readNpy } from "./npy.js";

/**
 * Reads `[rows, voxels]` from a `.npy`, `.csv` or MAT 5 `.mat` file (variable `fmri`).
 *
 * @throws {DataError} when it is missing, damaged, or has another ending.
 */
export async function readFmriTable(file: string): Promise<Matrix> {
  if (file.endsWith(".csv")) return readCsvMatrix(file);
  if (file.endsWith(".npy")) return npyMatrix(await readNpy(file), file);
  if (file.endsWith(".mat")) return matMatrix(await readMat5(file), "fmri");
  throw new DataError(`${file} is neither .npy, .csv nor .mat`, "Save the fMRI in one of these, one row per scan.");
}
