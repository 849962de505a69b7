import type { Matrix } from "../data/dataset.js";
import { invertPositive } from "./cholesky.js";

/** Settings of `fitRidge`. */
export interface RidgeOptions {
  /**
   * Penalties to choose from, relative to the mean squared length of a centred input row; default 1e-4 to 1e4, four per decade.
   * Relative, so that one grid serves any number of voxels and any scaling of them.
   */
  readonly lambdas?: readonly number[];
  /** Divide each input column by its standard deviation over the training rows (constant columns become 0); default true. */
  readonly standardise?: boolean;
}

/** A fitted ridge regression. */
export interface RidgeModel {
  /** The penalty chosen, relative as in `RidgeOptions.lambdas`. */
  readonly lambda: number;
  /** Mean squared leave-one-out error of the training rows, per element, for each penalty tried. */
  readonly curve: readonly { readonly lambda: number; readonly error: number }[];
  /** Predicts targets `[rows, targets]` from inputs `[rows, inputs]`; no clipping. */
  predict(inputs: Matrix): Matrix;
}

/** -4, -3.75, ... 4 as powers of ten. */
const DEFAULT_LAMBDAS: readonly number[] = Array.from({ length: 33 }, (_, i) => 10 ** (i / 4 - 4));

interface Scaling {
  readonly offset: Float64Array;
  readonly factor: Float64Array;
}

/** Mean of each column, and one over its population SD (1 when not standardising, 0 for a constant column). */
function columnScaling(matrix: Matrix, standardise: boolean): Scaling {
  const { rows, columns, values } = matrix;
  const offset = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) offset[c] = (offset[c] ?? 0) + (values[r * columns + c] ?? 0) / rows;
  }
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      squares[c] = (squares[c] ?? 0) + ((values[r * columns + c] ?? 0) - (offset[c] ?? 0)) ** 2 / rows;
    }
  }
  // A constant column keeps a variance of rounding size; dividing by that would blow the rounding up into a predictor.
  const floor = (c: number) => 1e-24 * (offset[c] ?? 0) ** 2;
  const factor = squares.map((variance, c) => (!standardise ? 1 : variance > floor(c) ? 1 / Math.sqrt(variance) : 0));
  return { offset, factor };
}

/** `(values - offset) * factor`, one Float64Array a row. */
function scaledRows({ rows, columns, values }: Matrix, { offset, factor }: Scaling): Float64Array[] {
  return Array.from({ length: rows }, (_, r) =>
    Float64Array.from(
      { length: columns },
      (_, c) => ((values[r * columns + c] ?? 0) - (offset[c] ?? 0)) * (factor[c] ?? 0),
    ),
  );
}

/** Products of every row of `a` with every row of `b`: row-major `[a.length, b.length]`. */
function gram(a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array {
  const products = new Float64Array(a.length * b.length);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      // The Gram matrix of a set with itself is symmetric: copy what is known.
      if (a === b && j < i) {
        products[i * b.length + j] = products[j * b.length + i] ?? 0;
        return;
      }
      let sum = 0;
      for (let c = 0; c < x.length; c++) sum += (x[c] ?? 0) * (y[c] ?? 0);
      products[i * b.length + j] = sum;
    });
  });
  return products;
}

/** `(K + penalty I)^-1`, row-major `[n, n]`. */
function regularisedInverse(kernel: Float64Array, n: number, penalty: number): Float64Array {
  const regularised = kernel.slice();
  for (let i = 0; i < n; i++) regularised[i * n + i] = (regularised[i * n + i] ?? 0) + penalty;
  return invertPositive(regularised, n);
}

/**
 * Sum over rows and targets of the squared leave-one-out residuals, in closed form.
 *
 * With G = K + penalty I on centred data, the residual of row i when the model (its intercept included) is fitted without row i is
 * `penalty (G^-1 Y)_i / (penalty G^-1_ii - 1/n)`. Only inner products of target rows are needed, so a target Gram matrix stands for
 * tens of thousands of pixels: `|(G^-1 Y)_i|^2 = (G^-1 T G^-1)_ii`, `T = Y Y^T`.
 */
function leaveOneOutError(inverse: Float64Array, targetGram: Float64Array, n: number, penalty: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) {
    const row = inverse.subarray(i * n, (i + 1) * n);
    let squared = 0;
    for (let j = 0; j < n; j++) {
      let product = 0;
      for (let k = 0; k < n; k++) product += (row[k] ?? 0) * (targetGram[j * n + k] ?? 0);
      squared += (row[j] ?? 0) * product;
    }
    const freedom = penalty * (row[i] ?? 0) - 1 / n;
    total += (penalty * penalty * squared) / (freedom * freedom);
  }
  return total;
}

function checkFit(inputs: Matrix, targets: Matrix, lambdas: readonly number[]): void {
  if (inputs.rows !== targets.rows || inputs.rows < 3) {
    throw new RangeError(
      `fitRidge: needs one target row per input row and at least 3, got ${inputs.rows} and ${targets.rows}\n` +
        `  inputs  [${inputs.rows}, ${inputs.columns}]\n  targets [${targets.rows}, ${targets.columns}]`,
    );
  }
  const bad = lambdas.find((lambda) => !(lambda > 0 && Number.isFinite(lambda)));
  if (lambdas.length === 0 || bad !== undefined) {
    throw new RangeError(`fitRidge: needs at least one lambda, each positive and finite, got ${bad ?? "none"}`);
  }
}

/** `G^-1 Y`, one row of coefficients per training row. */
function dualCoefficients(inverse: Float64Array, targets: readonly Float64Array[]): Float64Array[] {
  const n = targets.length;
  return targets.map((_, i) => weightedRows(inverse.subarray(i * n, (i + 1) * n), targets));
}

/** `sum_k weights[k] * rows[k]`. */
function weightedRows(weights: Float64Array, rows: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(rows[0]?.length ?? 0);
  rows.forEach((row, k) => {
    const weight = weights[k] ?? 0;
    for (let c = 0; c < sum.length; c++) sum[c] = (sum[c] ?? 0) + weight * (row[c] ?? 0);
  });
  return sum;
}

/**
 * Ridge regression of many targets on many inputs, in dual form: `min over W, b of |Y - X W - b|^2 + penalty |W|^2`, b not penalised.
 *
 * With X and Y centred, `prediction(x) = mean Y + x X^T (X X^T + penalty I)^-1 Y`: an `[n, n]` system for n training rows, however many
 * voxels and pixels there are. One penalty serves all targets, the one with the least leave-one-out error on the training rows; that
 * error is exact for the columns as scaled, whose mean and SD come from all training rows.
 *
 * @param inputs - `[n, inputs]`, n >= 3.
 * @param targets - `[n, targets]`.
 * @param options - `lambdas` 1e-4 to 1e4 relative, `standardise` true.
 * @throws {RangeError} when row counts differ, inputs never vary, a lambda is not positive, or values are not finite.
 * @see Hoerl & Kennard 1970; Hastie, Tibshirani & Friedman, "The Elements of Statistical Learning", sections 3.4.1 and 7.10.
 */
export function fitRidge(inputs: Matrix, targets: Matrix, options: RidgeOptions = {}): RidgeModel {
  const { lambdas = DEFAULT_LAMBDAS, standardise = true } = options;
  checkFit(inputs, targets, lambdas);
  const n = inputs.rows;
  const inputScaling = columnScaling(inputs, standardise);
  const targetScaling = columnScaling(targets, false);
  const x = scaledRows(inputs, inputScaling);
  const y = scaledRows(targets, targetScaling);
  const kernel = gram(x, x);
  const targetGram = gram(y, y);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += kernel[i * n + i] ?? 0;
  if (!(trace > 0 && Number.isFinite(trace)))
    throw new RangeError(`fitRidge: inputs must be finite and vary, got variance ${trace / n}`);
  const curve = lambdas.map((lambda) => {
    const penalty = (lambda * trace) / n;
    const total = leaveOneOutError(regularisedInverse(kernel, n, penalty), targetGram, n, penalty);
    return { lambda, error: total / (n * targets.columns) };
  });
  const best = curve.reduce((least, point) => (point.error < least.error ? point : least));
  if (!Number.isFinite(best.error))
    throw new RangeError(`fitRidge: targets must be finite, got a leave-one-out error of ${best.error}`);
  const coefficients = dualCoefficients(regularisedInverse(kernel, n, (best.lambda * trace) / n), y);
  return {
    lambda: best.lambda,
    curve,
    predict: (rows) => predictRows(rows, x, inputScaling, coefficients, targetScaling.offset),
  };
}

function predictRows(
  inputs: Matrix,
  training: readonly Float64Array[],
  scaling: Scaling,
  coefficients: readonly Float64Array[],
  offset: Float64Array,
): Matrix {
  if (inputs.columns !== scaling.offset.length) {
    throw new RangeError(
      `ridge predict: needs the ${scaling.offset.length} inputs it was fitted on, got ${inputs.columns}`,
    );
  }
  const columns = offset.length;
  const n = training.length;
  const similarities = gram(scaledRows(inputs, scaling), training);
  const values = new Float32Array(inputs.rows * columns);
  for (let r = 0; r < inputs.rows; r++) {
    const deviation = weightedRows(similarities.subarray(r * n, (r + 1) * n), coefficients);
    for (let c = 0; c < columns; c++) values[r * columns + c] = (deviation[c] ?? 0) + (offset[c] ?? 0);
  }
  return { rows: inputs.rows, columns, values };
}
