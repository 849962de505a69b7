import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { sources } from "../../src/kernels/generated.js";
import { encodeDims, type KernelSource } from "../../src/kernels/kernel.js";

const kernels = Object.entries<KernelSource>(sources);

describe("generated descriptions", () => {
  test("reduce: fields, bindings, constants", () => {
    const { dims, dimsBytes, buffers, constants, entryPoint } = sources.reduce;
    expect(Object.keys(dims)).toEqual(["outer", "R", "inner", "split", "scale"]);
    expect(dims.scale).toEqual({ type: "f32", offset: 16, length: 1 });
    expect(dimsBytes).toBe(32);
    expect(buffers).toEqual({ input: { binding: 1, access: "read" }, output: { binding: 2, access: "read_write" } });
    expect(constants).toEqual(["T", "A", "element", "combine", "start", "finish"]);
    expect(entryPoint).toBe("reduce");
  });
  test("strided-copy: arrays of vectors, signed and unsigned", () => {
    const { dims } = sources["strided-copy"];
    expect(dims.input_offset).toEqual({ type: "i32", offset: 4, length: 1 });
    expect(dims.shape).toEqual({ type: "u32", offset: 16, length: 8 });
    expect(dims.output_strides).toEqual({ type: "i32", offset: 80, length: 8 });
  });
  test.each(kernels)("%s: dims at 0, then the inputs, the outputs last", (_name, { buffers, dimsBytes, code }) => {
    const rows = Object.values(buffers);
    expect(rows.map(({ binding }) => binding)).toEqual(rows.map((_, i) => i + 1));
    expect(rows.at(-1)?.access).toBe("read_write");
    expect(dimsBytes % 16).toBe(0);
    expect(code).toContain("@group(0) @binding(0) var<uniform> dims: Dims;");
  });
  test("encodeDims packs each field as its type, where the kernel reads it", () => {
    const words = encodeDims(sources["strided-copy"], {
      n: 7,
      input_offset: -3,
      output_offset: 5,
      shape: [4, 3],
      input_strides: [-1, 2],
      output_strides: [9],
    });
    const ints = new Int32Array(words.buffer);
    expect(Array.from(ints.slice(0, 6))).toEqual([7, -3, 5, 0, 4, 3]);
    expect(Array.from(ints.slice(12, 14))).toEqual([-1, 2]);
    expect(ints[20]).toBe(9);
    const reduce = encodeDims(sources.reduce, { outer: 1, R: 2, inner: 3, split: 4, scale: 0.25 });
    expect(new Float32Array(reduce.buffer)[4]).toBe(0.25);
  });
});

describe("the generator", () => {
  const root = mkdtempSync(join(tmpdir(), "voxpix-generate-"));
  afterAll(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "scripts"));
  mkdirSync(join(root, "src/kernels/wgsl"), { recursive: true });
  symlinkSync(resolve("node_modules"), join(root, "node_modules"), "junction");
  copyFileSync("scripts/generate-kernels.mjs", join(root, "scripts/generate-kernels.mjs"));
  const generate = (code: string) => {
    writeFileSync(join(root, "src/kernels/wgsl/two-words.wgsl"), code);
    execFileSync(process.execPath, [join(root, "scripts/generate-kernels.mjs")], { stdio: "pipe" });
    return readFileSync(join(root, "src/kernels/generated.ts"), "utf8");
  };
  const good = `struct Dims { n: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
override eps: f32 = 1.0;
const TILE = 4u;
@compute @workgroup_size(1) fn two_words() { output[dims.n] = eps; }
`;
  test("describes a kernel", () => {
    const text = generate(good);
    expect(text).toContain('"name":"two-words","entryPoint":"two_words"');
    expect(text).toContain('"overrides":["eps"],"constants":["TILE"]');
  });
  test.each([
    [
      "a misnamed entry point",
      good.replace("fn two_words", "fn words"),
      "entry point must be called two_words, is words",
    ],
    [
      "two entry points",
      `${good}@compute @workgroup_size(1) fn more() {}`,
      "must have exactly one compute entry point",
    ],
    [
      "another uniform",
      good.replace("> dims:", "> sizes:").replace("dims.n", "sizes.n"),
      "binding 0 must be the uniform `dims`",
    ],
  ])("rejects %s", (_name, code, text) => {
    expect(() => generate(code)).toThrow(`two-words.wgsl: ${text}`);
  });
});
