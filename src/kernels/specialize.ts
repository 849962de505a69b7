/**
 * The text transformations a WGSL file may go through before it is compiled. The file is valid WGSL without them.
 *
 * `specialize` gives a module `const`, an `alias` or the body of a one-line function another right-hand side. `override`
 * would be nicer for numbers, but WGSL does not allow it in the size of a register array.
 *
 * `unroll` writes out `for` loops marked `// unroll`. Drivers that keep a dynamically indexed register array in memory
 * (software Vulkan above all) need constant indices, and a broadcast from a constant lane is several times faster there
 * than a shuffle, so `subgroupShuffle` with a literal lane becomes `subgroupBroadcast`.
 *
 * `link` appends the functions of `wgsl/maths` that the code, as specialized, names: an elementwise formula may call any of them.
 */

const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/**
 * Replaces module-scope definitions by name: `const NAME = ...;`, `alias NAME = ...;` or `fn NAME(...) -> T { return ...; }`.
 *
 * @param replacements - Name to new right-hand side; a number becomes an abstract integer with suffix `u`.
 * @throws {Error} when the source does not define a name.
 */
export function specialize(code: string, replacements: Readonly<Record<string, string | number>>): string {
  let result = code;
  for (const [name, value] of Object.entries(replacements)) {
    const text = typeof value === "number" ? `${value}u` : value;
    const id = escapeRegExp(name);
    const pattern = new RegExp(
      `(^const ${id} = |^alias ${id} = |^fn ${id}\\([^)]*\\) -> \\w+ \\{ return )[^;\\n]*(;)`,
      "m",
    );
    if (!pattern.test(result)) throw new Error(`specialize: the WGSL source defines no const, alias or fn "${name}"`);
    result = result.replace(pattern, (_match, head: string, tail: string) => head + text + tail);
  }
  return result;
}

/** The value of an integer expression of literals and module constants, e.g. `ROWS`, `4u`, `LANES * BLOCKS`. */
function evaluate(expression: string, constants: ReadonlyMap<string, string>): number {
  const product = expression.split("*").map((factor) => {
    const token = factor.trim();
    const literal = /^(\d+)u?$/.exec(token);
    if (literal) return Number(literal[1]);
    const definition = constants.get(token);
    if (definition === undefined) throw new Error(`unroll: "${token}" is neither a number nor a module const`);
    return evaluate(definition, constants);
  });
  return product.reduce((a, b) => a * b, 1);
}

/** The index of the brace that closes the one at `open`. */
function closingBrace(code: string, open: number): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === "{") depth++;
    else if (code[i] === "}" && --depth === 0) return i;
  }
  throw new Error("unroll: unbalanced braces");
}

/**
 * Writes out every `for (var i = 0u; i < BOUND; i++) { // unroll` of a source, outer loops first.
 *
 * @throws {Error} when a bound is not a product of literals and module constants.
 */
export function unroll(code: string): string {
  const constants = new Map<string, string>();
  for (const match of code.matchAll(/^const (\w+) = ([^;]+);/gm)) constants.set(match[1] as string, match[2] as string);
  const header = /for \(var (\w+) = 0u; \1 < ([^;]+); \1\+\+\) \{ \/\/ unroll/;
  let result = code;
  for (let match = header.exec(result); match; match = header.exec(result)) {
    const name = match[1] as string;
    const count = evaluate(match[2] as string, constants);
    const open = result.indexOf("{", match.index);
    const close = closingBrace(result, open);
    const body = result.slice(match.index + match[0].length, close);
    const copies = Array.from(
      { length: count },
      (_, i) => `{${body.replace(new RegExp(`\\b${name}\\b`, "g"), `${i}u`)}}`,
    );
    result = result.slice(0, match.index) + copies.join("\n") + result.slice(close + 1);
  }
  return result.replace(
    /subgroupShuffle\(([^(),]+), ?((?:\d+u|[A-Z]\w*| |%|\/|\*|\+)+)\)/g,
    "subgroupBroadcast($1, $2)",
  );
}

/**
 * Appends the definitions that the code names but does not define, and those that they name in turn.
 *
 * @param library - Definitions by name, each a whole `fn` or `const`.
 */
export function link(code: string, library: Readonly<Record<string, string>>): string {
  const linked = new Set([...code.matchAll(/^(?:fn|const|alias|override) (\w+)/gm)].map((match) => match[1] as string));
  const parts = [code];
  for (let i = 0; i < parts.length; i++) {
    for (const [name] of (parts[i] as string).replace(/\/\/.*/g, "").matchAll(/\b[a-z]\w*/g)) {
      const text = Object.hasOwn(library, name) ? library[name] : undefined;
      if (text === undefined || linked.has(name)) continue;
      linked.add(name);
      parts.push(text);
    }
  }
  return parts.join("\n\n");
}
