/** Losses and randomness. */
import * as vp from "../../src/index.js";
import { custom, type Entry, each, entry, input, whole32 } from "./call.js";

const pair = [input([3, 4]), input([3, 4])];
const probabilities = [input([3, 4], 0.1, 0.9), input([3, 4], 0.15, 0.85)];
const ways = [undefined, { reduction: "sum" }, { reduction: "none" }] as const;
const classes = (x: vp.Tensor) => whole32(x, [2, 0, 3]);
const weights = (x: vp.Tensor) => vp.tensor(x.device, [0.5, 2, 1, 0.7], [4]);
const signs = (x: vp.Tensor) => vp.tensor(x.device, [1, -1, 1], [3]);

/** By op. */
export const losses: Readonly<Record<string, Entry>> = {
  mse: each("mse", "mse_loss", pair, ...ways),
  l1: each("l1", "l1_loss", pair, ...ways),
  smoothL1: each("smoothL1", "smooth_l1_loss", pair, ...ways, { beta: 0.37 }),
  huber: each("huber", "huber_loss", pair, ...ways, { delta: 0.37 }),
  klDivergence: entry(
    "kl_div",
    ...each("klDivergence", "", [input([3, 4], -3, -1), input([3, 4], 0.1, 0.9)], ...ways, { reduction: "batchMean" })
      .calls,
    ...each("klDivergence", "", [input([3, 4], -3, -1), input([3, 4], -2, -0.5)], { logTarget: true }).calls,
  ),
  crossEntropy: entry(
    "cross_entropy",
    custom("class numbers", [input([3, 4])], (x) => vp.crossEntropy(x, classes(x))),
    custom("class numbers, every option", [input([3, 4])], (x) =>
      vp.crossEntropy(x, classes(x), { labelSmoothing: 0.1, weight: weights(x), ignoreIndex: 0, reduction: "sum" }),
    ),
    custom("probabilities", [input([3, 4]), input([3, 4], 0.1, 0.5)], (x, y) =>
      vp.crossEntropy(x, y, { labelSmoothing: 0.1, weight: weights(x) }),
    ),
  ),
  nll: entry(
    "nll_loss",
    custom("class numbers", [input([3, 4], -3, -0.5)], (x) => vp.nll(x, classes(x))),
    custom("every option", [input([3, 4], -3, -0.5)], (x) =>
      vp.nll(x, classes(x), { weight: weights(x), ignoreIndex: 0, reduction: "none" }),
    ),
  ),
  binaryCrossEntropy: entry(
    "binary_cross_entropy",
    ...each("binaryCrossEntropy", "", probabilities, ...ways).calls,
    custom("weight", probabilities, (x, y) => vp.binaryCrossEntropy(x, y, { weight: weights(x) })),
  ),
  binaryCrossEntropyWithLogits: entry(
    "binary_cross_entropy_with_logits",
    ...each("binaryCrossEntropyWithLogits", "", [input([3, 4]), input([3, 4], 0.15, 0.85)], ...ways).calls,
    custom("weight, posWeight", [input([3, 4]), input([3, 4], 0.15, 0.85)], (x, y) =>
      vp.binaryCrossEntropyWithLogits(x, y, { weight: weights(x), posWeight: weights(x) }),
    ),
  ),
  cosineSimilarity: each("cosineSimilarity", "cosine_similarity", pair, ...ways, { axis: 0, eps: 1e-6 }),
  cosineEmbedding: entry(
    "cosine_embedding_loss",
    custom("defaults", pair, (x, y) => vp.cosineEmbedding(x, y, signs(x))),
    custom("margin, none", pair, (x, y) => vp.cosineEmbedding(x, y, signs(x), { margin: -0.9, reduction: "none" })),
  ),
  totalVariation: each("totalVariation", "", [input([1, 3, 4, 2])], undefined, {
    reduction: "sum",
    exponent: 1.5,
    eps: 0.01,
  }),
};

/** By op. */
export const random: Readonly<Record<string, Entry>> = {
  dropout: entry(
    "dropout",
    custom("rate 0.3", [input([4, 5])], (x) => vp.dropout(x, { rate: 0.3, rng: vp.createRng(x.device, 9) })),
  ),
};
