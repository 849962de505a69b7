/** What the host knows of one WGSL file: generated from the file itself by `scripts/generate-kernels.mjs`, never written by hand. */
export interface KernelSource {
  /** File name without `.wgsl`. */
  readonly name: string;
  readonly code: string;
  readonly entryPoint: string;
  /** Fields of the uniform `struct Dims` at binding 0; `length` is the number of scalars (vectors and arrays have more than one). */
  readonly dims: Readonly<Record<string, DimsField>>;
  readonly dimsBytes: number;
  readonly buffers: Readonly<Record<string, BufferBinding>>;
  readonly overrides: readonly string[];
  /** Names of module constants and aliases that `specialize` may replace. */
  readonly constants: readonly string[];
}

/** One field of a kernel's uniform block. */
export interface DimsField {
  readonly type: "u32" | "i32" | "f32";
  /** Byte offset in the block. */
  readonly offset: number;
  readonly length: number;
}

/**
 * Fields of a uniform block of single numbers, one after the other; `types` has the first letter of the type of each. Generated sources
 * say it so because a page has the text of every kernel in it.
 */
export const scalarFields = <const N extends string>(names: readonly N[], types: string) =>
  Object.fromEntries(
    names.map((name, i) => [
      name,
      { type: { u: "u32", i: "i32", f: "f32" }[types[i] as string], offset: 4 * i, length: 1 },
    ]),
  ) as { readonly [K in N]: DimsField };

/** One storage binding of a kernel. */
export interface BufferBinding {
  readonly binding: number;
  readonly access: "read" | "read_write";
}

/** Values for every field of the kernel's `Dims`, by name. */
export type DimsOf<S extends KernelSource> = { readonly [K in keyof S["dims"]]: number | readonly number[] };

/** Packs `values` into the bytes of the kernel's uniform block, as words. */
export function encodeDims(
  source: KernelSource,
  values: Readonly<Record<string, number | readonly number[]>>,
): Uint32Array {
  const words = new Uint32Array(source.dimsBytes / 4);
  const floats = new Float32Array(words.buffer);
  const ints = new Int32Array(words.buffer);
  for (const [name, field] of Object.entries(source.dims)) {
    const value = values[name];
    const target = field.type === "f32" ? floats : field.type === "i32" ? ints : words;
    if (typeof value === "number") target[field.offset / 4] = value;
    else if (value !== undefined) target.set(value.slice(0, field.length), field.offset / 4);
  }
  return words;
}
