/** The matrices of the separable resizings, row by row: which inputs an output is made of, and with which weights. */

/** How one axis is resized. */
export interface AxisResizing {
  readonly mode: "bilinear" | "bicubic";
  /** Sizes before and after. */
  readonly input: number;
  readonly output: number;
  /** Input pixels that an output pixel is wide: the inverse of the scale. */
  readonly step: number;
  readonly alignCorners: boolean;
  /** Widen the filter where pixels get fewer, so that each counts. */
  readonly antialias: boolean;
}

/** The entries of a sparse matrix by row, as `starts[row]` to `starts[row + 1]` of `taps` (columns) and `weights`. */
export interface SparseRows {
  readonly starts: readonly number[];
  readonly taps: readonly number[];
  readonly weights: readonly number[];
}

/** Keys' cubic at distance `x`; `a` is its slope at 1. */
function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? a * (((d - 5) * d + 8) * d - 4) : 0;
}

const hat = (x: number): number => Math.max(0, 1 - Math.abs(x));

type Entry = readonly [tap: number, weight: number];

/** Four pixels around the position, those beyond an edge being the edge's. @see PyTorch, whose a is -0.75. */
function cubicRow({ input, output, step, alignCorners }: AxisResizing, o: number): Entry[] {
  const corner = output === 1 ? 0 : (input - 1) / (output - 1);
  const position = alignCorners ? o * corner : (o + 0.5) * step - 0.5;
  const first = Math.floor(position);
  return [-1, 0, 1, 2].map((offset) => [
    Math.min(Math.max(first + offset, 0), input - 1),
    cubic(first + offset - position, -0.75),
  ]);
}

/** The pixels under a filter that is widened by the step, weights adding up to 1. @see Pillow and PyTorch, whose cubic's a is -0.5. */
function widenedRow({ mode, input, step }: AxisResizing, o: number): Entry[] {
  const widening = Math.max(step, 1);
  const reach = (mode === "bicubic" ? 2 : 1) * widening;
  const centre = (o + 0.5) * step;
  const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
  const end = Math.min(Math.trunc(centre + reach + 0.5), input);
  const entries = Array.from({ length: end - first }, (_, k): Entry => {
    const distance = (first + k - centre + 0.5) / widening;
    return [first + k, mode === "bicubic" ? cubic(distance, -0.5) : hat(distance)];
  });
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  return entries.map(([tap, weight]) => [tap, weight / total]);
}

function fromRows(rows: readonly (readonly Entry[])[]): SparseRows {
  const starts = [0];
  for (const row of rows) starts.push((starts.at(-1) as number) + row.length);
  const entries = rows.flat();
  return { starts, taps: entries.map(([tap]) => tap), weights: entries.map(([, weight]) => weight) };
}

/** The matrix of a resizing, or its transpose, with one entry for each column of a row. */
export function resampleTable(resizing: AxisResizing, transposed: boolean): SparseRows {
  const rowOf = resizing.antialias ? widenedRow : cubicRow;
  const rows = Array.from({ length: transposed ? resizing.input : resizing.output }, () => new Map<number, number>());
  for (let o = 0; o < resizing.output; o++) {
    for (const [tap, weight] of rowOf(resizing, o)) {
      const [row, column] = transposed ? [tap, o] : [o, tap];
      const entries = rows[row] as Map<number, number>;
      entries.set(column, (entries.get(column) ?? 0) + weight);
    }
  }
  return fromRows(rows.map((entries) => [...entries]));
}
