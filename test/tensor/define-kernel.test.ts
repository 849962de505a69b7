/** `defineKernel`: kernels of users, what is read from their WGSL and what a call of them is refused. */
import { describe, expect, test } from "vitest";
import { reflect } from "../../src/kernels/reflect.js";
import { backward } from "../../src/tensor/backward.js";
import { defineKernel, type KernelOptions } from "../../src/tensor/define-kernel.js";
import { defineOp } from "../../src/tensor/define-op.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import "../../src/tensor/methods.js";
import { mul, sigmoid, sub } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type DType, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";

const device = await testDevice();

const scaled = `
// A comment that mentions @group(0) @binding(7) var<storage, read> nothing: array<f32>;
struct Sizes { offset: i32, factor: vec2f, count: u32, table: array<vec4f, 2> }
alias V = f32;
@group(0) @binding(0) var<uniform> sizes: Sizes;
@binding(1) @group(0) var<storage> x: array<V>; /* and @binding(8) */
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override SIZE: u32 = 32;
@compute @workgroup_size(SIZE)
fn scaled(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.count) { return; }
  y[id.x] = x[id.x] * sizes.factor.y + f32(sizes.offset) + sizes.table[1].z;
}`;

describe("what is read from the WGSL", () => {
  test("bindings, uniform fields and their offsets, overrides, workgroup size", () => {
    const { dims, dimsBytes, buffers, elements, overrideDefaults, workgroupSize, spreads } = reflect(scaled);
    expect(dims).toEqual({
      offset: { type: "i32", offset: 0, length: 1 },
      factor: { type: "f32", offset: 8, length: 2 },
      count: { type: "u32", offset: 16, length: 1 },
      table: { type: "f32", offset: 32, length: 8 },
    });
    expect(dimsBytes).toBe(64);
    expect(buffers).toEqual({ x: { binding: 1, access: "read" }, y: { binding: 2, access: "read_write" } });
    expect(elements["x"]).toEqual({ scalar: "f32", width: 1, size: null });
    expect(overrideDefaults).toEqual({ SIZE: 32 });
    expect(workgroupSize).toEqual(["SIZE"]);
    expect(spreads).toBe(false);
  });
  const body = (declarations: string, attributes = "@compute @workgroup_size(4, 2)") =>
    `${declarations} @group(0) @binding(1) var<storage, read_write> y: array<u32>;\n${attributes} fn probe() { y[0] = 1u; }`;
  test.each([
    ["vec4f", { scalar: "f32", width: 4, size: null }],
    ["vec2<i32>", { scalar: "i32", width: 2, size: null }],
    ["atomic<u32>", { scalar: "u32", width: 1, size: null }],
    ["vec4h", { scalar: "f16", width: 4, size: null }],
    ["vec2u, 3", { scalar: "u32", width: 2, size: 6 }],
    ["f32, 5u", { scalar: "f32", width: 1, size: 5 }],
  ])("array<%s>", (type, layout) => {
    const { elements } = reflect(body(`@group(0) @binding(2) var<storage, read_write> z: array<${type}>;`));
    expect(elements["z"]).toEqual(layout);
  });
  test("a vector of 3 in a uniform takes 12 bytes at a multiple of 16", () => {
    const { dims } = reflect(
      body("struct D { a: f32, b: vec3<u32>, c: i32, } @group(0) @binding(0) var<uniform> d: D;"),
    );
    expect(dims["b"]).toEqual({ type: "u32", offset: 16, length: 3 });
    expect(dims["c"]).toEqual({ type: "i32", offset: 28, length: 1 });
  });
  test.each<[string, string, string]>([
    ["no entry point", "fn f() {}", "defineKernel: the WGSL must have one @compute function, got none"],
    [
      "two entry points",
      `${body("")} @compute @workgroup_size(1) fn more() {}`,
      "one @compute function, got probe, more",
    ],
    ["another group", body("@group(1) @binding(2) var<storage> z: array<f32>;"), 'probe: "z" must be in @group(0)'],
    ["a texture", body("@group(0) @binding(2) var image: texture_2d<f32>;"), 'got "image" (texture_2d<f32>) at 2'],
    ["a storage at 0", body("@group(0) @binding(0) var<storage> z: array<f32>;"), 'got "z" (storage) at 0'],
    [
      "a uniform elsewhere",
      body("struct D { a: f32 } @group(0) @binding(3) var<uniform> d: D;"),
      'got "d" (uniform) at 3',
    ],
    ["a binding twice", body("@group(0) @binding(1) var<storage> z: array<f32>;"), "binding 1 is taken twice"],
    ["vectors of 3", body("@group(0) @binding(2) var<storage> z: array<vec3f>;"), "16 bytes apart, not 12"],
    [
      "an array of structs",
      body("@group(0) @binding(2) var<storage> z: array<Thing>;"),
      "must be an array of scalars or vectors, got array<Thing>",
    ],
    ["no array", body("@group(0) @binding(2) var<storage> z: f32;"), "must be an array of scalars or vectors, got f32"],
    [
      "a uniform that is no struct",
      body("@group(0) @binding(0) var<uniform> n: u32;"),
      "must be a struct of this source, got u32",
    ],
    [
      "a matrix field",
      body("struct D { m: mat2x2f } @group(0) @binding(0) var<uniform> d: D;"),
      'field "m: mat2x2f" of D must be',
    ],
    [
      "an array of scalars in a uniform",
      body("struct D { a: array<f32, 4> } @group(0) @binding(0) var<uniform> d: D;"),
      "or an array of 4-vectors",
    ],
    [
      "a computed workgroup size",
      body("const S = 2u * 8u;", "@compute @workgroup_size(S)"),
      "must be numbers, or names of consts or overrides, got S",
    ],
    [
      "nothing written",
      "@group(0) @binding(1) var<storage> x: array<f32>; @compute @workgroup_size(1) fn probe() {}",
      "the kernel writes nothing",
    ],
  ])("refuses %s", (_name, code, message) => {
    expect(() => defineKernel(code)).toThrow(message);
  });
  test("refuses what is no text", () => {
    expect(() => defineKernel(3 as unknown as string)).toThrow("defineKernel: the WGSL must be a string, got number");
  });
});

describe("a call", () => {
  const kernel = defineKernel(scaled);
  const dims = { offset: -3, factor: [9, 0.5], count: 5, table: [0, 0, 0, 0, 0, 0, 100, 0] };
  test.each([undefined, { SIZE: 2 }])("runs, overrides %o", async (overrides) => {
    using _scope = device.scope();
    const y = tensor(device, [7, 7, 7, 7, 7, 7]);
    kernel({ x: tensor(device, [2, 4, 6, 8, 10, 12]), y }, { threads: 6, dims, ...(overrides && { overrides }) });
    expect(Array.from(await y.data())).toEqual([98, 99, 100, 101, 102, 7]);
  });
  test.each<[string, Record<string, unknown>, Partial<KernelOptions>, string]>([
    ["a tensor missing", { y: undefined }, {}, "scaled: tensors must be x, y, got x"],
    ["a tensor too many", { z: 1 }, {}, "scaled: tensors must be x, y, got x, y, z"],
    ["no tensor", { x: 5 }, {}, "scaled: x must be a tensor, got number"],
    ["dims missing", {}, { dims: { count: 1 } }, "scaled: dims must be offset, factor, count, table, got count"],
    ["a vector too short", {}, { dims: { ...dims, factor: [1] } }, "scaled: dims.factor must be 2 numbers, got 1"],
    ["a negative u32", {}, { dims: { ...dims, count: -1 } }, "scaled: dims.count must be u32, got -1"],
    ["a fraction as i32", {}, { dims: { ...dims, offset: 0.5 } }, "scaled: dims.offset must be i32, got 0.5"],
    ["an unknown override", {}, { overrides: { WIDE: 1 } }, 'scaled: the WGSL has no override "WIDE"'],
    ["negative threads", {}, { threads: -1 }, "scaled: threads must be whole numbers, got -1, 1, 1"],
    [
      "too many workgroups",
      {},
      { threads: 65535 * 32 + 1 },
      "2097121 threads need 65536 workgroups along x, but WebGPU allows 65535",
    ],
  ])("refuses %s", (_name, changes, options, message) => {
    using _scope = device.scope();
    const given = { x: zeros(device, [5]), y: zeros(device, [5]), ...changes };
    const tensors = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    expect(() => kernel(tensors as Record<string, Tensor>, { threads: 5, dims, ...options })).toThrow(message);
  });
  test("refuses an element type that is not the binding's", () => {
    using _scope = device.scope();
    const x = zeros(device, [5], { dtype: "i32" });
    expect(() => kernel({ x, y: zeros(device, [5]) }, { threads: 5, dims })).toThrow(
      "scaled: x is an array of f32, got a tensor of i32",
    );
  });
  test("refuses one memory for what is read and what is written", () => {
    using _scope = device.scope();
    const x = zeros(device, [5]);
    expect(() => kernel({ x, y: x.detach() }, { threads: 5, dims })).toThrow(
      "y is written and shares its memory with x",
    );
  });
  test("refuses a freed tensor", () => {
    const x = zeros(device, [5]);
    x.dispose();
    expect(() => kernel({ x, y: zeros(device, [5]) }, { threads: 5, dims })).toThrow("was used after it was freed");
  });
  test("two kernels of one name stay two", async () => {
    using _scope = device.scope();
    const write = (value: number) =>
      defineKernel(
        `@group(0) @binding(1) var<storage, read_write> y: array<f32>; @compute @workgroup_size(1) fn main() { y[0] = ${value}.0; }`,
      );
    const [first, second] = [write(1), write(2)];
    const [a, b] = [zeros(device, [1]), zeros(device, [1])];
    first({ y: a }, { threads: 1 });
    second({ y: b }, { threads: 1 });
    expect([await a.item(), await b.item()]).toEqual([1, 2]);
  });
  test("WGSL that does not compile rejects the next read, with the compiler's words", async () => {
    using _scope = device.scope();
    const broken = defineKernel(
      "@group(0) @binding(1) var<storage, read_write> y: array<f32>; @compute @workgroup_size(1) fn main() { y[0] = missing; }",
    );
    const y = zeros(device, [1]);
    await expect(
      (async () => {
        broken({ y }, { threads: 1 });
        await y.data();
      })(),
    ).rejects.toThrow("missing");
  });
});

describe("arrayLength is the tensor's", () => {
  test.each<[string, number, DType, number]>([
    ["f32", 1, "f32", 1],
    ["f32", 65, "f32", 65],
    ["vec4u", 12, "u32", 3],
    ["vec2<i32>", 10, "i32", 5],
    ["u32", 7, "bool", 7],
  ])("array<%s> of %d", async (type, size, dtype, expected) => {
    using _scope = device.scope();
    const count = defineKernel(`
      @group(0) @binding(1) var<storage, read> x: array<${type}>;
      @group(0) @binding(2) var<storage, read_write> y: array<u32, 1>;
      @compute @workgroup_size(1) fn count() { y[0] = arrayLength(&x); }`);
    const y = zeros(device, [1], { dtype: "u32" });
    count({ x: zeros(device, [size], { dtype }), y }, { threads: 1 });
    expect(await y.item()).toBe(expected);
  });
  test("a tensor that does not fill the last vector is refused, as is a wrong fixed size", () => {
    using _scope = device.scope();
    const copy = defineKernel(`
      @group(0) @binding(1) var<storage, read> x: array<vec4f>;
      @group(0) @binding(2) var<storage, read_write> y: array<f32, 3>;
      @compute @workgroup_size(1) fn copy() { y[0] = x[0].x; }`);
    expect(() => copy({ x: zeros(device, [7]), y: zeros(device, [3]) }, { threads: 1 })).toThrow(
      "copy: x must hold a multiple of 4 elements, got 7\n  x [7]",
    );
    expect(() => copy({ x: zeros(device, [8]), y: zeros(device, [4]) }, { threads: 1 })).toThrow(
      "copy: y must hold 3 elements, got 4\n  y [4]",
    );
  });
});

describe("more threads than one row of workgroups", () => {
  test("rows along y, each element once", async () => {
    using _scope = device.scope();
    const size = 65535 * 2 + 77;
    const increment = defineKernel(`
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(2)
      fn add(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
        let i = id.y * groups.x * 2u + id.x;
        if (i < arrayLength(&y)) { y[i] += f32(i % 13u); }
      }`);
    const y = zeros(device, [size]);
    increment({ y }, { threads: size });
    const values = await y.data();
    expect(values.every((value, i) => value === i % 13)).toBe(true);
  });
});

describe("in an op of one's own", () => {
  const forward = defineKernel(`
    @group(0) @binding(1) var<storage, read> x: array<f32>;
    @group(0) @binding(2) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn swish(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = x[id.x] / (1.0 + exp(-x[id.x])); }
    }`);
  const swish = defineOp({
    name: "swish",
    inputs: ["x"],
    plan: ([x]) => ({ shape: x.shape }),
    forward({ output }, [x]) {
      forward({ x, y: output }, { threads: x.size });
      return { x };
    },
    vjp: {
      x({ x }, gradOutput): Tensor {
        const s = sigmoid(x);
        const y = mul(x, s);
        return mul(gradOutput, mul(s, sub(x, y).add(1)));
      },
    },
  });
  test.each([[[1]], [[3, 5]], [[2, 31, 7]], [[0, 4]]])("values of %j", async (shape) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 4, [-6, 6]);
    const host = uniform(x.size, 4, -6, 6);
    expectClose(
      await swish(x).data(),
      Array.from(host, (v) => v / (1 + Math.exp(-v))),
      1e-6,
    );
  });
  test("gradient, and the gradient's gradient", async () => {
    using _scope = device.scope();
    await gradcheck(swish, [randomTensor(device, [4, 3], 1, [-2, 2])]);
    const x = randomTensor(device, [5], 2, [-2, 2], { requiresGrad: true });
    const slope = backward(sum(swish(x)), { wrt: [x], createGraph: true }).of(x);
    const second = Array.from(uniform(5, 2, -2, 2), (v) => {
      const s = 1 / (1 + Math.exp(-v));
      return s * (1 - s) * (2 + v * (1 - 2 * s));
    });
    expectClose(
      await backward(sum(slope), { wrt: [x] })
        .of(x)
        .data(),
      second,
      1e-5,
    );
  });
  test("a kernel that changes what backward saved is noticed", () => {
    using _scope = device.scope();
    const increment = defineKernel(`
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(64) fn add(@builtin(global_invocation_id) id: vec3u) { y[id.x] += 1.0; }`);
    const x = tensor(device, [1, 2, 3], [3], { requiresGrad: true });
    const y = swish(x);
    increment({ y: x }, { threads: 3 });
    expect(() => backward(y, { wrt: [x], gradOutput: zeros(device, [3]) })).toThrow(
      "an input of swish, [3], was changed in place",
    );
  });
});
