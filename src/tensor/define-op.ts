/** How an op is declared: checks, forward, what is saved and the gradients, in one object. */
import type { Device } from "../kernels/device.js";
import { DTypeError, GradError, ShapeError } from "../kernels/errors.js";
import { widen } from "../kernels/half.js";
import { allHalves, isHalf, lazilyWide, wideRun } from "./halves.js";
import { isFloat } from "./host-values.js";
import { checkKind, type Kinds, readOptions, show } from "./options.js";
import type { Shape } from "./shape.js";
import { type DType, empty, type GraphNode, Tensor } from "./tensor.js";

/** An input's name; a trailing `?` marks one that may be `null`. */
type InputName<N extends string> = N extends `${infer Bare}?` ? Bare : N;
type InputTensor<N extends string> = N extends `${string}?` ? Tensor | null : Tensor;
/** The tensors of an op's inputs, in order. */
export type Inputs<Names extends readonly string[]> = { readonly [K in keyof Names]: InputTensor<Names[K]> };
type Arguments<Names extends readonly string[], Options> = object extends Options
  ? [...inputs: Inputs<Names>, options?: Options]
  : [...inputs: Inputs<Names>, options: Options];

/** What the checks of an op find out: the output's shape, its element type and whatever else forward needs. */
export interface Plan {
  readonly shape: Shape;
  /** Default `"f32"`. */
  readonly dtype?: DType;
}

/** The gradient with respect to one input, from what forward saved; `null`: not differentiable; `"zero"`: zero everywhere. */
type Gradient<Saved> = ((saved: Saved, gradOutput: Tensor) => Tensor) | "zero" | null;

/** Element types that an input may have: one, f16 wherever f32; or `"any"`, for ops that only move elements. */
export type InputType = DType | "any";

/** The declaration of an op. */
export interface OpDefinition<Names extends readonly string[], Options extends object, P extends Plan, Saved> {
  readonly name: string;
  readonly inputs: Names;
  /** Input element types that differ from f32, by input name. */
  readonly dtypes?: { readonly [N in InputName<Names[number]>]?: InputType };
  /**
   * Inputs that decide whether an output that would be f32 is f16: it is where each of these is. Default: all. `forward` and the
   * gradients see f32 copies of what is f16, which are freed at once; with `"stored"`, or in an op that has a `view`, the f16
   * tensors themselves.
   */
  readonly halves?: readonly InputName<Names[number]>[] | "stored";
  /** What each option may be: `"number"`, or `"number?"` where it can be left out. Left out itself, options are not checked. */
  readonly options?: Kinds<Options>;
  /** Checks everything, before any GPU work, and returns the output's shape. */
  plan(inputs: Inputs<Names>, options: Options): P;
  /** Makes the output out of an input's memory instead of new memory, for ops that only look at it differently. */
  view?(inputs: Inputs<Names>, plan: P): Tensor;
  /** Records the dispatches that fill `output`; returns what the gradients need, and nothing else. */
  forward(context: { device: Device; output: Tensor; plan: P }, inputs: Inputs<Names>): Saved;
  /** One gradient per input, written with ops, so that it can be differentiated again; `null` when the op has none at all. */
  readonly vjp: { readonly [N in InputName<Names[number]>]: Gradient<Saved> } | null;
}

/** An op as users call it: the inputs, then the options. */
export type Op<Names extends readonly string[], Options extends object> = ((
  ...args: Arguments<Names, Options>
) => Tensor) & {
  readonly opName: string;
};

let nextOrder = 0;

function checkType(name: string, input: string, dtype: DType, wanted: InputType): void {
  if (wanted === "any" || dtype === wanted || (wanted === "f32" && dtype === "f16")) return;
  throw new DTypeError(`${name}: ${input} must be ${wanted}, got ${dtype}`);
}

/**
 * Checks that the inputs of an op are live tensors of one device and the right element types, and returns the device. `defineOp`
 * calls it; so does an op that is a function of other ops, so that its errors carry its own name.
 *
 * @param inputs - Names, those of inputs that may be `null` with a trailing `?`.
 * @param dtypes - Element types other than f32.
 */
export function checkInputs(
  name: string,
  inputs: readonly string[],
  tensors: readonly unknown[],
  dtypes: Readonly<Record<string, InputType>> | "any" = {},
): Device {
  let device: Device | null = null;
  inputs.forEach((label, i) => {
    const value = tensors[i];
    const bare = label.replace("?", "");
    if (value === null && label.endsWith("?")) return;
    if (!(value instanceof Tensor))
      throw new DTypeError(`${name}: ${bare} must be a tensor, got ${value === null ? "null" : typeof value}`);
    checkType(name, bare, value.dtype, dtypes === "any" ? "any" : (dtypes[bare] ?? "f32"));
    if (device && value.device !== device)
      throw new ShapeError(`${name}: ${bare} lives on another device than the inputs before it`);
    device = value.device;
    // Reading the storage throws when the tensor was freed.
    void value.storage;
    value.watch();
  });
  if (!device) throw new ShapeError(`${name}: needs at least one tensor`);
  return device;
}

/**
 * The same checks for a function of other ops, so that its errors carry its own name, and the checks of its options.
 *
 * @param tensors - By name, those that may be `null` with a trailing `?`.
 * @returns The options.
 */
export function checkCall<Options extends object>(
  name: string,
  tensors: Readonly<Record<string, unknown>>,
  options: Options | undefined,
  kinds: Kinds<Options>,
): Options {
  checkInputs(name, Object.keys(tensors), Object.values(tensors), "any");
  return readOptions<Options>(name, options, kinds);
}

/** The graph node of one call: its gradients close over what forward saved. */
function makeNode<Saved>(
  name: string,
  inputs: readonly (Tensor | null)[],
  output: Tensor,
  gradients: readonly Gradient<Saved>[],
  saved: Saved,
): GraphNode {
  const half = inputs.some(isHalf);
  return {
    op: name,
    order: nextOrder++,
    inputs,
    versions: inputs.map((input) => input?.storage.version ?? 0),
    outputVersion: output.storage.version,
    gradients: gradients.map((gradient) =>
      typeof gradient === "function" ? (g: Tensor) => gradient(half ? lazilyWide(saved, widened) : saved, g) : gradient,
    ),
  };
}

/** @throws {ShapeError} unless a definition has all its parts. */
function checkDefinition(definition: unknown): void {
  checkKind("defineOp", "definition", definition, "object");
  const { name, inputs, plan, forward, vjp } = definition as Readonly<Record<string, unknown>>;
  checkKind("defineOp", "name", name, "string");
  checkKind("defineOp", "inputs", inputs, "list");
  for (const input of inputs as readonly unknown[]) checkKind("defineOp", "each input", input, "string");
  checkKind("defineOp", "plan", plan, "function");
  checkKind("defineOp", "forward", forward, "function");
  if (vjp === null) return;
  checkKind("defineOp", "vjp", vjp, "object");
  for (const input of inputs as readonly string[]) {
    const gradient = (vjp as Readonly<Record<string, unknown>>)[input.replace("?", "")];
    if (typeof gradient === "function" || gradient === "zero" || gradient === null) continue;
    throw new GradError(
      `defineOp: vjp.${input.replace("?", "")} must be a function, "zero" or null, got ${show(gradient)}`,
    );
  }
}

/**
 * Declares an op. Public: a custom op is declared exactly as the built-in ones are.
 *
 * @example
 * const double = defineOp({
 *   name: "double", inputs: ["x"], plan: ([x]) => ({ shape: x.shape }),
 *   forward: ({ device, output }, [x]) => { device.copy(x.storage, 0, output.storage, 0, x.byteLength); },
 *   vjp: { x: (_saved, gradOutput) => double(gradOutput) },
 * });
 */
export function defineOp<const Names extends readonly string[], Options extends object, P extends Plan, Saved>(
  definition: OpDefinition<Names, Options, P, Saved>,
): Op<Names, Options> {
  checkDefinition(definition);
  const { name, inputs: names, vjp, halves } = definition;
  const dtypes = (definition.dtypes ?? {}) as Record<string, InputType>;
  const stored = halves === "stored" || definition.view !== undefined;
  const gradients = names.map((label) => {
    const bare = label.replace("?", "") as InputName<Names[number]>;
    return vjp === null ? null : vjp[bare];
  });
  const decides = (i: number) => !Array.isArray(halves) || halves.includes((names[i] as string).replace("?", ""));
  const call = (...args: Arguments<Names, Options>): Tensor => {
    const tensors = names.map((_, i) => args[i] ?? null) as unknown as Inputs<Names>;
    const list = tensors as readonly (Tensor | null)[];
    const device = checkInputs(name, names, list, dtypes);
    const given = args[names.length] as Options | undefined;
    const options = definition.options ? readOptions<Options>(name, given, definition.options) : (given ?? {});
    const planned = definition.plan(tensors, options as Options);
    const wide = !stored && list.some(isHalf);
    const plan = wide && planned.dtype === "f16" ? { ...planned, dtype: "f32" as const } : planned;
    const dtype = plan.dtype ?? "f32";
    const kept = wide && dtype === "f32" && allHalves(list.filter((_, i) => decides(i))) ? "f16" : dtype;
    const output = definition.view?.(tensors, plan) ?? empty(device, plan.shape, kept, name);
    const run = (into: Tensor, from: Inputs<Names>) => definition.forward({ device, output: into, plan }, from);
    const saved = wide ? wideRun(run, output, tensors) : run(output, tensors);
    // Integers and masks are constant almost everywhere: the gradient stops there, as it does in a comparison.
    if (device.recording && isFloat(output.dtype) && list.some((input) => input?.requiresGrad)) {
      output.requiresGrad = true;
      output.node = makeNode(name, list, output, gradients, saved);
    }
    return output;
  };
  return Object.assign(call, { opName: name });
}

/** `cast` from f16 to f32: here, because the gradients of every op that takes f16 begin with it. */
export const widened = defineOp({
  name: "cast",
  inputs: ["x"],
  dtypes: { x: "f16" },
  halves: "stored",
  plan: ([x], _options: object) => ({ shape: x.shape }),
  forward({ device, output }, [x]) {
    widen(device, { input: x.storage, output: output.storage, count: x.size });
    return {};
  },
  vjp: { x: (_saved, gradOutput): Tensor => gradOutput },
});
