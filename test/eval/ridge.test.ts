import { describe, expect, test } from "vitest";
import type { Matrix, Recordings } from "../../src/data/dataset.js";
import { selectRows } from "../../src/data/dataset.js";
import { HostRandom } from "../../src/data/random.js";
import { meanImageBaseline, nearestTrainingImageBaseline, ridgeBaseline } from "../../src/eval/baselines.js";
import { cholesky, invertPositive } from "../../src/eval/cholesky.js";
import { identify } from "../../src/eval/identification.js";
import { fitRidge } from "../../src/eval/ridge.js";
import { images, noiseImages, normalMatrix } from "./helpers.js";

/** Columns 0 to k - 1 of X W + noise: targets that inputs predict in part. */
function targetsFor(inputs: Matrix, columns: number, seed: number): Matrix {
  const weights = normalMatrix(inputs.columns, columns, seed);
  const noise = normalMatrix(inputs.rows, columns, seed + 1);
  const values = new Float32Array(inputs.rows * columns);
  for (let r = 0; r < inputs.rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 3 * c + 2 * noise.values[r * columns + c]!;
      for (let k = 0; k < inputs.columns; k++) {
        sum += inputs.values[r * inputs.columns + k]! * weights.values[k * columns + c]!;
      }
      values[r * columns + c] = sum;
    }
  }
  return { rows: inputs.rows, columns, values };
}

/** Solves A X = B by Gauss-Jordan elimination with pivoting; A `[n][n]`, B `[n][m]`. */
function solve(a: number[][], b: number[][]): number[][] {
  const rows = a.map((row, i) => [...row, ...b[i]!]);
  for (let p = 0; p < rows.length; p++) {
    const pivot = rows
      .slice(p)
      .reduce((best, row, i) => (Math.abs(row[p]!) > Math.abs(rows[best]![p]!) ? p + i : best), p);
    [rows[p], rows[pivot]] = [rows[pivot]!, rows[p]!];
    for (let r = 0; r < rows.length; r++) {
      if (r === p) continue;
      const factor = rows[r]![p]! / rows[p]![p]!;
      rows[r] = rows[r]!.map((value, c) => value - factor * rows[p]![c]!);
    }
  }
  return rows.map((row, i) => row.slice(a.length).map((value) => value / row[i]!));
}

const rowsOf = ({ rows, columns, values }: Matrix) =>
  Array.from({ length: rows }, (_, r) => [...values.subarray(r * columns, (r + 1) * columns)]);

/** Ridge from its normal equations, the intercept as an unpenalised column of ones: `(Z^T Z + penalty D) W = Z^T Y`. */
function primal(inputs: Matrix, targets: Matrix, penalty: number): (row: number[]) => number[] {
  const z = rowsOf(inputs).map((row) => [1, ...row]);
  const y = rowsOf(targets);
  const size = inputs.columns + 1;
  const normal = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) =>
      z.reduce((sum, row) => sum + row[i]! * row[j]!, i === j && i > 0 ? penalty : 0),
    ),
  );
  const right = Array.from({ length: size }, (_, i) =>
    Array.from({ length: targets.columns }, (_, c) => z.reduce((sum, row, r) => sum + row[i]! * y[r]![c]!, 0)),
  );
  const weights = solve(normal, right);
  return (row) =>
    weights[0]!.map((intercept, c) => row.reduce((sum, value, k) => sum + value * weights[k + 1]![c]!, intercept));
}

/** Mean squared length of a centred row: what a relative lambda multiplies. */
function scale(inputs: Matrix): number {
  const rows = rowsOf(inputs);
  const means = rows[0]!.map((_, c) => rows.reduce((sum, row) => sum + row[c]!, 0) / rows.length);
  return rows.reduce((sum, row) => sum + row.reduce((s, value, c) => s + (value - means[c]!) ** 2, 0), 0) / rows.length;
}

describe("fitRidge", () => {
  test.each([
    { name: "more rows than inputs", rows: 17, columns: 5 },
    { name: "more inputs than rows", rows: 11, columns: 23 },
  ])("predicts as the primal solution: $name", ({ rows, columns }) => {
    const inputs = normalMatrix(rows, columns, 1);
    const targets = targetsFor(inputs, 3, 2);
    const fresh = normalMatrix(4, columns, 9);
    for (const lambda of [0.01, 0.5, 20]) {
      const predicted = fitRidge(inputs, targets, { lambdas: [lambda], standardise: false }).predict(fresh);
      const expected = primal(inputs, targets, lambda * scale(inputs));
      rowsOf(fresh).forEach((row, r) => {
        expected(row).forEach((value, c) => {
          // Predictions are stored as float32.
          expect(Math.abs(predicted.values[3 * r + c]! - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
        });
      });
    }
  });

  test.each([
    { name: "more rows than inputs", rows: 13, columns: 4 },
    { name: "more inputs than rows", rows: 9, columns: 31 },
  ])("leave-one-out error is that of fits without each row: $name", ({ rows, columns }) => {
    const inputs = normalMatrix(rows, columns, 3);
    const targets = targetsFor(inputs, 2, 4);
    const model = fitRidge(inputs, targets, { lambdas: [0.003, 0.1, 3], standardise: false });
    for (const { lambda, error } of model.curve) {
      let total = 0;
      for (let left = 0; left < rows; left++) {
        const kept = Array.from({ length: rows }, (_, i) => i).filter((i) => i !== left);
        const expected = primal(selectRows(inputs, kept), selectRows(targets, kept), lambda * scale(inputs));
        expected(rowsOf(inputs)[left]!).forEach((value, c) => {
          total += (value - targets.values[2 * left + c]!) ** 2;
        });
      }
      expect(error / (total / (2 * rows))).toBeCloseTo(1, 8);
    }
    expect(model.lambda).toBe(model.curve.reduce((best, point) => (point.error < best.error ? point : best)).lambda);
  });

  test("standardised: the unit of a column does not matter, and a constant column is ignored", () => {
    const inputs = normalMatrix(12, 4, 5);
    const targets = targetsFor(inputs, 2, 6);
    const rescaled = { ...inputs, values: inputs.values.map((value, i) => (i % 4 === 2 ? 1024 * value + 512 : value)) };
    const wider = { rows: 12, columns: 5, values: Float32Array.from(rowsOf(inputs).flatMap((row) => [...row, 0.1])) };
    const [a, b, c] = [inputs, rescaled, wider].map((x) => fitRidge(x, targets, { lambdas: [0.1] }).predict(x).values);
    a!.forEach((value, i) => {
      expect(Math.abs(b![i]! - value)).toBeLessThan(1e-3);
      expect(Math.abs(c![i]! - value)).toBeLessThan(1e-5);
    });
  });

  test("takes strong penalties for noise and weak ones for clean data", () => {
    const inputs = normalMatrix(30, 12, 7);
    const clean = { ...inputs, columns: 12 };
    expect(fitRidge(inputs, clean).lambda).toBeLessThan(1e-3);
    expect(fitRidge(inputs, normalMatrix(30, 12, 99)).lambda).toBeGreaterThan(10);
  });

  test("is fast enough for a baseline: 90 rows, 3,092 voxels, 784 pixels", () => {
    const inputs = normalMatrix(90, 3092, 1);
    const targets = normalMatrix(90, 784, 2);
    const start = performance.now();
    fitRidge(inputs, targets).predict(normalMatrix(10, 3092, 3));
    // About 0.3 s alone; the margin is for a busy machine.
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test.each([
    {
      name: "rows",
      inputs: normalMatrix(5, 2, 1),
      targets: normalMatrix(4, 2, 1),
      options: {},
      text: "got 5 and 4\n  inputs  [5, 2]",
    },
    { name: "too few", inputs: normalMatrix(2, 2, 1), targets: normalMatrix(2, 2, 1), options: {}, text: "at least 3" },
    {
      name: "lambda",
      inputs: normalMatrix(5, 2, 1),
      targets: normalMatrix(5, 2, 1),
      options: { lambdas: [1, 0] },
      text: "got 0",
    },
    {
      name: "no variance",
      inputs: { rows: 3, columns: 1, values: Float32Array.of(0.1, 0.1, 0.1) },
      targets: normalMatrix(3, 1, 1),
      options: {},
      text: "inputs must be finite and vary",
    },
  ])("rejects $name", ({ inputs, targets, options, text }) => {
    expect(() => fitRidge(inputs, targets, options)).toThrow(text);
  });

  test("rejects NaN targets and another number of voxels", () => {
    const inputs = normalMatrix(5, 2, 1);
    expect(() => fitRidge(inputs, { rows: 5, columns: 1, values: Float32Array.of(1, 2, Number.NaN, 3, 4) })).toThrow(
      "finite",
    );
    expect(() => fitRidge(inputs, inputs).predict(normalMatrix(1, 3, 1))).toThrow(
      "the 2 inputs it was fitted on, got 3",
    );
  });
});

describe("cholesky", () => {
  test("factor and inverse", () => {
    const a = Float64Array.of(4, 2, 0.6, 2, 5, 1, 0.6, 1, 3);
    const lower = cholesky(a, 3);
    const inverse = invertPositive(a, 3);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        const product = (x: (k: number) => number, y: (k: number) => number) => x(0) * y(0) + x(1) * y(1) + x(2) * y(2);
        expect(
          product(
            (k) => lower[3 * i + k]!,
            (k) => lower[3 * j + k]!,
          ),
        ).toBeCloseTo(a[3 * i + j]!, 14);
        expect(
          product(
            (k) => a[3 * i + k]!,
            (k) => inverse[3 * k + j]!,
          ),
        ).toBeCloseTo(i === j ? 1 : 0, 14);
      }
    }
  });

  test("rejects an indefinite matrix", () => {
    expect(() => cholesky(Float64Array.of(1, 2, 2, 1), 2)).toThrow("positive definite, got pivot -3 in row 1");
  });
});

describe("baselines", () => {
  const rng = new HostRandom(4);
  const seen = noiseImages(40, 4, 3, 1, 21);
  const weights = normalMatrix(12, 30, 8);
  const fmri: Matrix = {
    rows: 40,
    columns: 30,
    values: Float32Array.from({ length: 40 * 30 }, (_, i) => {
      const row = Math.floor(i / 30);
      let sum = 0.3 * rng.normal();
      for (let p = 0; p < 12; p++) sum += seen.pixels[12 * row + p]! * weights.values[30 * p + (i % 30)]!;
      return sum;
    }),
  };
  const part = (from: number, to: number): Recordings => ({
    images: { ...seen, count: to - from, pixels: seen.pixels.slice(12 * from, 12 * to) },
    fmri: { ...fmri, rows: to - from, values: fmri.values.slice(30 * from, 30 * to) },
    labels: Array.from({ length: to - from }, (_, i) => `image ${from + i}`),
  });
  const train = part(0, 30);
  const test10 = part(30, 40);

  test("ridge identifies held-out images of a linear subject, clipped on request", () => {
    const { images: made } = ridgeBaseline(train, test10.fmri);
    expect(identify(made, test10.images, { ways: [2] }).ways[0]!.mean).toBeGreaterThan(0.95);
    expect(made.pixels.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(
      ridgeBaseline(train, test10.fmri, { clip: false }).images.pixels.some((value) => value < 0 || value > 1),
    ).toBe(true);
  });

  test("mean image", () => {
    const two = images(
      [
        [0, 1, 0.5],
        [1, 1, 0],
      ],
      1,
      3,
    );
    expect(meanImageBaseline(two, 2)).toEqual(
      images(
        [
          [0.5, 1, 0.25],
          [0.5, 1, 0.25],
        ],
        1,
        3,
      ),
    );
    expect(() => meanImageBaseline({ ...two, count: 0, pixels: new Float32Array() }, 1)).toThrow(
      "at least one training image",
    );
  });

  test("nearest training image of a training response is its own", () => {
    expect(nearestTrainingImageBaseline(train, train.fmri)).toEqual(train.images);
    expect(() => nearestTrainingImageBaseline(train, normalMatrix(2, 3, 1))).toThrow("their 30 voxels");
  });
});
