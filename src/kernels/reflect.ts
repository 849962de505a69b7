/**
 * What the dispatcher must know of a WGSL source that a user wrote: read from the text when the kernel is defined, where the
 * engine's own kernels were described at build time. It knows declarations, not expressions; the compiler judges the rest.
 */
import { FormatError } from "./errors.js";
import type { BufferBinding, DimsField, KernelSource } from "./kernel.js";

type Scalar = "f32" | "i32" | "u32" | "f16";

/** The elements of a storage binding: `array<vec4f>` is 4 of f32 each. */
export interface ElementLayout {
  readonly scalar: Scalar;
  readonly width: 1 | 2 | 4;
  /** Length of an array of fixed size, in scalars; `null` for a runtime-sized one. */
  readonly size: number | null;
}

/** A user's kernel: what the dispatcher needs, and what a call is checked against. */
export interface ReflectedKernel extends KernelSource {
  readonly elements: Readonly<Record<string, ElementLayout>>;
  /** `@workgroup_size`: numbers, or names of overrides. */
  readonly workgroupSize: readonly (number | string)[];
  /** Defaults of the overrides; `null` where the source gives none. */
  readonly overrideDefaults: Readonly<Record<string, number | null>>;
  /** Whether invocations number themselves over a grid of several rows. */
  readonly spreads: boolean;
  /** Features of the device that it needs. */
  readonly features: readonly string[];
}

const withoutComments = (code: string) => code.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/\/\/.*$/gm, "");

const letters: Readonly<Record<string, Scalar>> = { f: "f32", i: "i32", u: "u32", h: "f16" };

/** `vec4f` or `vec4<f32>` as 4 of f32; a scalar as 1 of it; `null` for any other type. */
function vectorOf(type: string): { scalar: Scalar; width: 1 | 2 | 3 | 4 } | null {
  const match = /^(?:vec([234]))?(?:<?([fiu]32|f16)>?|([fiuh]))$/.exec(type);
  if (!match) return null;
  const [, width, name, letter] = match;
  if (width === undefined && letter !== undefined) return null;
  const scalar = letter === undefined ? (name as Scalar) : letters[letter];
  return scalar ? { scalar, width: Number(width ?? 1) as 1 | 2 | 3 | 4 } : null;
}

/** Parses one source; made for one call of `reflect`. */
class Reader {
  readonly #text: string;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly name: string;
  readonly #entryAttributes: string;

  constructor(code: string) {
    this.#text = withoutComments(code);
    this.#aliases = new Map(
      [...this.#text.matchAll(/\balias\s+(\w+)\s*=\s*([^;]+);/g)].map((m) => [`${m[1]}`, `${m[2]}`]),
    );
    const functions = [...this.#text.matchAll(/((?:@\w+(?:\s*\([^)]*\))?\s*)*)\bfn\s+(\w+)/g)];
    const [entry, ...others] = functions.filter(([, attributes]) => /@compute\b/.test(attributes ?? ""));
    if (!entry || others.length > 0) {
      const found = entry ? [entry, ...others].map((match) => match[2]).join(", ") : "none";
      throw new FormatError(`defineKernel: the WGSL must have one @compute function, got ${found}`);
    }
    this.name = `${entry[2]}`;
    this.#entryAttributes = `${entry[1]}`;
  }

  fail(why: string): never {
    throw new FormatError(`${this.name}: ${why}`);
  }

  #resolve(type: string): string {
    const bare = type.replace(/\s+/g, "");
    const alias = this.#aliases.get(bare);
    return alias === undefined ? bare : this.#resolve(alias);
  }

  /** Every resource of the module: its binding, address space and type. */
  resources() {
    const pattern = /((?:@\w+\s*\([^)]*\)\s*)+)var\s*(?:<([^>]*)>)?\s*(\w+)\s*:\s*([^;]+);/g;
    return [...this.#text.matchAll(pattern)].map(([, attributes = "", space = "", name = "", type = ""]) => {
      const group = Number(/@group\s*\(\s*(\d+)/.exec(attributes)?.[1]);
      const binding = Number(/@binding\s*\(\s*(\d+)/.exec(attributes)?.[1]);
      if (group !== 0) this.fail(`"${name}" must be in @group(0)`);
      return { name, binding, space: space.replace(/\s+/g, ""), type: this.#resolve(type) };
    });
  }

  elements(name: string, type: string): ElementLayout {
    const match = /^array<(?:atomic<)?(.+?)>?(?:,(\d+)u?)?>$/.exec(type);
    const element = match && vectorOf(this.#resolve(`${match[1]}`));
    if (!element) this.fail(`"${name}" must be an array of scalars or vectors, got ${type}`);
    const { scalar, width } = element;
    if (width === 3) this.fail(`"${name}": elements of ${type} are 16 bytes apart, not 12; use an array of scalars`);
    return { scalar, width, size: match[2] === undefined ? null : Number(match[2]) * width };
  }

  /** Where WGSL lays the fields of a uniform struct. */
  fields(type: string): { dims: Record<string, DimsField>; bytes: number } {
    const body = new RegExp(`\\bstruct\\s+${type}\\s*\\{([^}]*)\\}`).exec(this.#text)?.[1];
    if (body === undefined) return this.fail(`the uniform at binding 0 must be a struct of this source, got ${type}`);
    const dims: Record<string, DimsField> = {};
    let bytes = 0;
    for (const field of body.split(/,(?![^<]*>)/).filter((part) => part.trim() !== "")) {
      const [, name = "", text = ""] = /^\s*(\w+)\s*:\s*(\S[\s\S]*)$/.exec(field) ?? [];
      const resolved = this.#resolve(text);
      const array = /^array<(.+),(\d+)u?>$/.exec(resolved);
      const vector = vectorOf(array ? this.#resolve(`${array[1]}`) : resolved);
      if (!vector || vector.scalar === "f16" || (array && vector.width !== 4))
        return this.fail(
          `field "${field.trim()}" of ${type} must be a scalar or vector of f32, i32 or u32, or an array of 4-vectors`,
        );
      const align = 4 * (vector.width === 3 ? 4 : vector.width);
      const offset = Math.ceil(bytes / align) * align;
      const length = vector.width * Number(array?.[2] ?? 1);
      dims[name] = { type: vector.scalar, offset, length };
      bytes = offset + 4 * length;
    }
    return { dims, bytes: Math.ceil(bytes / 16) * 16 };
  }

  overrides(): Record<string, number | null> {
    const pattern = /\boverride\s+(\w+)\s*(?::\s*\w+\s*)?(?:=\s*([^;]+))?;/g;
    return Object.fromEntries(
      [...this.#text.matchAll(pattern)].map(([, name, value]) => [
        `${name}`,
        value === undefined ? null : Number.parseFloat(value),
      ]),
    );
  }

  workgroupSize(overrides: Readonly<Record<string, number | null>>): (number | string)[] {
    const list = /@workgroup_size\s*\(([^)]*)\)/.exec(this.#entryAttributes)?.[1] ?? "";
    const sizes = list.split(",").filter((part) => part.trim() !== "");
    return sizes.map((part) => {
      const size = part.trim();
      if (size in overrides) return size;
      const value =
        new RegExp(`\\bconst\\s+${size}\\s*(?::\\s*\\w+\\s*)?=\\s*(\\w+)\\s*;`).exec(this.#text)?.[1] ?? size;
      if (!/^\d+[ui]?$/.test(value))
        this.fail(`@workgroup_size must be numbers, or names of consts or overrides, got ${size}`);
      return Number.parseInt(value, 10);
    });
  }

  /** Features of the device that the source's `enable` directives ask for. */
  get features(): string[] {
    const enabled = [...this.#text.matchAll(/\benable\s+([^;]+);/g)].flatMap(([, names]) =>
      `${names}`.split(/\s*,\s*/),
    );
    return enabled.map((name) => (name.trim() === "f16" ? "shader-f16" : name.trim().replaceAll("_", "-")));
  }

  get spreads(): boolean {
    return /@builtin\s*\(\s*num_workgroups\s*\)/.test(this.#text);
  }
}

let nextId = 0;

/**
 * Reads a kernel's bindings, uniform fields, overrides and workgroup size from its WGSL.
 *
 * @throws {FormatError} when the source breaks a rule of `defineKernel`.
 */
export function reflect(code: string): ReflectedKernel {
  const reader = new Reader(code);
  const buffers: Record<string, BufferBinding> = {};
  const elements: Record<string, ElementLayout> = {};
  let uniform: { dims: Record<string, DimsField>; bytes: number } = { dims: {}, bytes: 16 };
  for (const { name, binding, space, type } of reader.resources()) {
    const [kind, access = "read"] = space.split(",");
    if (kind === "uniform" && binding === 0) uniform = reader.fields(type);
    else if (kind === "storage" && binding > 0) {
      if (Object.values(buffers).some((other) => other.binding === binding))
        reader.fail(`binding ${binding} is taken twice`);
      buffers[name] = { binding, access: access === "read" ? "read" : "read_write" };
      elements[name] = reader.elements(name, type);
    } else {
      reader.fail(
        `binding 0 is for the uniform struct and the others for storage arrays, got "${name}" (${space || type}) at ${binding}`,
      );
    }
  }
  if (!Object.values(buffers).some(({ access }) => access === "read_write"))
    reader.fail("no binding is var<storage, read_write>, so the kernel writes nothing");
  const overrideDefaults = reader.overrides();
  return {
    // Pipelines are cached by name, and two users' kernels may have the same.
    name: `${reader.name}#${nextId++}`,
    code,
    entryPoint: reader.name,
    dims: uniform.dims,
    dimsBytes: uniform.bytes,
    buffers,
    elements,
    overrides: Object.keys(overrideDefaults),
    overrideDefaults,
    constants: [],
    workgroupSize: reader.workgroupSize(overrideDefaults),
    features: reader.features,
    spreads: reader.spreads,
  };
}
