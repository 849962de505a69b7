/** What all optimizers share: the parameters, their step counts, the numbers that change from step to step, and saving. */
import type { Device } from "../kernels/device.js";
import { ShapeError } from "../kernels/errors.js";
import { formatShape, type Shape, sameShape } from "../tensor/shape.js";
import { empty, full, type Tensor } from "../tensor/tensor.js";
import { checkState, type StateEntry } from "./state.js";

/** Numbers of a parameter's row in the table that the update kernels read. */
export type ScalarRow = readonly [number, number, number, number];

/** Checks a number an optimizer is given. @throws {ShapeError} unless it is finite and lies in [0, below). */
export function checkRange(op: string, name: string, value: number, below = Number.POSITIVE_INFINITY): void {
  if (value >= 0 && value < below) return;
  const rule = below === Number.POSITIVE_INFINITY ? "be a finite number >= 0" : `lie in [0, ${below})`;
  throw new ShapeError(`${op}: ${name} must ${rule}, got ${value}`);
}

/**
 * Base of the optimizers. State tensors are made in a parameter's first step, outside all scopes. What changes from step to
 * step (learning rate, bias correction) goes into a small table on the GPU, written once a step for all parameters.
 */
export abstract class Optimizer {
  readonly device: Device;
  /** In the order given; state entries are numbered by it. */
  readonly parameters: readonly Tensor[];
  /** Name for error texts. */
  protected readonly op: string;
  /** Names of the state tensors a parameter has. */
  protected readonly slots: readonly string[];
  #lr: number;
  readonly #steps: Int32Array;
  readonly #table: Tensor;
  readonly #savedSteps: Tensor;
  readonly #state = new Map<string, Tensor>();

  constructor(op: string, parameters: readonly Tensor[], lr: number, slots: readonly string[]) {
    const device = parameters[0]?.device;
    if (!device) throw new ShapeError(`${op}: needs at least one parameter`);
    if (new Set(parameters).size !== parameters.length) throw new ShapeError(`${op}: a parameter is given twice`);
    checkRange(op, "lr", lr);
    device.recorder.refuse(
      op,
      "made in a captured function, it would start anew in its first call only; make it outside",
    );
    this.op = op;
    this.device = device;
    this.parameters = [...parameters];
    this.slots = slots;
    this.#lr = lr;
    this.#steps = new Int32Array(parameters.length);
    this.#table = device.unscoped(() => full(device, [parameters.length, 4], 0));
    this.#savedSteps = device.unscoped(() => full(device, [parameters.length], 0, { dtype: "i32" }));
  }

  /** The learning rate of the next step. */
  get lr(): number {
    return this.#lr;
  }

  /** @throws {ShapeError} unless it is a finite number >= 0. */
  set lr(value: number) {
    checkRange(this.op, "lr", value);
    this.device.recorder.refuse(
      `${this.op}.lr`,
      "set in a captured function, it would be set in its first call only; set it before the call",
    );
    this.#lr = value;
  }

  /**
   * Updates, in place, every parameter that has a gradient; the others, and their step counts, stay as they are.
   *
   * @param gradients - What `backward` returned.
   * @throws {ShapeError} when a gradient's shape is not its parameter's.
   */
  step(gradients: ReadonlyMap<Tensor, Tensor>): void {
    const updates = this.parameters.flatMap((parameter, index) => {
      const gradient = gradients.get(parameter);
      return gradient ? [{ index, parameter, gradient }] : [];
    });
    for (const { index, parameter, gradient } of updates) {
      if (sameShape(parameter.shape, gradient.shape)) continue;
      throw new ShapeError(
        `${this.op}: a gradient must have its parameter's shape, got ${formatShape(gradient.shape)} for parameter ${index} ${formatShape(parameter.shape)}`,
      );
    }
    const indices = updates.map(({ index }) => index);
    if (indices.length > 0) this.device.recorder.hostWrite(this.#table.storage, () => this.#advance(indices));
    for (const { index, parameter, gradient } of updates) {
      parameter.watch();
      this.update(parameter, gradient, { row: index, scalars: this.#table, state: this.#stateOf(index) });
    }
  }

  /**
   * The state by name: `steps`, and `<parameter>.<slot>` for parameters that have been updated. The tensors themselves, not
   * copies.
   */
  stateDict(): Map<string, Tensor> {
    this.#savedSteps.write(this.#steps);
    return new Map([["steps", this.#savedSteps], ...this.#state]);
  }

  /**
   * Puts a saved state back. The learning rate is not part of it: it comes from a schedule.
   *
   * @throws {ShapeError} naming every entry that is missing, unexpected or of another shape; nothing is changed then.
   */
  loadStateDict(entries: ReadonlyMap<string, StateEntry>): void {
    const steps = Array.from(entries.get("steps")?.values ?? []);
    const wanted = new Map<string, Shape>([["steps", [this.parameters.length]]]);
    this.parameters.forEach(({ shape }, i) => {
      if ((steps[i] ?? 0) > 0) for (const slot of this.slots) wanted.set(`${i}.${slot}`, shape);
    });
    checkState(`${this.op}.loadStateDict`, wanted, entries);
    this.#steps.set(steps);
    this.#freeState();
    this.parameters.forEach((_, i) => {
      if ((steps[i] as number) === 0) return;
      for (const [slot, tensor] of Object.entries(this.#stateOf(i)))
        tensor.write((entries.get(`${i}.${slot}`) as StateEntry).values);
    });
  }

  /** Frees the state; the parameters stay. */
  dispose(): void {
    this.#freeState();
    this.#table.dispose();
    this.#savedSteps.dispose();
  }

  /** The numbers of a parameter's step `t`, counted from 1. */
  protected abstract scalars(t: number): ScalarRow;

  /** Records the update of one parameter. */
  protected abstract update(
    parameter: Tensor,
    gradient: Tensor,
    context: { readonly row: number; readonly scalars: Tensor; readonly state: Readonly<Record<string, Tensor>> },
  ): void;

  /** Counts the step of these parameters and writes their numbers: the part of a step that is not recorded on the GPU. */
  #advance(indices: readonly number[]): void {
    const rows = new Float32Array(4 * this.parameters.length);
    for (const i of indices) {
      const t = (this.#steps[i] as number) + 1;
      this.#steps[i] = t;
      rows.set(this.scalars(t), 4 * i);
    }
    this.#table.write(rows);
  }

  /** The state tensors of a parameter. New ones are not filled: the kernels ignore their content in the first step. */
  #stateOf(index: number): Record<string, Tensor> {
    const { shape } = this.parameters[index] as Tensor;
    const entries = this.slots.map((slot) => {
      const name = `${index}.${slot}`;
      const known = this.#state.get(name);
      const tensor = known ?? this.device.unscoped(() => empty(this.device, shape, "f32", `${this.op}/${slot}`));
      this.#state.set(name, tensor);
      this.device.recorder.watch(this, name, () => this.#state.get(name));
      return [slot, tensor] as const;
    });
    return Object.fromEntries(entries);
  }

  #freeState(): void {
    for (const tensor of this.#state.values()) tensor.dispose();
    this.#state.clear();
  }
}
