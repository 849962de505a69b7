/** Penalties on weights, as the released code has them; the paper's text is silent. */
import type { Tensor } from "../index.js";
import { add, constant, mean, mul, pad, reshape, slice, sqrt, sumAbs, sumSquares } from "../index.js";
import type { GroupLassoConfig } from "./presets.js";

const scaled = (x: Tensor, factor: number) => mul(x, constant(x.device, factor));

/** `l1 sum|w| + l2 sum w^2`, summed over the weight as Keras does. @returns A scalar. */
export function weightPenalty(weight: Tensor, l1: number, l2 = 0): Tensor {
  const absolute = scaled(sumAbs(weight), l1);
  return l2 === 0 ? absolute : add(absolute, scaled(sumSquares(weight), l2));
}

/**
 * The group lasso of a dense layer whose one side is a map of positions with channels: channels of one position form a group,
 * and neighbouring positions count with it.
 *
 * `l1 mean|w| + group mean_{y,x,v} sqrt(mean_c S)`, `S = (w^2 + neighbours * N(w^2)) / (1 + neighbours)`, where N averages the
 * four neighbours and the border repeats.
 *
 * @param weight - `[height, width, channels, voxels]` (an Encoder's) or `[voxels, height, width, channels]` (a Decoder's).
 * @param channelAxis - 2 or 3: which of the two it is.
 * @param config - Weights for a layer of `config.inputs` inputs; scaled for others.
 * @returns A scalar.
 */
export function groupLasso(weight: Tensor, channelAxis: 2 | 3, config: GroupLassoConfig): Tensor {
  // The neighbour average is linear over positions, so it may follow the mean over channels, which leaves far less to average.
  const energy = scaled(sumSquares(weight, { axes: channelAxis }), 1 / (weight.shape[channelAxis] as number));
  const rowAxis = channelAxis === 2 ? 0 : 1;
  const padding = [0, 1, 2].map((axis) =>
    axis === rowAxis || axis === rowAxis + 1 ? ([1, 1] as const) : ([0, 0] as const),
  );
  const padded = pad(energy, { padding, mode: "replicate" });
  const shifted = (dy: number, dx: number) => {
    const start = [0, 0, 0];
    start[rowAxis] = 1 + dy;
    start[rowAxis + 1] = 1 + dx;
    return slice(padded, { start, end: start.map((from, axis) => from + (energy.shape[axis] as number)) });
  };
  const neighbours = add(add(shifted(-1, 0), shifted(1, 0)), add(shifted(0, -1), shifted(0, 1)));
  const blended = scaled(add(energy, scaled(neighbours, config.neighbours / 4)), 1 / (1 + config.neighbours));
  // A group of exact zeros has no slope at 0; the constant is far below any real weight's square.
  const sizes = sqrt(add(blended, constant(weight.device, 1e-20)));
  const inputs = (channelAxis === 2 ? weight.shape.slice(0, 3) : weight.shape.slice(0, 1)).reduce((a, b) => a * b, 1);
  const factor = inputs / config.inputs;
  return add(scaled(sumAbs(weight), (factor * config.l1) / weight.size), scaled(mean(sizes), factor * config.group));
}

/** A dense weight `[in, height * width * channels]` or `[height * width * channels, out]` seen as the map it is. */
export function asMap(weight: Tensor, shape: readonly number[]): Tensor {
  return reshape(weight, { shape });
}
