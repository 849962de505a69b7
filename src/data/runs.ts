/** What can only be done while rows are still trials: scaling run by run, and sorting them by what was seen. */
import { type Matrix, selectRows } from "./dataset.js";
import { DataError } from "./errors.js";
import { voxelStatistics, zScore } from "./normalise.js";

/**
 * Z-scores every voxel within each run, with the run's own mean and population standard deviation: signal drifts and jumps from run to
 * run are larger than what a picture evokes. A voxel that is constant in a run becomes 0 there; one with a NaN becomes NaN there.
 *
 * @param runs - For each row the run it belongs to; equal values are one run.
 * @throws {DataError} when a run has one row, of which nothing would be left.
 */
export function zScoreRuns(fmri: Matrix, runs: readonly (string | number)[]): Matrix {
  const rows = new Map<string | number, number[]>();
  runs.forEach((run, row) => {
    const members = rows.get(run);
    if (members) members.push(row);
    else rows.set(run, [row]);
  });
  const values = new Float32Array(fmri.values.length);
  for (const [run, members] of rows) {
    if (members.length === 1) {
      throw new DataError(
        `run ${run} has 1 row: z-scored within its run, nothing is left of it`,
        "Join it to another run, or name no runs and scale the fMRI yourself.",
      );
    }
    const part = selectRows(fmri, members);
    const scaled = zScore(part, voxelStatistics(part)).values;
    members.forEach((row, i) => {
      values.set(scaled.subarray(i * fmri.columns, (i + 1) * fmri.columns), row * fmri.columns);
    });
  }
  return { ...fmri, values };
}

/** Rows by what was seen: one `[repeats, voxels]` matrix for each of `items`, in that order. */
export function groupRows<T>(fmri: Matrix, seen: readonly T[], items: readonly T[]): Matrix[] {
  const rows = new Map<T, number[]>(items.map((item) => [item, []]));
  seen.forEach((item, row) => {
    rows.get(item)?.push(row);
  });
  return items.map((item) => selectRows(fmri, rows.get(item) ?? []));
}
