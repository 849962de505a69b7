/** Modules: named parameters and buffers, found in the fields of a class. */
import type { Device } from "../kernels/device.js";
import { DTypeError } from "../kernels/errors.js";
import { watchState } from "../kernels/recorder.js";
import type { Storage } from "../kernels/storage.js";
import { checkInputs } from "../tensor/define-op.js";
import type { Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { checkState, type StateEntry } from "./state.js";

/** A tensor that is trained: it wants gradients, and lives outside all scopes until it is disposed. */
export class Parameter extends Tensor {
  override requiresGrad = true;

  /**
   * Takes over the memory of `source`, which is disposed.
   *
   * @throws {DTypeError} unless it is f32.
   */
  static from(source: Tensor): Parameter {
    checkInputs("Parameter", ["source"], [source], "any");
    if (source.dtype !== "f32") throw new DTypeError(`Parameter: must be f32, got ${source.dtype}`);
    return adoptMemory(source, (device, shape, storage) => new Parameter(device, shape, "f32", storage));
  }
}

/** Takes a buffer (running statistics) out of all scopes. It takes over the memory of `source`, which is disposed. */
export function moduleBuffer(source: Tensor): Tensor {
  return adoptMemory(source, (device, shape, storage) => new Tensor(device, shape, source.dtype, storage));
}

function adoptMemory<T extends Tensor>(source: Tensor, make: (device: Device, shape: Shape, storage: Storage) => T): T {
  const { device, shape, storage } = source;
  storage.retain();
  const result = device.unscoped(() => make(device, shape, storage));
  source.dispose();
  return result;
}

/** A module with one input and one output, as `Sequential` chains them. */
export type Layer = Module & { forward(x: Tensor): Tensor };

/** A function of one tensor without parameters, e.g. `relu`. */
export type Activation = (x: Tensor) => Tensor;

/** Every tensor of a module and of those in it, once each, by its first name. */
function* tensorsOf(module: Module, prefix: string, seen: Set<unknown>): Generator<[string, Tensor]> {
  seen.add(module);
  for (const [field, value] of Object.entries(module)) {
    const members: [string, unknown][] = Array.isArray(value)
      ? value.map((item, i) => [`${prefix}${field}.${i}`, item])
      : [[prefix + field, value]];
    for (const [name, member] of members) {
      if (seen.has(member)) continue;
      if (member instanceof Module) yield* tensorsOf(member, `${name}.`, seen);
      else if (member instanceof Tensor) {
        seen.add(member);
        yield [name, member];
      }
    }
  }
}

/** Every module in a module, itself first. */
function modulesOf(module: Module, found = new Set<Module>()): Set<Module> {
  found.add(module);
  for (const value of Object.values(module).flat()) {
    if (value instanceof Module && !found.has(value)) modulesOf(value, found);
  }
  return found;
}

/**
 * A part of a network. Its fields are its structure: a `Parameter` is trained, any other `Tensor` is a buffer that is saved
 * but not trained, a `Module` or an array of modules is a part of it. Private (`#`) fields are not seen.
 *
 * @example
 * class Net extends Module {
 *   readonly hidden: Linear;
 *   constructor(rng: Rng) { super(); this.hidden = new Linear(rng, { inFeatures: 4, outFeatures: 2 }); }
 *   forward(x: Tensor) { return relu(this.hidden.forward(x)); }
 * }
 */
export abstract class Module {
  #training = true;

  /** True in training (the default), false in evaluation: decides what dropout and batch normalisation do. */
  get training(): boolean {
    watchState(this, "training", () => this.#training);
    return this.#training;
  }

  set training(value: boolean) {
    this.#training = value;
  }

  /** Parameters with their names, e.g. `blocks.0.weight`, in the order of the fields. A shared one is named once. */
  namedParameters(): [name: string, parameter: Parameter][] {
    return [...this.stateDict()].filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }

  /** The parameters, for an optimizer. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Tensors that are saved but not trained. */
  namedBuffers(): [name: string, buffer: Tensor][] {
    return [...this.stateDict()].filter(([, tensor]) => !(tensor instanceof Parameter));
  }

  /** Puts this and all its parts into training mode. */
  train(): this {
    for (const module of modulesOf(this)) module.training = true;
    return this;
  }

  /** Puts this and all its parts into evaluation mode: no dropout, running statistics. */
  eval(): this {
    for (const module of modulesOf(this)) module.training = false;
    return this;
  }

  /** Parameters stay as they are: `backward` computes no gradient for them. The mode does not change. */
  freeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = false;
    return this;
  }

  /** Undoes `freeze`. */
  unfreeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = true;
    return this;
  }

  /** Parameters and buffers by name: the tensors themselves, not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map(tensorsOf(this, "", new Set()));
  }

  /**
   * Overwrites parameters and buffers in place.
   *
   * @param entries - Exactly the names of `stateDict()`, e.g. from `readState` or a file.
   * @throws {ShapeError} naming every entry that is missing, unexpected or of another shape; nothing is changed then.
   */
  loadStateDict(entries: ReadonlyMap<string, StateEntry>): void {
    const state = this.stateDict();
    checkState("loadStateDict", new Map([...state].map(([name, { shape }]) => [name, shape])), entries);
    for (const [name, tensor] of state) tensor.write((entries.get(name) as StateEntry).values);
  }

  /** Frees parameters and buffers. */
  dispose(): void {
    for (const tensor of this.stateDict().values()) tensor.dispose();
  }
}
