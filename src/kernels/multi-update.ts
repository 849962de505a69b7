/** The update kernels for several parameters at a time: the `update` of a WGSL file once for each of them in one kernel. */
import type { DimsField, KernelSource } from "./kernel.js";

/** Bindings of an update kernel that every parameter has of its own; all but the table of numbers. */
export const ownBindings = (source: KernelSource): string[] =>
  Object.keys(source.buffers).filter((name) => name !== "scalars");

/** What has to be told apart: the function itself and the bindings of its own. */
const renamed = (text: string, names: readonly string[], part: number) =>
  text.replace(new RegExp(`(?<!\\.)\\b(${["update", ...names].join("|")})\\b`, "g"), `$1_${part}`);

/** The fields of one part in the uniform block: its first workgroup, its vectors (or elements), its row of the table. */
const fields = ["first", "count", "row"] as const;

function partOf(source: KernelSource, update: string, absent: readonly string[], part: number): string {
  const names = ownBindings(source);
  const present = names.filter((name) => !absent.includes(name));
  const declarations = names.map((name) => {
    const at = present.indexOf(name);
    if (at < 0) return `var<private> ${name}_${part}: array<vec4f, 1>;`;
    const { access } = source.buffers[name] as KernelSource["buffers"][string];
    return `@group(0) @binding(${2 + part * present.length + at}) var<storage, ${access}> ${name}_${part}: array<vec4f>;`;
  });
  return [...declarations, renamed(update, names, part)].join("\n");
}

const callOf = (part: number) => `  let i_${part} = (group_index - dims.first_${part}) * 64u + lane;
  if (group_index >= dims.first_${part} && i_${part} < dims.count_${part}) {
    update_${part}(i_${part}, scalars[dims.row_${part}]);
  }`;

/** Elements of one invocation: alone a vector of them; of several parameters one each, which compiles in half the time. */
export const elementsPerInvocation = (parts: number) => (parts === 1 ? 4 : 1);

const retyped = (parts: number, code: string) => (parts === 1 ? code : code.replace(/\bvec4f\b/g, "f32"));

function writeKernel(source: KernelSource, absent: readonly string[], parts: number, name: string): KernelSource {
  const numbers = Array.from({ length: parts }, (_, part) => part);
  const update = /^fn update\([\s\S]*?^\}/m.exec(source.code)?.[0] ?? "";
  const definitions = source.code.match(/^const [^\n]*|^struct Scalars \{[\s\S]*?^\}/gm) ?? [];
  const names = numbers.flatMap((part) => fields.map((field) => `${field}_${part}`));
  const present = ownBindings(source).filter((binding) => !absent.includes(binding));
  const bound = numbers.flatMap((part) => present.map((binding) => [binding, `${binding}_${part}`] as const));
  return {
    name,
    entryPoint: "update",
    dims: Object.fromEntries(
      names.map((field, i): [string, DimsField] => [field, { type: "u32", offset: 4 * i, length: 1 }]),
    ),
    dimsBytes: Math.ceil(names.length / 4) * 16,
    buffers: {
      scalars: { binding: 1, access: "read" },
      ...Object.fromEntries(
        bound.map(([binding, own], i) => [
          own,
          { ...source.buffers[binding], binding: 2 + i } as KernelSource["buffers"][string],
        ]),
      ),
    },
    overrides: [],
    constants: source.constants,
    code: retyped(
      parts,
      `struct Dims {
${names.map((field) => `  ${field}: u32,`).join("\n")}
}
${definitions.join("\n")}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
${numbers.map((part) => partOf(source, update, absent, part)).join("\n")}
@compute @workgroup_size(64)
fn update(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group_index = group.y * groups.x + group.x;
${numbers.map(callOf).join("\n")}
}
`,
    ),
  };
}

const known = new WeakMap<KernelSource, Map<string, KernelSource>>();

/**
 * The kernel of a rule for so many parameters; the same object for the same arguments. It binds `scalars` and, for part k, the
 * rule's own bindings as `<name>_k`; its uniforms are `first_k`, `count_k` (in units of `elementsPerInvocation`) and `row_k`.
 *
 * @param absent - Bindings that the rule does not touch under the constants at hand: they are not bound.
 */
export function multiUpdate(source: KernelSource, absent: readonly string[], parts: number): KernelSource {
  const variants = known.get(source) ?? new Map<string, KernelSource>();
  known.set(source, variants);
  const name = [source.name, `x${parts}`, ...absent.map((binding) => `no-${binding}`)].join("-");
  const kernel = variants.get(name) ?? writeKernel(source, absent, parts, name);
  variants.set(name, kernel);
  return kernel;
}
