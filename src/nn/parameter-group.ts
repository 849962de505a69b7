/** Parameters that share an optimizer's options, which may change between steps. */
import { ShapeError } from "../kernels/errors.js";
import { checkKind, completeOptions, readOptions } from "../tensor/options.js";
import { Tensor } from "../tensor/tensor.js";
import type { Parameters, UpdateRule, UpdateRuleOptions } from "./optimizer.js";

/** A group as it is given to an optimizer: tensors, and the options in which they differ from the others. */
export type GroupOptions<O> = Partial<O> & { readonly parameters: readonly Tensor[] };

/** Checks a number an optimizer is given. @throws {ShapeError} unless it is finite and lies in [0, below). */
export function checkRange(op: string, name: string, value: number, below = Number.POSITIVE_INFINITY): void {
  if (value >= 0 && value < below) return;
  const rule = below === Number.POSITIVE_INFINITY ? "be a finite number >= 0" : `lie in [0, ${below})`;
  throw new ShapeError(`${op}: ${name} must ${rule}, got ${value}`);
}

/** Parameters of an optimizer that share its options. Read by `optimizer.groups`. */
export class ParameterGroup<O extends UpdateRuleOptions = UpdateRuleOptions> {
  readonly parameters: readonly Tensor[];
  readonly #rule: UpdateRule<O>;
  #options: O;

  constructor(rule: UpdateRule<O>, parameters: readonly Tensor[], options: O) {
    checkOptions(rule, options);
    this.parameters = [...parameters];
    this.#rule = rule;
    this.#options = options;
  }

  /** What counts from the next step on. */
  get options(): Readonly<O> {
    return this.#options;
  }

  /** The learning rate of the next step. */
  get lr(): number {
    return this.#options.lr;
  }

  /** @throws {ShapeError} unless it is a finite number >= 0. */
  set lr(value: number) {
    this.#change({ ...this.#options, lr: value });
  }

  /**
   * Changes options between steps, e.g. the momentum of a one-cycle schedule.
   *
   * @throws {ShapeError} when one is out of range, or would add or drop state (momentum to or from 0, `amsgrad`); nothing is
   *   changed then.
   */
  set(changes: Partial<O>): void {
    this.#change(completeOptions<O>(this.#rule.name, changes, this.#options, this.#rule.kinds));
  }

  #change(options: O): void {
    checkOptions(this.#rule, options);
    this.parameters[0]?.device.recorder.refuse(
      `${this.#rule.name}.lr`,
      "set in a captured function, it would be set in its first call only; set it before the call",
    );
    const [before, after] = [this.#rule.slots(this.#options), this.#rule.slots(options)];
    if (before.join() !== after.join()) {
      throw new ShapeError(
        `${this.#rule.name}: a change of options must keep the state, got ${after.join(", ") || "none"} in place of ${before.join(", ") || "none"}; make a new optimizer`,
      );
    }
    this.#options = options;
  }
}

function checkOptions<O extends UpdateRuleOptions>(rule: UpdateRule<O>, options: O): void {
  readOptions<O>(rule.name, options, rule.kinds);
  checkRange(rule.name, "lr", options.lr);
  rule.check(options);
}

/** The groups of an optimizer, each with all options. */
export function groupsOf<O extends UpdateRuleOptions>(
  rule: UpdateRule<O>,
  given: Parameters<O>,
  options: O,
): ParameterGroup<O>[] {
  const isGroup = (item: Tensor | GroupOptions<O>): item is GroupOptions<O> =>
    !(item instanceof Tensor) && Array.isArray(item?.parameters);
  checkKind(rule.name, "parameters", given, "list");
  const list: readonly (Tensor | GroupOptions<O>)[] = Array.from(given as ArrayLike<Tensor | GroupOptions<O>>);
  const groups = list.filter(isGroup);
  if (groups.length === 0) return [new ParameterGroup(rule, list as readonly Tensor[], options)];
  if (groups.length < list.length)
    throw new ShapeError(
      `${rule.name}: give tensors or groups, got ${list.length - groups.length} and ${groups.length}`,
    );
  return groups.map(
    ({ parameters, ...own }) =>
      new ParameterGroup(
        rule,
        parameters,
        completeOptions(rule.name, own as unknown as Partial<O>, options, rule.kinds),
      ),
  );
}
