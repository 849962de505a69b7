/**
 * Learning-rate schedules: functions from the epoch or step (from 0, fractions allowed) to the rate, for
 * `optimizer.lr = schedule(epoch)`. Any function of one's own is one. Without `lr` they give factors, as `LrScheduler` takes them.
 */
import { ShapeError } from "../kernels/errors.js";
import { checkChoice, checkKind, type Kinds, readOptions, show } from "../tensor/options.js";

/** The learning rate by epoch or step. */
export type Schedule = (epoch: number) => number;

/**
 * `lr * factor^floor(epoch / every)`. `lr` defaults to 1.
 *
 * @throws {ShapeError} unless `every` is above 0.
 * @see torch.optim.lr_scheduler.StepLR.
 */
export function stepDecay(options: { lr?: number; factor: number; every: number }): Schedule {
  const { lr = 1, factor, every } = read("stepDecay", options, { lr: "finite?", factor: "finite", every: "number" });
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
  const kinds = { lr: "finite?", factor: "finite?", milestones: "numbers" } as const;
  const { lr = 1, factor = 0.1, milestones } = read("multiStep", options, kinds);
  if (milestones.some((at, i) => !(i === 0 ? Number.isFinite(at) : at >= (milestones[i - 1] as number)))) {
    throw new ShapeError(`multiStep: milestones must rise, got ${milestones.join(", ")}`);
  }
  return (epoch) => lr * factor ** milestones.filter((at) => at <= epoch).length;
}

/** `lr * factor^epoch`. `lr` defaults to 1. @see torch.optim.lr_scheduler.ExponentialLR. */
export function exponential(options: { lr?: number; factor: number }): Schedule {
  const { lr = 1, factor } = read("exponential", options, { lr: "finite?", factor: "finite" });
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
  checkPieces("piecewiseConstant", pieces, "number");
  return (epoch) => pieceAt(pieces, epoch)[1];
}

/**
 * Half a cosine from `lr` at epoch 0 to `final` at `epochs`, and `final` after it. Defaults: `lr` 1, `final` 0.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 * @see Loshchilov & Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingLR, which rises again after `epochs`.
 */
export function cosine(options: { lr?: number; epochs: number; final?: number }): Schedule {
  const { lr = 1, epochs, final = 0 } = read("cosine", options, { lr: "finite?", epochs: "number", final: "finite?" });
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
  const kinds = { lr: "finite?", epochs: "number", growth: "finite?", final: "finite?" } as const;
  const { lr = 1, epochs, growth = 1, final = 0 } = read("cosineRestarts", options, kinds);
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
  const kinds = { lr: "finite?", epochs: "number", from: "finite?", to: "finite?" } as const;
  const { lr = 1, epochs, from = 1 / 3, to = 1 } = read("linearRamp", options, kinds);
  checkLength("linearRamp", "epochs", epochs);
  return (epoch) => lr * (from + (to - from) * Math.min(epoch / epochs, 1));
}

/**
 * `lr (1 - epoch / epochs)^power`, and 0 after `epochs`. Defaults: `lr` 1, `power` 1.
 *
 * @throws {ShapeError} unless `epochs` is above 0.
 * @see torch.optim.lr_scheduler.PolynomialLR.
 */
export function polynomial(options: { lr?: number; epochs: number; power?: number }): Schedule {
  const kinds = { lr: "finite?", epochs: "number", power: "finite?" } as const;
  const { lr = 1, epochs, power = 1 } = read("polynomial", options, kinds);
  checkLength("polynomial", "epochs", epochs);
  return (epoch) => lr * (1 - Math.min(epoch / epochs, 1)) ** power;
}

/** Options of `oneCycle` and `oneCycleMomentum`, which take the same. */
export interface OneCycleOptions {
  /** Steps of the whole cycle; the last is number `steps - 1`. */
  readonly steps: number;
  /** Share of the steps that the rise takes. Default 0.3. */
  readonly rise?: number;
  /** How the rate moves between its corners. Default `"cosine"`. */
  readonly shape?: "cosine" | "linear";
  /** Fall back as long as the rise took before the final fall, instead of one fall. Default false. */
  readonly threePhase?: boolean;
  /** Highest rate. Default 1. */
  readonly lr?: number;
  /** The first rate is `lr` divided by this. Default 25. */
  readonly startDivisor?: number;
  /** The last rate is the first divided by this. Default 1e4. */
  readonly finalDivisor?: number;
  /** Momentum where the rate is highest. Default 0.85. */
  readonly low?: number;
  /** Momentum at both ends. Default 0.95. */
  readonly high?: number;
}

function readCycle(op: string, options: OneCycleOptions): OneCycleOptions {
  return readOptions<OneCycleOptions>(op, options, {
    steps: "finite",
    rise: "number?",
    shape: "any?",
    threePhase: "boolean?",
    lr: "finite?",
    startDivisor: "finite?",
    finalDivisor: "finite?",
    low: "finite?",
    high: "finite?",
  });
}

/**
 * One cycle: from `lr / startDivisor` up to `lr`, and down to `lr / startDivisor / finalDivisor`. Defaults: `lr` 1, 25 and 1e4.
 *
 * @throws {ShapeError} unless `steps` is above 1 and `rise` lies in (0, 1), with `threePhase` in (0, 0.5].
 * @see Smith & Topin 2017; torch.optim.lr_scheduler.OneCycleLR, whose momentum is `oneCycleMomentum`.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { lr = 1, startDivisor = 25, finalDivisor = 1e4 } = readCycle("oneCycle", options);
  for (const [name, value] of Object.entries({ startDivisor, finalDivisor })) checkLength("oneCycle", name, value);
  const start = lr / startDivisor;
  return cycle("oneCycle", options, { start, peak: lr, final: start / finalDivisor });
}

/** The momentum that goes with `oneCycle`: low where the rate is high. Defaults: `low` 0.85, `high` 0.95. See `oneCycle`. */
export function oneCycleMomentum(options: OneCycleOptions): Schedule {
  const { low = 0.85, high = 0.95 } = readCycle("oneCycleMomentum", options);
  return cycle("oneCycleMomentum", options, { start: high, peak: low, final: high });
}

function cycle(
  op: string,
  { steps, rise = 0.3, shape = "cosine", threePhase = false }: OneCycleOptions,
  { start, peak, final }: { start: number; peak: number; final: number },
): Schedule {
  checkChoice(op, "shape", shape, ["cosine", "linear"]);
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
export function warmUp(schedule: Schedule, options: { epochs: number; from?: number }): Schedule {
  checkKind("warmUp", "schedule", schedule, "function");
  const { epochs, from = 0 } = read("warmUp", options, { epochs: "number", from: "finite?" });
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
  checkPieces("sequence", pieces, "function");
  return (epoch) => {
    const [from, schedule] = pieceAt(pieces, epoch);
    return schedule(epoch - from);
  };
}

/** The product of schedules: one rate, the others factors. @see torch.optim.lr_scheduler.ChainedScheduler. */
export function chained(...schedules: readonly Schedule[]): Schedule {
  for (const schedule of schedules) checkKind("chained", "schedule", schedule, "function");
  return (epoch) => schedules.reduce((product, schedule) => product * schedule(epoch), 1);
}

function read<Options extends object>(op: string, options: Options, kinds: Kinds<Options>): Options {
  return readOptions<Options>(op, options, kinds);
}

function halfCosine(from: number, to: number, share: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
}

function checkLength(op: string, name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new ShapeError(`${op}: ${name} must be above 0, got ${value}`);
}

function checkPieces(op: string, pieces: readonly (readonly [number, unknown])[], second: "number" | "function"): void {
  checkKind(op, "pieces", pieces, "list");
  for (const piece of pieces) {
    const fits = Array.isArray(piece) && typeof piece[0] === "number" && typeof piece[1] === second;
    if (!fits) throw new ShapeError(`${op}: each piece must be [epoch, ${second}], got ${show(piece)}`);
  }
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
