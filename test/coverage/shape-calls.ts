/** Reductions, indexing, shape ops and matrix products. */
import * as vp from "../../src/index.js";
import { custom, type Entry, each, entry, input, plain, whole32 } from "./call.js";

const x = [input([2, 3, 4])];
const small = [input([2, 3], 0.4, 1.6)];
const axesOf = [undefined, { axes: [0, 2], keepDims: true }, { axes: -1 }] as const;
const reduction = (op: string, torch: string, ...more: object[]) => each(op, torch, x, ...axesOf, ...more);

/** By op. */
export const reductions: Readonly<Record<string, Entry>> = {
  sum: reduction("sum", "sum"),
  mean: reduction("mean", "mean"),
  prod: each("prod", "prod", [input([2, 3, 2], 0.5, 1.6)], ...axesOf),
  max: reduction("max", "amax"),
  min: reduction("min", "amin"),
  variance: reduction("variance", "var", { correction: 0 }),
  std: reduction("std", "std", { correction: 0, axes: 1 }),
  norm: reduction(
    "norm",
    "linalg.vector_norm",
    { p: 1 },
    { p: 3, axes: 1 },
    { p: Number.POSITIVE_INFINITY },
    { p: 0.5 },
  ),
  logSumExp: reduction("logSumExp", "logsumexp"),
  sumSquares: reduction("sumSquares", ""),
  sumAbs: reduction("sumAbs", ""),
  any: each("any", "any", x, ...axesOf),
  all: each("all", "all", x, ...axesOf),
  argMax: each("argMax", "argmax", x, undefined, { axis: 1, keepDims: true }),
  argMin: each("argMin", "argmin", x, undefined, { axis: 1, keepDims: true }),
  cumSum: each("cumSum", "cumsum", x, { axis: 1 }, { axis: 2, reverse: true, exclusive: true }),
  cumProd: each(
    "cumProd",
    "cumprod",
    [input([2, 3, 2], 0.5, 1.6)],
    { axis: 1 },
    { axis: 1, reverse: true, exclusive: true },
  ),
  cumMax: each("cumMax", "cummax", x, { axis: 1 }, { axis: 2, reverse: true }),
  cumMin: each("cumMin", "cummin", x, { axis: 0 }, { axis: -1, reverse: true }),
  softmax: each("softmax", "softmax", x, undefined, { axis: 1 }),
  logSoftmax: each("logSoftmax", "log_softmax", x, undefined, { axis: 1 }),
};

const rows = [input([4, 3])];
const sorted = [input([2, 5])];

/** By op. */
export const indexing: Readonly<Record<string, Entry>> = {
  gather: entry(
    "gather",
    custom("axis 0", rows, (t) => vp.gather(t, whole32(t, [3, 0, 3, 1, 1, 1], [2, 3]), { axis: 0 })),
  ),
  take: entry(
    "index_select",
    custom("axis 1", rows, (t) => vp.take(t, whole32(t, [2, 0, 2, 1], [2, 2]), { axis: 1 })),
  ),
  embedding: entry(
    "embedding",
    custom("u32", rows, (t) => vp.embedding(t, whole32(t, [3, 0, 3, 1], [2, 2]))),
  ),
  scatter: entry(
    "scatter",
    custom("axis 0, equal indices", [input([4, 3]), input([2, 3])], (t, s) =>
      vp.scatter(t, whole32(t, [3, 0, 3, 1, 0, 3], [2, 3]), s, { axis: 0 }),
    ),
  ),
  scatterAdd: entry(
    "scatter_add",
    custom("axis 0", [input([4, 3]), input([2, 3])], (t, s) =>
      vp.scatterAdd(t, whole32(t, [3, 0, 3, 1, 0, 3], [2, 3]), s, { axis: 0 }),
    ),
  ),
  indexAdd: entry(
    "index_add",
    custom("axis 0", [input([4, 3]), input([3, 3])], (t, s) => vp.indexAdd(t, whole32(t, [3, 0, 3]), s, { axis: 0 })),
  ),
  oneHot: entry(
    "one_hot",
    // Its only input holds whole numbers.
    custom("4 classes", [input([1, 3], 0.5, 3.5)], (t) => vp.oneHot(vp.cast(t, "u32"), { classes: 4 })),
  ),
  sort: each("sort", "sort", sorted, undefined, { axis: 0, descending: true }),
  argSort: each("argSort", "argsort", sorted, undefined, { axis: 0, descending: true }),
  topK: each("topK", "topk", sorted, { k: 2 }, { k: 1, axis: 0, largest: false }),
};

/** By op. */
export const shapes: Readonly<Record<string, Entry>> = {
  reshape: each("reshape", "reshape", x, { shape: [4, -1] }),
  flatten: each("flatten", "flatten", x, undefined, { start: 1 }, { start: 0, end: 1 }),
  squeeze: each("squeeze", "squeeze", [input([1, 3, 1, 2])], undefined, { axes: 2 }),
  unsqueeze: each("unsqueeze", "unsqueeze", x, { axes: [0, -1] }),
  transpose: each("transpose", "permute", x, undefined, { axes: [2, 0, 1] }),
  swapAxes: each("swapAxes", "swapaxes", x, { axes: [0, -1] }),
  broadcastTo: each("broadcastTo", "broadcast_to", [input([3, 1])], { shape: [2, 3, 4] }),
  slice: each(
    "slice",
    "x[a:b:c]",
    x,
    { start: [0, 1] },
    { start: [null, 2, null], end: [null, 0, null], step: [1, -1, 2] },
  ),
  flip: each("flip", "flip", x, undefined, { axes: [1] }),
  roll: each("roll", "roll", x, { shift: -3, axis: 2 }),
  tile: each("tile", "tile", small, { repeats: [2, 1, 3] }),
  repeatElements: each("repeatElements", "repeat_interleave", small, { repeats: 3, axis: 1 }),
  concat: entry(
    "cat",
    custom("axis 1", [input([2, 3]), input([2, 2])], (a, b) => vp.concat([a, b, a], { axis: 1 })),
  ),
  stack: entry(
    "stack",
    custom("axis 1", [input([2, 3]), input([2, 3])], (a, b) => vp.stack([a, b], { axis: 1 })),
  ),
  split: each("split", "split", [input([2, 6])], { sizes: [1, 5], axis: 1 }, { parts: 2 }),
  unstack: each("unstack", "unbind", [input([2, 3])], undefined, { axis: 1 }),
  pad: entry(
    "pad",
    plain("pad", small, {
      padding: [
        [1, 0],
        [0, 2],
      ],
      value: 0.5,
    }),
    ...(["replicate", "reflect", "symmetric", "circular"] as const).map((mode) =>
      plain("pad", [input([1, 3, 4, 2])], {
        padding: [
          [0, 0],
          [1, 2],
          [2, 1],
          [0, 0],
        ],
        mode,
      }),
    ),
  ),
  tril: each("tril", "tril", [input([2, 3, 4])], undefined, { diagonal: 1 }),
  triu: each("triu", "triu", [input([2, 3, 4])], undefined, { diagonal: -1 }),
};

/** By op. */
export const products: Readonly<Record<string, Entry>> = {
  einsum: entry(
    "einsum",
    custom("ij,jk->ik", [input([3, 4]), input([4, 2])], (a, b) => vp.einsum([a, b], { equation: "ij,jk->ik" })),
    custom("iij,...j->i...", [input([2, 2, 3]), input([4, 3])], (a, b) =>
      vp.einsum([a, b], { equation: "iij,...j->i..." }),
    ),
    custom("ij,jk,ki->", [input([2, 3]), input([3, 2]), input([2, 2])], (a, b, c) =>
      vp.einsum([a, b, c], { equation: "ij,jk,ki->" }),
    ),
  ),
  matmul: entry(
    "matmul",
    plain("matmul", [input([3, 4]), input([4, 2])]),
    plain("matmul", [input([4, 3]), input([2, 4])], { transposeA: true, transposeB: true, alpha: 0.5 }),
    plain("matmul", [input([2, 1, 3, 4]), input([3, 4, 2])]),
    plain("matmul", [input([4]), input([4, 2])]),
    plain("matmul", [input([4]), input([4])]),
  ),
  linear: entry(
    "linear",
    plain("linear", [input([3, 4]), input([4, 2]), input([2])]),
    custom("no bias", [input([2, 3, 4]), input([4, 2])], (a, w) => vp.linear(a, w, null)),
  ),
};
