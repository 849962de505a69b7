import { ShapeError } from "../../kernels/errors.js";
import { dropout as dropoutKernel, streamWords } from "../../kernels/random.js";
import { checkCall, defineOp } from "../define-op.js";
import { Rng } from "../random.js";
import { formatShape, sameShape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** @throws {ShapeError} unless the rate lies in [0, 1). */
export function checkRate(rate: number, op = "dropout"): void {
  if (!(rate >= 0 && rate < 1)) throw new ShapeError(`${op}: rate must lie in [0, 1), got ${rate}`);
}

/**
 * Dropout with the numbers of a given place of a stream (`rng.take(x.size)`): the same place gives the same mask.
 *
 * @param x - Any shape.
 * @param stream - u32 `[6]`.
 * @returns `x`'s shape.
 * @throws {ShapeError} when the rate or the stream is none.
 */
export const dropoutAt = defineOp({
  name: "dropout",
  inputs: ["x", "stream"],
  dtypes: { stream: "u32" },
  plan([x, stream], { rate }: { readonly rate: number }) {
    checkRate(rate);
    if (!sameShape(stream.shape, [streamWords]))
      throw new ShapeError(`dropout: stream must be [${streamWords}], got ${formatShape(stream.shape)}`);
    return { shape: x.shape, rate };
  },
  forward({ device, output, plan: { rate } }, [x, stream]) {
    dropoutKernel(device, x.storage, stream.storage, output.storage, { count: x.size, rate });
    return { stream, rate };
  },
  vjp: {
    x: ({ stream, rate }, gradOutput): Tensor => dropoutAt(gradOutput, stream, { rate }),
    stream: null,
  },
});

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Share of elements that become 0, in [0, 1). At 0 the op is the identity, and draws nothing. */
  readonly rate: number;
  /** Where the mask comes from; it moves on by `x.size` numbers. */
  readonly rng: Rng;
}

/**
 * Dropout: zeroes elements with probability `rate` and divides the others by `1 - rate`, so that the mean stays.
 *
 * `y[i] = u[i] >= rate ? x[i] / (1 - rate) : 0`, with `u` uniform in [0, 1). The mask is never stored: the gradient draws it again.
 *
 * @param x - Any shape.
 * @returns `x`'s shape.
 * @throws {ShapeError} when the rate lies outside [0, 1), or the generator is on another device.
 * @see Srivastava et al. 2014.
 */
export function dropout(x: Tensor, options: DropoutOptions): Tensor {
  const { rate, rng } = checkCall("dropout", { x }, options, { rate: "number", rng: "any" });
  checkRate(rate);
  if (!(rng instanceof Rng)) throw new ShapeError("dropout: rng must be a generator, got none; see device.rng(seed)");
  if (rng.device !== x.device) throw new ShapeError("dropout: rng lives on another device than x");
  return rate === 0 ? x : dropoutAt(x, rng.take(x.size), { rate });
}
