import { ShapeError } from "../kernels/errors.js";
import { embedding } from "../tensor/ops/gather.js";
import { checkKind, readOptions } from "../tensor/options.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Initialiser, initialParameter } from "./initialisers.js";
import { Module, type Parameter } from "./module.js";

/** Options of `Embedding`. */
export interface EmbeddingLayerOptions {
  /** Rows of the table: indices go from 0 to one less. */
  readonly numEmbeddings: number;
  /** Length of a row. */
  readonly embeddingDim: number;
  /** A row that starts as zeros and gets no gradient, for places without content; negative ones count from the end. Default: none. */
  readonly paddingIdx?: number;
  /** Default: normal, mean 0, standard deviation 1. */
  readonly init?: Initialiser;
}

const kinds = { numEmbeddings: "number", embeddingDim: "number", paddingIdx: "number?", init: "function?" } as const;

const standardNormal: Initialiser = (rng, shape) => rng.normal(shape);

/** @throws {ShapeError} unless the sizes are whole and the padding is a row. @returns The padding's row, or `null`. */
function checkOptions({ numEmbeddings, embeddingDim, paddingIdx }: EmbeddingLayerOptions): number | null {
  for (const [name, value] of Object.entries({ numEmbeddings, embeddingDim }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new ShapeError(`Embedding: ${name} must be whole and at least 1, got ${value}`);
  if (paddingIdx === undefined) return null;
  if (!(Number.isInteger(paddingIdx) && paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings))
    throw new ShapeError(
      `Embedding: paddingIdx must be a row of ${numEmbeddings}, from ${-numEmbeddings} to ${numEmbeddings - 1}, got ${paddingIdx}`,
    );
  return paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx;
}

/**
 * A table of learned rows, looked up by number. `y[..., :] = weight[indices[...], :]` See `embedding`.
 *
 * As `torch.nn.Embedding`. A row that no index names has a gradient of zeros, so that an optimizer with momentum or weight decay
 * moves it all the same.
 *
 * @example
 * const words = new Embedding(rng, { numEmbeddings: 1000, embeddingDim: 64, paddingIdx: 0 });
 * words.forward(tensor(device, [5, 2, 0], [1, 3], { dtype: "u32" })).shape; // [1, 3, 64]
 */
export class Embedding extends Module {
  /** `[numEmbeddings, embeddingDim]`. */
  readonly weight: Parameter;
  readonly #padding: number | null;

  /**
   * @param rng - Draws the initial rows, and names the device.
   * @throws {ShapeError} when a size is not a whole number of at least 1 or `paddingIdx` is no row.
   */
  constructor(rng: Rng, options: EmbeddingLayerOptions) {
    super();
    checkKind("Embedding", "rng", rng, "rng");
    const given = readOptions<EmbeddingLayerOptions>("Embedding", options, kinds);
    const { numEmbeddings, embeddingDim, init = standardNormal } = given;
    this.#padding = checkOptions(given);
    this.weight = initialParameter("Embedding", rng, [numEmbeddings, embeddingDim], init);
    if (this.#padding !== null)
      rng.device.write(this.weight.storage, new Float32Array(embeddingDim), 4 * this.#padding * embeddingDim);
  }

  /**
   * @param indices - i32 or u32, any shape. One outside of the table gives zeros, and the next wait for the GPU rejects.
   * @returns `[..., embeddingDim]`.
   * @throws {DTypeError} when the indices are no whole numbers.
   */
  forward(indices: Tensor): Tensor {
    return embedding(this.weight, indices, this.#padding === null ? {} : { paddingIdx: this.#padding });
  }
}
