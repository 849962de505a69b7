/** What all optimizers share: the parameters, their step counts, the numbers that change from step to step, and saving. */
import type { Device } from "../kernels/device.js";
import { DeviceError, DTypeError, ShapeError } from "../kernels/errors.js";
import type { KernelSource } from "../kernels/kernel.js";
import { optimizerUpdate } from "../tensor/ops/optimizer-update.js";
import { checkKind, completeOptions, type Kinds, show } from "../tensor/options.js";
import { formatShape, type Shape, sameShape } from "../tensor/shape.js";
import { empty, full, Tensor } from "../tensor/tensor.js";
import { type GroupOptions, groupsOf, type ParameterGroup } from "./parameter-group.js";
import { checkState, type StateEntry } from "./state.js";

/** Options that every optimizer has. */
export interface UpdateRuleOptions {
  readonly lr: number;
}

/** What makes one optimizer: its checks, its state and the numbers its kernel reads. `O`: all its options, none left out. */
export interface UpdateRule<O extends UpdateRuleOptions> {
  /** For error texts. */
  readonly name: string;
  readonly kernel: KernelSource;
  /** What each option may be. */
  readonly kinds: Kinds<O>;
  /** @throws {ShapeError} when an option is out of range. */
  check(options: O): void;
  /** Names of the state tensors a parameter has, as the kernel calls them. */
  slots(options: O): readonly string[];
  /** The kernel's `Scalars` in a parameter's step `t`, counted from 1: always as many. */
  scalars(options: O, t: number): readonly number[];
  /** The kernel's constants. */
  constants?(options: O): Readonly<Record<string, number>>;
}

/** Tensors to train, all with the same options or in groups with options of their own. */
export type Parameters<O> = readonly Tensor[] | readonly GroupOptions<O>[];

/** A parameter, where its numbers stand and whose options it has. */
interface Entry<O extends UpdateRuleOptions> {
  readonly parameter: Tensor;
  readonly index: number;
  readonly group: ParameterGroup<O>;
}

/**
 * Base of the optimizers. State tensors are made in a parameter's first step, outside all scopes. What may change from step to
 * step (learning rate, bias correction, every other option) goes into a small table on the GPU, written once a step for all
 * parameters.
 */
export abstract class Optimizer<O extends UpdateRuleOptions = UpdateRuleOptions> {
  readonly device: Device;
  /** Groups in the order given; one where plain tensors were given. */
  readonly groups: readonly ParameterGroup<O>[];
  /** Of all groups, in the order given; state entries are numbered by it. */
  readonly parameters: readonly Tensor[];
  readonly #rule: UpdateRule<O>;
  readonly #entries: readonly Entry<O>[];
  readonly #steps: Int32Array;
  readonly #table: Tensor;
  readonly #savedSteps: Tensor;
  readonly #state = new Map<string, Tensor>();

  /**
   * @param parameters - Tensors, or groups of them: `[{ parameters, lr: 1e-4 }, { parameters: others }]`.
   * @param options - What a group does not say otherwise.
   * @param defaults - Of the options that may be left out.
   * @throws {ShapeError} when an option is unknown, missing or out of range, or there is no parameter.
   */
  constructor(rule: UpdateRule<O>, parameters: Parameters<O>, options: Partial<O>, defaults: Partial<O> = {}) {
    this.#rule = rule;
    this.groups = groupsOf(rule, parameters, completeOptions<O>(rule.name, options, defaults, rule.kinds));
    const owned = this.groups.flatMap((group) => group.parameters.map((parameter) => ({ parameter, group })));
    this.#entries = owned.map((entry, index) => ({ ...entry, index }));
    this.parameters = owned.map(({ parameter }) => parameter);
    this.device = checkParameters(rule.name, this.parameters);
    this.device.recorder.refuse(
      rule.name,
      "made in a captured function, it would start anew in its first call only; make it outside",
    );
    this.#steps = new Int32Array(owned.length);
    const { device } = this;
    const first = this.groups[0] as ParameterGroup<O>;
    this.#table = device.unscoped(() => full(device, [owned.length, rule.scalars(first.options, 1).length], 0));
    this.#savedSteps = device.unscoped(() => full(device, [owned.length], 0, { dtype: "i32" }));
  }

  /** The learning rate of the next step: that of the first group. */
  get lr(): number {
    return (this.groups[0] as ParameterGroup<O>).lr;
  }

  /** Sets it for all groups. @throws {ShapeError} unless it is a finite number >= 0. */
  set lr(value: number) {
    for (const group of this.groups) group.lr = value;
  }

  /**
   * Updates, in place, every parameter that has a gradient; the others, and their step counts, stay as they are.
   *
   * @param gradients - What `backward` returned.
   * @throws {ShapeError} when a gradient's shape is not its parameter's.
   */
  step(gradients: ReadonlyMap<Tensor, Tensor>): void {
    checkKind(`${this.#rule.name}.step`, "gradients", gradients, "map");
    const updates = this.#entries.flatMap((entry) => {
      const gradient = gradients.get(entry.parameter);
      return gradient ? [{ ...entry, gradient }] : [];
    });
    for (const { index, parameter, gradient } of updates) this.#checkUpdate(index, parameter, gradient);
    const { recorder } = this.device;
    if (updates.length > 0)
      recorder.hostWrite(
        this.#table.storage,
        () => this.#advance(updates),
        () => this.#saveSteps(),
      );
    for (const alike of this.#runs(updates)) this.#updateAlike(alike);
  }

  /** The updates in order, each run of one group. */
  #runs<U extends Entry<O>>(updates: readonly U[]): U[][] {
    const runs: U[][] = [];
    for (const update of updates) {
      const last = runs.at(-1);
      if (last?.[0]?.group === update.group) last.push(update);
      else runs.push([update]);
    }
    return runs;
  }

  /** Updates parameters of one group: a few dispatches for all of them. */
  #updateAlike(updates: readonly (Entry<O> & { readonly gradient: Tensor })[]): void {
    const { kernel, constants } = this.#rule;
    const group = updates[0]?.group;
    if (!group) return;
    this.device.recorder.watch(group, "constants", () => JSON.stringify(constants?.(group.options)));
    const tensors = updates.map(({ index: row, parameter, gradient }) => {
      parameter.watch();
      return { parameter, gradient, row, state: this.#stateOf(row, this.#rule.slots(group.options)) };
    });
    optimizerUpdate(tensors, { kernel, scalars: this.#table, constants: constants?.(group.options) ?? {} });
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
    checkKind(`${this.#rule.name}.loadStateDict`, "entries", entries, "map");
    const steps = Array.from(entries.get("steps")?.values ?? []);
    const wanted = new Map<string, Shape>([["steps", [this.parameters.length]]]);
    const updated = this.#entries.filter(({ index }) => (steps[index] ?? 0) > 0);
    for (const { parameter, index, group } of updated)
      for (const slot of this.#rule.slots(group.options)) wanted.set(`${index}.${slot}`, parameter.shape);
    checkState(`${this.#rule.name}.loadStateDict`, wanted, entries);
    const odd = steps.find((step) => !Number.isInteger(step) || step < 0);
    if (odd !== undefined)
      throw new ShapeError(`${this.#rule.name}.loadStateDict: steps must be whole numbers >= 0, got ${show(odd)}`);
    this.#steps.set(steps);
    this.#freeState();
    for (const { index, group } of updated) {
      for (const [slot, tensor] of Object.entries(this.#stateOf(index, this.#rule.slots(group.options))))
        tensor.write((entries.get(`${index}.${slot}`) as StateEntry).values);
    }
  }

  /** Frees the state; the parameters stay. */
  dispose(): void {
    this.#freeState();
    this.#table.dispose();
    this.#savedSteps.dispose();
  }

  #checkUpdate(index: number, parameter: Tensor, gradient: Tensor): void {
    const { name } = this.#rule;
    if (!(gradient instanceof Tensor))
      throw new DTypeError(`${name}: a gradient must be a tensor, got ${show(gradient)} for parameter ${index}`);
    if (!sameShape(parameter.shape, gradient.shape)) {
      throw new ShapeError(
        `${name}: a gradient must have its parameter's shape, got ${formatShape(gradient.shape)} for parameter ${index} ${formatShape(parameter.shape)}`,
      );
    }
    if (gradient.dtype !== "f32")
      throw new DTypeError(`${name}: a gradient must be f32, got ${gradient.dtype} for parameter ${index}`);
    if (gradient.device !== this.device)
      throw new DeviceError(`${name}: the gradient of parameter ${index} lives on another device than the parameters`);
    // Reading the storage throws when the tensor was freed: before anything is changed.
    void parameter.storage;
    void gradient.storage;
  }

  #saveSteps(): () => void {
    const steps = this.#steps.slice();
    return () => this.#steps.set(steps);
  }

  /** Counts the step of these parameters and writes their numbers: the part of a step that is not recorded on the GPU. */
  #advance(entries: readonly Entry<O>[]): void {
    const width = this.#table.shape[1] as number;
    const rows = new Float32Array(width * this.parameters.length);
    for (const { index, group } of entries) {
      const t = (this.#steps[index] as number) + 1;
      this.#steps[index] = t;
      rows.set(this.#rule.scalars(group.options, t), width * index);
    }
    this.#table.write(rows);
  }

  /** The state tensors of a parameter. New ones are not filled: the kernels ignore their content in the first step. */
  #stateOf(index: number, slots: readonly string[]): Record<string, Tensor> {
    const { shape } = this.parameters[index] as Tensor;
    const entries = slots.map((slot) => {
      const name = `${index}.${slot}`;
      const known = this.#state.get(name);
      const label = `${this.#rule.name}/${slot}`;
      const tensor = known ?? this.device.unscoped(() => empty(this.device, shape, "f32", label));
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

/** The device of the parameters. @throws {ShapeError} when there is none, or one is given twice. */
function checkParameters(op: string, parameters: readonly Tensor[]): Device {
  if (parameters.length === 0) throw new ShapeError(`${op}: needs at least one parameter`);
  if (new Set(parameters).size !== parameters.length) throw new ShapeError(`${op}: a parameter is given twice`);
  const device = parameters[0]?.device as Device;
  parameters.forEach((parameter, i) => {
    if (!(parameter instanceof Tensor))
      throw new DTypeError(`${op}: parameter ${i} must be a tensor, got ${show(parameter)}`);
    // Reading the storage throws when it was freed.
    void parameter.storage;
    if (parameter.dtype !== "f32") throw new DTypeError(`${op}: parameter ${i} must be f32, got ${parameter.dtype}`);
    if (parameter.device !== device)
      throw new DeviceError(`${op}: parameter ${i} lives on another device than parameter 0`);
  });
  return device;
}
