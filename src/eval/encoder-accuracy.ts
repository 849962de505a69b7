import type { Matrix, Region } from "../data/dataset.js";
import { pearson } from "./metrics.js";
import { mean, quantile } from "./statistics.js";

/** How well one region's voxels are predicted. */
export interface RegionAccuracy {
  readonly region: string;
  readonly voxels: number;
  /** Mean over voxels of the correlation; a voxel whose correlation is undefined counts as 0. */
  readonly mean: number;
  /** 25 %, 50 % and 75 % quantiles over voxels. */
  readonly quartiles: readonly [number, number, number];
  /** Mean over voxels of the noise ceiling; `null` without repeats. */
  readonly ceiling: number | null;
}

function column({ rows, columns, values }: Matrix, index: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, r) => values[r * columns + index] ?? 0);
}

function variance(values: Float64Array): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}

/**
 * How well an Encoder predicts each voxel: the Pearson correlation over images of predicted with recorded fMRI.
 *
 * @param predicted - `[images, voxels]`.
 * @param recorded - The same shape, of images that the Encoder was not trained on.
 * @returns `[voxels]`; NaN where either is constant over the images.
 * @throws {RangeError} when the shapes differ.
 */
export function voxelCorrelations(predicted: Matrix, recorded: Matrix): Float64Array {
  if (predicted.rows !== recorded.rows || predicted.columns !== recorded.columns) {
    throw new RangeError(
      `voxelCorrelations: predicted and recorded fMRI must have one shape, got [${predicted.rows}, ${predicted.columns}] and [${recorded.rows}, ${recorded.columns}]`,
    );
  }
  return Float64Array.from({ length: predicted.columns }, (_, v) => pearson(column(predicted, v), column(recorded, v)));
}

/**
 * The correlation with repeat-averaged fMRI that a perfect model of each voxel would reach: what is left of the average when its noise is
 * taken off.
 *
 * `ceiling = sqrt(max(0, 1 - (noise / R) / total))`, noise the mean over images of the variance across repeats, total the variance over
 * images of the average, R the harmonic mean of the numbers of repeats; both variances unbiased. A voxel of pure noise scores 0 in
 * expectation only: single voxels scatter around it.
 *
 * @param repeats - One `[repeats, voxels]` matrix per image, at least two images with two repeats each.
 * @returns `[voxels]`, each in [0, 1]; 0 where the average never varies.
 * @throws {RangeError} when there are fewer images or repeats.
 * @see Hsu, Borst & Theunissen 2004; Lage-Castellanos et al. 2019 compare the estimators.
 */
export function noiseCeiling(repeats: readonly Matrix[]): Float64Array {
  const fewest = Math.min(...repeats.map(({ rows }) => rows));
  if (repeats.length < 2 || fewest < 2) {
    throw new RangeError(
      `noiseCeiling: needs two images with two repeats each, got ${repeats.length} images with at least ${fewest}`,
    );
  }
  const voxels = repeats[0]?.columns ?? 0;
  const inverseRepeats = mean(repeats.map(({ rows }) => 1 / rows));
  return Float64Array.from({ length: voxels }, (_, v) => {
    const columns = repeats.map((matrix) => column(matrix, v));
    const total = variance(Float64Array.from(columns, mean));
    const noise = mean(columns.map(variance));
    return total > 0 ? Math.sqrt(Math.max(0, 1 - (noise * inverseRepeats) / total)) : 0;
  });
}

/**
 * Accuracy by region: each region of `regions`, and all voxels first.
 *
 * @param correlations - `[voxels]` from `voxelCorrelations`.
 * @param ceilings - `[voxels]` from `noiseCeiling`; `null` without repeats.
 * @param regions - Their voxels as indices into `correlations`; regions without a voxel are left out.
 */
export function regionAccuracy(
  correlations: Float64Array,
  ceilings: Float64Array | null,
  regions: readonly Region[],
): RegionAccuracy[] {
  const all: Region = { name: "all voxels", voxels: Array.from(correlations, (_, v) => v) };
  return [all, ...regions].flatMap(({ name, voxels }) => {
    if (voxels.length === 0) return [];
    const scores = Float64Array.from(voxels, (v) => correlations[v] ?? Number.NaN).map((r) =>
      Number.isNaN(r) ? 0 : r,
    );
    const sorted = scores.toSorted();
    return [
      {
        region: name,
        voxels: voxels.length,
        mean: mean(scores),
        quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)] as const,
        ceiling: ceilings && mean(voxels.map((v) => ceilings[v] ?? 0)),
      },
    ];
  });
}
