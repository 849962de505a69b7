/** The kernel of several elementwise formulas: its WGSL is put together from theirs, as the elementwise kernels' own is. */
import type { Binding, DispatchCommand } from "./dispatcher.js";
import { type ElementwiseInput, type ElementwiseLaunch, type InputView, mergeAxes, padTo8 } from "./elementwise.js";
import * as sources from "./generated.js";
import { grid } from "./grid.js";
import type { DimsField, KernelSource } from "./kernel.js";
import type { Storage } from "./storage.js";

/** One formula of a fused kernel, and the dispatch that it is by itself. */
export interface Member {
  readonly command: DispatchCommand;
  readonly formula: ElementwiseLaunch;
}

/** Plain numbers of a formula, which it calls `dims.a`, `dims.b` and `dims.c`. */
interface Numbers {
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
}

/** The storage of a binding. */
export function bufferOf(binding: Binding | undefined): Storage {
  return (binding && "storage" in binding ? binding.storage : binding) as Storage;
}

/** The functions that the elementwise sources offer to their formulas. */
const helpers = new Map(
  [sources["elementwise-unary"], sources["elementwise-binary"], sources["elementwise-ternary"]]
    .flatMap(({ code }) => [...code.matchAll(/^fn (\w+)\([^)]*\)[^\n]*\{(?:[^\n]*\}|[\s\S]*?^\})/gm)])
    .map(([text, name]) => [name, text] as const)
    .filter(([name]) => name !== "apply" && !name?.startsWith("elementwise_")),
);

/** A uniform block as it grows, field by field. */
class Block {
  readonly fields: Record<string, DimsField> = {};
  readonly values: Record<string, number | readonly number[]> = {};
  readonly lines: string[] = [];
  bytes = 0;

  add(name: string, wgsl: string, field: Omit<DimsField, "offset">, value: number | readonly number[]): void {
    const align = field.length > 1 ? 16 : 4;
    const offset = Math.ceil(this.bytes / align) * align;
    this.fields[name] = { ...field, offset };
    this.values[name] = value;
    this.lines.push(`  ${name}: ${wgsl},`);
    this.bytes = offset + 4 * field.length;
  }
}

/** Writes one fused kernel: what is bound, the uniform block and the statements of the loop's body. */
class Writer {
  readonly block = new Block();
  readonly functions: string[] = [];
  readonly body: string[] = [];
  readonly buffers: Record<string, { type: string; access: "read" | "read_write"; storage: Storage }> = {};
  /** Names of the results so far; whoever reads one here reads it at the place where it was made. */
  readonly #results = new Map<Storage, string>();
  /** Names of loaded values, by storage and place. */
  readonly #values = new Map<Storage, Map<string, string>>();
  readonly #indices = new Map<string, string>();

  constructor(size: number) {
    this.block.add("n", "u32", { type: "u32", length: 1 }, size);
    this.block.add("zero", "u32", { type: "u32", length: 1 }, 0);
  }

  add({ formula }: Member, stored: boolean): void {
    const number = this.functions.length;
    const inputs = formula.inputs.map((input) => this.#value(input, formula.shape));
    const parameters = formula.inputs.map(({ type }, i) => `${"xyz"[i]}: ${type}`).join(", ");
    this.functions.push(
      `fn apply${number}(${parameters}) -> ${formula.outputType} { return ${this.#expression(formula, number)}; }`,
    );
    const name = `v${number}`;
    this.body.push(`let ${name} = hold_${formula.outputType}(apply${number}(${inputs.join(", ")}));`);
    this.#results.set(formula.output, name);
    if (stored) this.body.push(`${this.#buffer(formula.output, formula.outputType, "read_write")}[i] = ${name};`);
  }

  /** The formula with its numbers at their place in the uniform block. */
  #expression(formula: ElementwiseLaunch & { readonly numbers?: Numbers }, number: number): string {
    const { a = 0, b = 0, c = 0 } = formula.numbers ?? {};
    if (!/\bdims\.[abc]\b/.test(formula.expression)) return formula.expression;
    this.block.add(`numbers${number}`, "vec4f", { type: "f32", length: 4 }, [a, b, c, 0]);
    const component = { a: "x", b: "y", c: "z" } as const;
    return formula.expression.replace(
      /\bdims\.([abc])\b/g,
      (_, name: "a" | "b" | "c") => `dims.numbers${number}.${component[name]}`,
    );
  }

  /** The name of an input's element, loaded once. */
  #value({ storage, shape, type, view }: ElementwiseInput, outputShape: readonly number[]): string {
    const result = this.#results.get(storage);
    if (result) return result;
    const index = view ? this.#viewed(view) : this.#index(shape, outputShape);
    const known = this.#values.get(storage) ?? new Map<string, string>();
    this.#values.set(storage, known);
    const value = known.get(index);
    if (value) return value;
    const buffer = this.#buffer(storage, type, "read");
    const name = `${buffer}_${known.size}`;
    const loaded = `${buffer}[${index}]`;
    this.body.push(`let ${name} = ${view?.inside ? `select(${type}(0), ${loaded}, ${index}_inside)` : loaded};`);
    known.set(index, name);
    return name;
  }

  #buffer(storage: Storage, type: string, access: "read" | "read_write"): string {
    const known = Object.entries(this.buffers).find(([, buffer]) => buffer.storage === storage);
    if (known) return known[0];
    const name = `buffer${Object.keys(this.buffers).length}`;
    this.buffers[name] = { type, access, storage };
    return name;
  }

  /** The name of the place of an input's element; `i` where it lies as the output does. */
  #index(shape: readonly number[], outputShape: readonly number[]): string {
    const layout = mergeAxes(outputShape, [shape]);
    const strides = layout.strides[0] as number[];
    if (strides.every((stride) => stride === 0)) return "0u";
    if (layout.shape.length === 1) return "i";
    const key = `${layout.shape} ${strides}`;
    const known = this.#indices.get(key);
    if (known) return known;
    return this.#place(key, { shape: layout.shape, offset: 0, strides });
  }

  /** The name of the place of an element of a view. */
  #viewed(view: InputView): string {
    const key = JSON.stringify(view);
    return this.#indices.get(key) ?? this.#place(key, view);
  }

  #place(key: string, { shape, offset, strides, inside }: InputView): string {
    const name = `index${this.#indices.size}`;
    this.#indices.set(key, name);
    const vectors = { type: "u32", length: 8 } as const;
    const add = (what: string, values: readonly number[]) =>
      this.block.add(`${name}_${what}`, "array<vec4u, 2>", vectors, padTo8(values));
    add("shape", shape);
    add("strides", strides);
    if (inside) {
      add(
        "starts",
        inside.map(({ start }) => start),
      );
      add(
        "counts",
        inside.map(({ count }) => count),
      );
      this.body.push(`var ${name}_inside = true;`);
    }
    if (offset !== 0) this.block.add(`${name}_offset`, "u32", { type: "u32", length: 1 }, offset);
    this.body.push(`var ${name} = ${offset === 0 ? "0u" : `dims.${name}_offset`};`, `{ var rest = i;`);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = `[${Math.floor(axis / 4)}][${axis % 4}]`;
      const place = axis === 0 ? "rest" : `(rest % dims.${name}_shape${at})`;
      if (strides[axis] !== 0) this.body.push(`${name} += ${place} * dims.${name}_strides${at};`);
      const part = inside?.[axis];
      // As unsigned numbers, places before the start are beyond every count.
      if (part && (part.start !== 0 || part.count !== shape[axis]))
        this.body.push(
          `${name}_inside = ${name}_inside && ${place} - dims.${name}_starts${at} < dims.${name}_counts${at};`,
        );
      if (axis > 0) this.body.push(`rest /= dims.${name}_shape${at};`);
    }
    this.body.push("}");
    return name;
  }

  source(): string {
    const bindings = Object.entries(this.buffers).map(
      ([name, { type, access }], i) => `@group(0) @binding(${i + 1}) var<storage, ${access}> ${name}: array<${type}>;`,
    );
    return `struct Dims {
${this.block.lines.join("\n")}
}
@group(0) @binding(0) var<uniform> dims: Dims;
${bindings.join("\n")}
${[...helpers.values()].join("\n")}
// Rounds as storing does: the compiler cannot know that zero is 0, and so not merge operations of two formulas into one.
fn hold_f32(v: f32) -> f32 { return bitcast<f32>(bitcast<u32>(v) ^ dims.zero); }
fn hold_i32(v: i32) -> i32 { return v; }
fn hold_u32(v: u32) -> u32 { return v; }
${this.functions.join("\n")}
@compute @workgroup_size(64)
fn fused(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 256u + lane;
  for (var part = 0u; part < 4u; part++) {
    let i = first + part * 64u;
    if (i >= dims.n) { return; }
    ${this.body.join("\n    ")}
  }
}
`;
  }
}

const known = new Map<string, KernelSource>();

/** The kernel of a source; the same object for the same text. */
function kernelOf(writer: Writer): KernelSource {
  const code = writer.source();
  const before = known.get(code);
  if (before) return before;
  const buffers = Object.entries(writer.buffers).map(
    ([name, { access }], i) => [name, { binding: i + 1, access }] as const,
  );
  const source: KernelSource = {
    name: `fused-${known.size}`,
    code,
    entryPoint: "fused",
    dims: writer.block.fields,
    dimsBytes: Math.ceil(writer.block.bytes / 16) * 16,
    buffers: Object.fromEntries(buffers),
    overrides: [],
    constants: [],
  };
  known.set(code, source);
  return source;
}

/** One dispatch that computes all formulas, in order; `isStored` says which results are written. */
export function fusedDispatch(members: readonly Member[], isStored: (result: Storage) => boolean): DispatchCommand {
  const size = members[0]?.formula.shape.reduce((a, b) => a * b, 1) ?? 0;
  const writer = new Writer(size);
  for (const member of members) writer.add(member, isStored(member.formula.output));
  const buffers = Object.entries(writer.buffers).map(([name, { storage }]) => [name, storage] as const);
  return {
    kind: "dispatch",
    source: kernelOf(writer),
    launch: { dims: writer.block.values, buffers: Object.fromEntries(buffers), groups: grid(size, 256) },
  };
}
