/** Learning-rate schedules: functions from the epoch (from 0, fractions allowed) to the rate, for `optimizer.lr = schedule(epoch)`. */
import { ShapeError } from "../kernels/errors.js";

/** The learning rate by epoch. */
export type Schedule = (epoch: number) => number;

/**
 * `lr * factor^floor(epoch / every)`.
 *
 * @throws {ShapeError} unless `every` is above 0.
 */
export function stepDecay({ lr, factor, every }: { lr: number; factor: number; every: number }): Schedule {
  checkLength("stepDecay", "every", every);
  return (epoch) => lr * factor ** Math.floor(epoch / every);
}

/**
 * The rate of the last piece that has begun.
 *
 * @param pieces - `[first epoch, rate]`, by rising epoch, the first at 0.
 * @throws {ShapeError} when they are not.
 *
 * @example
 * const schedule = piecewiseConstant([[0, 0.1], [21, 0.01], [36, 1e-3]]);
 */
export function piecewiseConstant(pieces: readonly (readonly [from: number, lr: number])[]): Schedule {
  const rising = pieces.every(([from], i) =>
    i === 0 ? from === 0 : from > (pieces[i - 1] as readonly [number, number])[0],
  );
  const first = pieces[0];
  if (!first || !rising) {
    throw new ShapeError(
      `piecewiseConstant: pieces must start at epoch 0 and rise, got epochs ${pieces.map(([from]) => from).join(", ") || "none"}`,
    );
  }
  return (epoch) => (pieces.findLast(([from]) => from <= epoch) ?? first)[1];
}

/**
 * Half a cosine from `lr` at epoch 0 to `final` (default 0) at `epochs`, and `final` after it.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 * @see Loshchilov & Hutter 2017.
 */
export function cosine({ lr, epochs, final = 0 }: { lr: number; epochs: number; final?: number }): Schedule {
  checkLength("cosine", "epochs", epochs);
  return (epoch) => final + ((lr - final) / 2) * (1 + Math.cos(Math.PI * Math.min(epoch / epochs, 1)));
}

/**
 * Rises in a straight line from `from` (default 0) times the schedule's own rate to all of it, over `epochs`.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 */
export function warmUp(schedule: Schedule, { epochs, from = 0 }: { epochs: number; from?: number }): Schedule {
  checkLength("warmUp", "epochs", epochs);
  return (epoch) => schedule(epoch) * (from + (1 - from) * Math.min(epoch / epochs, 1));
}

function checkLength(op: string, name: string, value: number): void {
  if (!(value > 0)) throw new ShapeError(`${op}: ${name} must be above 0, got ${value}`);
}
