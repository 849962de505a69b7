import { describe, expect, test } from "vitest";
import { specialize, unroll } from "../../src/kernels/specialize.js";

/** Without line breaks and indentation. */
const flat = (code: string) => code.replace(/\s+/g, " ").trim();

describe("specialize", () => {
  const code = `const TILE = 4u;
const TILE_ROWS = 2u;
alias T = f32;
fn apply(x: T) -> T { return x + 1.0; }
fn use(x: T) -> T { return apply(x) * f32(TILE); }
`;
  test.each([
    ["a number becomes a u32", { TILE: 8 }, "const TILE = 8u;"],
    ["text is taken as it is", { TILE: "16u * 2u" }, "const TILE = 16u * 2u;"],
    ["an alias", { T: "vec4f" }, "alias T = vec4f;"],
    ["the body of a one-line function", { apply: "max(x, 0.0)" }, "fn apply(x: T) -> T { return max(x, 0.0); }"],
    ["text with $ signs is not a pattern", { TILE: "$1 $&" }, "const TILE = $1 $&;"],
  ])("%s", (_name, replacements, line) => {
    const changed = specialize(code, replacements);
    expect(changed).toContain(`${line}\n`);
    expect(changed.split("\n")).toHaveLength(code.split("\n").length);
  });
  test("a name that another begins with is left alone", () => {
    expect(specialize(code, { TILE: 8 })).toContain("const TILE_ROWS = 2u;");
  });
  test.each(["MISSING", "x", "TIL", "return"])("rejects the unknown name %s", (name) => {
    expect(() => specialize(code, { [name]: 1 })).toThrow(
      `specialize: the WGSL source defines no const, alias or fn "${name}"`,
    );
  });
});

describe("unroll", () => {
  test("writes the body once for each index", () => {
    const code = "for (var i = 0u; i < 3u; i++) { // unroll\n a[i] = b[i + 1u]; }\n done();";
    expect(flat(unroll(code))).toBe("{ a[0u] = b[0u + 1u]; } { a[1u] = b[1u + 1u]; } { a[2u] = b[2u + 1u]; } done();");
  });
  test("nested loops, the bound of the inner one from the outer one's constants", () => {
    const code = `const ROWS = 2u;
const COLUMNS = ROWS * 1u;
for (var i = 0u; i < ROWS; i++) { // unroll
  for (var j = 0u; j < COLUMNS; j++) { // unroll
    f(i, j);
  }
}`;
    expect(flat(unroll(code)).replace(/^.*?1u; /, "")).toBe(
      "{ { f(0u, 0u); } { f(0u, 1u); } } { { f(1u, 0u); } { f(1u, 1u); } }",
    );
  });
  test("bounds that specialize has set", () => {
    const code = specialize("const N = 5u;\nfor (var i = 0u; i < N * 2; i++) { // unroll\n f(i); }", { N: 1 });
    expect(flat(unroll(code))).toBe("const N = 1u; { f(0u); } { f(1u); }");
  });
  test("a bound of 0 leaves nothing", () => {
    expect(flat(unroll("for (var i = 0u; i < 0u; i++) { // unroll\n f(i); } g();"))).toBe("g();");
  });
  test("leaves unmarked loops and longer names alone", () => {
    const loop = "for (var i = 0u; i < n; i++) { f(i); }";
    expect(unroll(loop)).toBe(loop);
    expect(flat(unroll("for (var i = 0u; i < 1u; i++) { // unroll\n f(i, ii, lid, x.xi); }"))).toBe(
      "{ f(0u, ii, lid, x.xi); }",
    );
  });
  test("a shuffle from a constant lane becomes a broadcast", () => {
    const code =
      "for (var lane = 0u; lane < 2u; lane++) { // unroll\n s += subgroupShuffle(v, lane); }\n t = subgroupShuffle(v, other);";
    expect(flat(unroll(code))).toBe(
      "{ s += subgroupBroadcast(v, 0u); } { s += subgroupBroadcast(v, 1u); } t = subgroupShuffle(v, other);",
    );
  });
  test("rejects bounds that are no constants", () => {
    expect(() => unroll("for (var i = 0u; i < n; i++) { // unroll\n }")).toThrow(
      'unroll: "n" is neither a number nor a module const',
    );
    expect(() => unroll("for (var i = 0u; i < 2u; i++) { // unroll\n f(i);")).toThrow("unroll: unbalanced braces");
  });
});
