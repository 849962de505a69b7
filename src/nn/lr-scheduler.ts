/** Objects that move an optimizer's learning rates, group by group, and can be saved. */
import { ShapeError } from "../kernels/errors.js";
import { checkChoice, checkKind, completeOptions, readOptions, show } from "../tensor/options.js";
import { Optimizer, type UpdateRuleOptions } from "./optimizer.js";
import type { Schedule } from "./schedules.js";

/** @throws {ShapeError} unless it is an optimizer. */
function checkOptimizer(op: string, optimizer: unknown): Optimizer {
  if (optimizer instanceof Optimizer) return optimizer as Optimizer<UpdateRuleOptions>;
  throw new ShapeError(`${op}: optimizer must be an optimizer, got ${show(optimizer)}`);
}

/** Where a scheduler stands, for checkpoints: plain numbers. */
export interface LrSchedulerState {
  readonly step: number;
  /** Learning rates that the schedule's factors multiply, one a group. */
  readonly base: readonly number[];
}

/**
 * Multiplies each group's own learning rate by a schedule: `lr = (lr at the start) schedule(step)`, from step 0 on.
 *
 * @example
 * const scheduler = new LrScheduler(optimizer, cosine({ epochs: 100 }));
 * for (let epoch = 0; epoch < 100; epoch++) { trainEpoch(); scheduler.step(); }
 */
export class LrScheduler {
  readonly #optimizer: Optimizer;
  readonly #schedules: readonly Schedule[];
  #base: readonly number[];
  #step = 0;

  /**
   * Sets the rates of step 0.
   *
   * @param schedule - Factors by step, for all groups or one schedule a group.
   * @throws {ShapeError} when there are not as many schedules as groups.
   */
  constructor(optimizer: Optimizer<never> | Optimizer, schedule: Schedule | readonly Schedule[]) {
    this.#optimizer = checkOptimizer("LrScheduler", optimizer);
    const { groups } = this.#optimizer;
    if (typeof schedule !== "function") {
      checkKind("LrScheduler", "schedule", schedule, "list");
      for (const own of schedule) checkKind("LrScheduler", "schedule", own, "function");
    }
    this.#schedules = typeof schedule === "function" ? groups.map(() => schedule) : schedule;
    if (this.#schedules.length !== groups.length) {
      throw new ShapeError(
        `LrScheduler: needs a schedule for each group, got ${this.#schedules.length} for ${groups.length}`,
      );
    }
    this.#base = groups.map(({ lr }) => lr);
    this.#apply(0);
  }

  /** Moves on to the next step, or to the one given, and sets the rates. @throws {ShapeError} unless it is a finite number. */
  step(step = this.#step + 1): void {
    checkKind("LrScheduler.step", "step", step, "finite");
    this.#apply(step);
    this.#step = step;
  }

  /** Where it stands. */
  state(): LrSchedulerState {
    return { step: this.#step, base: this.#base };
  }

  /** Puts it back, and sets the rates. @throws {ShapeError} when the state is of another number of groups. */
  restore(state: LrSchedulerState): void {
    const { step, base } = readOptions<LrSchedulerState>("LrScheduler.restore", state, {
      step: "finite",
      base: "numbers",
    });
    if (base.length !== this.#base.length)
      throw new ShapeError(`LrScheduler: the state must have ${this.#base.length} groups, got ${base.length}`);
    this.#base = [...base];
    this.step(step);
  }

  #apply(step: number): void {
    this.#optimizer.groups.forEach((group, i) => {
      group.lr = (this.#base[i] as number) * (this.#schedules[i] as Schedule)(step);
    });
  }
}

/** Options of `ReduceOnPlateau`. */
export interface ReduceOnPlateauOptions {
  /** `"min"`: lower is better. Default `"min"`. */
  readonly mode?: "min" | "max";
  /** Factor of the rates. Default 0.1. */
  readonly factor?: number;
  /** Steps without progress that are let pass; the next one lowers the rates. Default 10. */
  readonly patience?: number;
  /** Relative progress that counts. Default 1e-4. */
  readonly threshold?: number;
  /** Steps after a change in which nothing is counted. Default 0. */
  readonly cooldown?: number;
  /** Rates never fall below it. Default 0. */
  readonly minLr?: number;
}

const plateauKinds = {
  mode: "any",
  factor: "number",
  patience: "count",
  threshold: "finite",
  cooldown: "count",
  minLr: "finite",
} as const;

/** Where a `ReduceOnPlateau` stands, for checkpoints. */
export interface PlateauState {
  /** `null` before the first step. */
  readonly best: number | null;
  readonly badSteps: number;
  readonly cooldown: number;
  readonly lrs: readonly number[];
}

/** Lowers the learning rates when a measure stops improving. @see torch.optim.lr_scheduler.ReduceLROnPlateau, `threshold_mode="rel"`. */
export class ReduceOnPlateau {
  readonly #optimizer: Optimizer;
  readonly #options: Required<ReduceOnPlateauOptions>;
  #best: number | null = null;
  #badSteps = 0;
  #cooldown = 0;

  /** @throws {ShapeError} unless `factor` lies in (0, 1). */
  constructor(optimizer: Optimizer<never> | Optimizer, options: ReduceOnPlateauOptions = {}) {
    const defaults = { mode: "min", factor: 0.1, patience: 10, threshold: 1e-4, cooldown: 0, minLr: 0 } as const;
    this.#optimizer = checkOptimizer("ReduceOnPlateau", optimizer);
    this.#options = completeOptions<Required<ReduceOnPlateauOptions>>(
      "ReduceOnPlateau",
      options,
      defaults,
      plateauKinds,
    );
    const { factor, mode } = this.#options;
    checkChoice("ReduceOnPlateau", "mode", mode, ["min", "max"]);
    if (!(factor > 0 && factor < 1)) throw new ShapeError(`ReduceOnPlateau: factor must lie in (0, 1), got ${factor}`);
  }

  /** Takes in the measure of an epoch, and lowers the rates when it is time. NaN is no progress. */
  step(measure: number): void {
    checkKind("ReduceOnPlateau.step", "measure", measure, "number");
    const { patience, factor, minLr, cooldown } = this.#options;
    if (this.#better(measure)) {
      this.#best = measure;
      this.#badSteps = 0;
    } else this.#badSteps++;
    if (this.#cooldown > 0) {
      this.#cooldown--;
      this.#badSteps = 0;
    }
    if (this.#badSteps <= patience) return;
    for (const group of this.#optimizer.groups) {
      const lower = Math.max(group.lr * factor, minLr);
      // A change that rounding would make is none.
      if (group.lr - lower > 1e-8) group.lr = lower;
    }
    this.#cooldown = cooldown;
    this.#badSteps = 0;
  }

  /** Where it stands. */
  state(): PlateauState {
    const lrs = this.#optimizer.groups.map(({ lr }) => lr);
    return { best: this.#best, badSteps: this.#badSteps, cooldown: this.#cooldown, lrs };
  }

  /** Puts it and the rates back. */
  restore(state: PlateauState): void {
    const kinds = { best: "any", badSteps: "count", cooldown: "count", lrs: "numbers" } as const;
    const { best, badSteps, cooldown, lrs } = readOptions<PlateauState>("ReduceOnPlateau.restore", state, kinds);
    if (best !== null) checkKind("ReduceOnPlateau.restore", "best", best, "number");
    this.#best = best;
    this.#badSteps = badSteps;
    this.#cooldown = cooldown;
    this.#optimizer.groups.forEach((group, i) => {
      group.lr = lrs[i] ?? group.lr;
    });
  }

  #better(measure: number): boolean {
    const { mode, threshold } = this.#options;
    if (this.#best === null) return !Number.isNaN(measure);
    return mode === "min" ? measure < this.#best * (1 - threshold) : measure > this.#best * (1 + threshold);
  }
}
