/**
 * Learning-rate schedules: functions from the epoch or step (from 0, fractions allowed) to the rate, for
 * `optimizer.lr = schedule(epoch)`. Any function of one's own is one. Without `lr` they give factors, as `LrScheduler` takes them.
 */
import { ShapeError } from "../kernels/errors.js";

/** The learning rate by epoch or step. */
export type Schedule = (epoch: number) => number;

/**
 * `lr * factor^floor(epoch / every)`. `lr` defaults to 1.
 *
 * @throws {ShapeError} unless `every` is above 0.
 * @see torch.optim.lr_scheduler.StepLR.
 */
export function stepDecay({ lr = 1, factor, every }: { lr?: number; factor: number; every: number }): Schedule {
  checkLength("stepDecay", "every", every);
  return (epoch) => lr * factor ** Math.floor(epoch / every);
}

/**
 * `lr * factor^(milestones that have been reached)`. Defaults: `lr` 1, `factor` 0.1.
 *
 * @throws {ShapeError} unless the milestones rise; two equal ones count twice.
 * @see torch.optim.lr_scheduler.MultiStepLR.
 */
export function multiStep(options: { lr?: number; factor?: number; milestones: readonly number[] }): Schedule {
  const { lr = 1, factor = 0.1, milestones } = options;
  if (milestones.some((at, i) => !(i === 0 || at >= (milestones[i - 1] as number)))) {
    throw new ShapeError(`multiStep: milestones must rise, got ${milestones.join(", ")}`);
  }
  return (epoch) => lr * factor ** milestones.filter((at) => at <= epoch).length;
}

/** `lr * factor^epoch`. `lr` defaults to 1. @see torch.optim.lr_scheduler.ExponentialLR. */
export function exponential({ lr = 1, factor }: { lr?: number; factor: number }): Schedule {
  return (epoch) => lr * factor ** epoch;
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
  checkPieces("piecewiseConstant", pieces);
  return (epoch) => pieceAt(pieces, epoch)[1];
}

/**
 * Half a cosine from `lr` at epoch 0 to `final` at `epochs`, and `final` after it. Defaults: `lr` 1, `final` 0.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 * @see Loshchilov & Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingLR, which rises again after `epochs`.
 */
export function cosine({ lr = 1, epochs, final = 0 }: { lr?: number; epochs: number; final?: number }): Schedule {
  checkLength("cosine", "epochs", epochs);
  return (epoch) => halfCosine(lr, final, Math.min(epoch / epochs, 1));
}

/**
 * Half cosines from `lr` to `final`, one after the other: the first over `epochs`, each later one `growth` times as long as the
 * one before. Defaults: `lr` 1, `final` 0, `growth` 1.
 *
 * @throws {ShapeError} unless `epochs` is above 0 and `growth` at least 1.
 * @see Loshchilov & Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.
 */
export function cosineRestarts(options: { lr?: number; epochs: number; growth?: number; final?: number }): Schedule {
  const { lr = 1, epochs, growth = 1, final = 0 } = options;
  checkLength("cosineRestarts", "epochs", epochs);
  if (!(growth >= 1)) throw new ShapeError(`cosineRestarts: growth must be at least 1, got ${growth}`);
  return (epoch) => {
    let start = 0;
    let length = epochs;
    if (growth === 1) start = Math.floor(epoch / epochs) * epochs;
    else for (; epoch >= start + length; length *= growth) start += length;
    return halfCosine(lr, final, (epoch - start) / length);
  };
}

/**
 * A straight line from `from * lr` at epoch 0 to `to * lr` at `epochs`, and that after it. Defaults: `lr` 1, `from` 1/3, `to` 1.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 * @see torch.optim.lr_scheduler.LinearLR; ConstantLR is `piecewiseConstant`.
 */
export function linearRamp(options: { lr?: number; epochs: number; from?: number; to?: number }): Schedule {
  const { lr = 1, epochs, from = 1 / 3, to = 1 } = options;
  checkLength("linearRamp", "epochs", epochs);
  return (epoch) => lr * (from + (to - from) * Math.min(epoch / epochs, 1));
}

/**
 * `lr (1 - epoch / epochs)^power`, and 0 after `epochs`. Defaults: `lr` 1, `power` 1.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 * @see torch.optim.lr_scheduler.PolynomialLR.
 */
export function polynomial({ lr = 1, epochs, power = 1 }: { lr?: number; epochs: number; power?: number }): Schedule {
  checkLength("polynomial", "epochs", epochs);
  return (epoch) => lr * (1 - Math.min(epoch / epochs, 1)) ** power;
}

/** Options of `oneCycle` and `oneCycleMomentum`. */
export interface OneCycleOptions {
  /** Steps of the whole cycle; the last is number `steps - 1`. */
  readonly steps: number;
  /** Share of the steps that the rise takes. Default 0.3. */
  readonly rise?: number;
  /** How the rate moves between its corners. Default `"cosine"`. */
  readonly shape?: "cosine" | "linear";
  /** Fall back as long as the rise took before the final fall, instead of one fall. Default false. */
  readonly threePhase?: boolean;
}

/**
 * One cycle: from `lr / startDivisor` up to `lr`, and down to `lr / startDivisor / finalDivisor`. Defaults: `lr` 1, 25 and 1e4.
 *
 * @throws {ShapeError} unless `steps` is above 1 and `rise` lies in (0, 1), with `threePhase` in (0, 0.5].
 * @see Smith & Topin 2017; torch.optim.lr_scheduler.OneCycleLR, whose momentum is `oneCycleMomentum`.
 */
export function oneCycle(
  options: OneCycleOptions & { lr?: number; startDivisor?: number; finalDivisor?: number },
): Schedule {
  const { lr = 1, startDivisor = 25, finalDivisor = 1e4 } = options;
  const start = lr / startDivisor;
  return cycle("oneCycle", options, { start, peak: lr, final: start / finalDivisor });
}

/** The momentum that goes with `oneCycle`: low where the rate is high. Defaults: `low` 0.85, `high` 0.95. See `oneCycle`. */
export function oneCycleMomentum(options: OneCycleOptions & { low?: number; high?: number }): Schedule {
  const { low = 0.85, high = 0.95 } = options;
  return cycle("oneCycleMomentum", options, { start: high, peak: low, final: high });
}

function cycle(
  op: string,
  { steps, rise = 0.3, shape = "cosine", threePhase = false }: OneCycleOptions,
  { start, peak, final }: { start: number; peak: number; final: number },
): Schedule {
  if (!(steps > 1)) throw new ShapeError(`${op}: steps must be above 1, got ${steps}`);
  if (!(rise > 0 && rise < 1 && !(threePhase && rise > 0.5)))
    throw new ShapeError(`${op}: rise must lie in ${threePhase ? "(0, 0.5]" : "(0, 1)"}, got ${rise}`);
  const last = steps - 1;
  const top = rise * steps - 1;
  const corners: (readonly [at: number, value: number])[] = [
    [0, start],
    [top, peak],
    ...(threePhase ? ([[2 * rise * steps - 2, start]] as const) : []),
    [last, final],
  ];
  return (step) => {
    const at = Math.min(step, last);
    const end = Math.max(
      1,
      corners.findIndex(([corner]) => at <= corner),
    );
    const [[from, low], [to, high]] = [corners[end - 1], corners[end]] as [[number, number], [number, number]];
    const share = (at - from) / (to - from);
    return shape === "cosine" ? halfCosine(low, high, share) : low + (high - low) * share;
  };
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

/**
 * One schedule after the other, each counting from 0 when it begins.
 *
 * @param pieces - `[first epoch, schedule]`, by rising epoch, the first at 0.
 * @throws {ShapeError} when they are not.
 * @see torch.optim.lr_scheduler.SequentialLR.
 */
export function sequence(pieces: readonly (readonly [from: number, schedule: Schedule])[]): Schedule {
  checkPieces("sequence", pieces);
  return (epoch) => {
    const [from, schedule] = pieceAt(pieces, epoch);
    return schedule(epoch - from);
  };
}

/** The product of schedules: one rate, the others factors. @see torch.optim.lr_scheduler.ChainedScheduler. */
export function chained(...schedules: readonly Schedule[]): Schedule {
  return (epoch) => schedules.reduce((product, schedule) => product * schedule(epoch), 1);
}

function halfCosine(from: number, to: number, share: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
}

function checkLength(op: string, name: string, value: number): void {
  if (!(value > 0)) throw new ShapeError(`${op}: ${name} must be above 0, got ${value}`);
}

function checkPieces(op: string, pieces: readonly (readonly [number, unknown])[]): void {
  const rising = pieces.every(([from], i) =>
    i === 0 ? from === 0 : from > (pieces[i - 1] as readonly [number, unknown])[0],
  );
  if (rising && pieces.length > 0) return;
  throw new ShapeError(
    `${op}: pieces must start at epoch 0 and rise, got epochs ${pieces.map(([from]) => from).join(", ") || "none"}`,
  );
}

function pieceAt<T>(pieces: readonly (readonly [number, T])[], epoch: number): readonly [number, T] {
  return pieces.findLast(([from]) => from <= epoch) ?? (pieces[0] as readonly [number, T]);
}
