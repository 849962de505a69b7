/** f16: how it is stored, converted and refused. What ops and gradients make of it is in half-ops.test.ts and half-training.test.ts. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { fullLike } from "../../src/tensor/constructors.js";
import { defineKernel } from "../../src/tensor/define-kernel.js";
import { halfToNumber, numberToHalf } from "../../src/tensor/half.js";
import { cast } from "../../src/tensor/ops/cast.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { readSafetensors, writeSafetensors } from "../../src/tensor/safetensors.js";
import { full, ones, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";

const device = await testDevice();
const half = { dtype: "f16" } as const;
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** The words in which an f16 tensor is stored. */
async function words(x: Tensor): Promise<Uint16Array> {
  return new Uint16Array(await device.read(x.storage, x.byteLength));
}

/** f32 numbers by their bits, which a conversion on the host might change. */
function fromBits(bits: Uint32Array<ArrayBuffer>): Tensor {
  const x = zeros(device, [bits.length]);
  device.write(x.storage, bits);
  return x;
}

/** An f16 tensor by its bits. */
function fromHalves(halves: Uint16Array<ArrayBuffer>): Tensor {
  const x = zeros(device, [halves.length], half);
  device.write(x.storage, halves);
  return x;
}

const every = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const isNaNHalf = (bits: number) => (bits & 0x7fff) > 0x7c00;

describe("f16 to f32 and back", () => {
  test("all 65,536 halves are widened exactly and come back as they were", async () => {
    using _scope = device.scope();
    const x = fromHalves(every);
    const wide = cast(x, "f32");
    const values = (await wide.data()) as Float32Array;
    expect(Array.from(every).filter((bits) => !Object.is(values[bits], halfToNumber(bits)))).toEqual([]);
    // NaN keeps sign and payload on the way out, and becomes quiet on the way back.
    const back = await words(cast(wide, "f16"));
    expect(back).toEqual(every.map((bits) => (isNaNHalf(bits) ? bits | 0x200 : bits)));
    expect(Float32Array.from(await x.data())).toEqual(values);
  });
  test("between neighbours: the nearer, at the middle the even one, on both sides of 0", async () => {
    using _scope = device.scope();
    const bits: number[] = [];
    const expected: number[] = [];
    for (let low = 0; low < 0x7c00; low++) {
      // The neighbour of the largest half would be 65536, which stands for infinity.
      const [a, b] = [halfToNumber(low), low === 0x7bff ? 65536 : halfToNumber(low + 1)];
      const middle = bitsOf(Float32Array.of((a + b) / 2))[0] as number;
      const even = low % 2 === 0 ? low : low + 1;
      for (const sign of [0, 1]) {
        bits.push(...[middle - 1, middle, middle + 1].map((m) => (m + sign * 2 ** 31) >>> 0));
        expected.push(...[low, even, low + 1].map((h) => h + sign * 0x8000));
      }
    }
    expect(await words(cast(fromBits(Uint32Array.from(bits)), "f16"))).toEqual(Uint16Array.from(expected));
    const values = new Float32Array(Uint32Array.from(bits).buffer);
    expect(Uint16Array.from(values, numberToHalf)).toEqual(Uint16Array.from(expected));
  });
  test("as NumPy, 2,049 numbers from 2^-31 to 2^32", async () => {
    using _scope = device.scope();
    const fixture = JSON.parse(readFileSync("test/fixtures/half.json", "utf8")) as { count: number; halves: string };
    let state = 1;
    const bits = Uint32Array.from({ length: fixture.count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return ((state & 0x807fffff) | ((96 + ((state >>> 23) & 63)) << 23)) >>> 0;
    });
    const bytes = Uint8Array.from(Buffer.from(fixture.halves, "base64"));
    const expected = new Uint16Array(bytes.buffer);
    // An odd number: the last half word is padding.
    expect((await words(cast(fromBits(bits), "f16"))).slice(0, fixture.count)).toEqual(expected);
    expect(Uint16Array.from(new Float32Array(bits.buffer), numberToHalf)).toEqual(expected);
  });
  test("f32 subnormals, infinities and NaN", async () => {
    using _scope = device.scope();
    const bits = Uint32Array.of(1, 0x80000001, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x7f7fffff, 0x80000000);
    const found = await words(cast(fromBits(bits), "f16"));
    expect(Array.from(found)).toEqual([0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x7e00, 0x7c00, 0x8000]);
  });
  test("by way of f32 from and to whole numbers and bool", async () => {
    using _scope = device.scope();
    const x = cast(tensor(device, Int32Array.of(-7, 2049, 70000)), "f16");
    expect(x.dtype).toBe("f16");
    expect(Array.from(await x.data())).toEqual([-7, 2048, Number.POSITIVE_INFINITY]);
    expect(Array.from(await cast(tensor(device, [-1.5, 3], [2], half), "i32").data())).toEqual([-1, 3]);
    expect(Array.from(await cast(tensor(device, [0, 0.5], [2], half), "bool").data())).toEqual([0, 1]);
    expect(Array.from(await cast(tensor(device, [true, false]), "f16").data())).toEqual([1, 0]);
  });
  test("the same tensor where it is f16 already; gradients are f32 and pass", async () => {
    using _scope = device.scope();
    const x = tensor(device, [1, 2049, 3], [3], { requiresGrad: true });
    const y = cast(x, "f16");
    expect(cast(y, "f16")).toBe(y);
    expect(y.requiresGrad).toBe(true);
    const weight = tensor(device, [1.0001, 2, 1e6]);
    const gradient = backward(sum(mul(cast(y, "f32"), weight))).of(x);
    expect(gradient.dtype).toBe("f32");
    expect(Array.from(await gradient.data())).toEqual([Math.fround(1.0001), 2, 1e6]);
    const given = tensor(device, [0.5, 1, 2], [3], half);
    expect(Array.from(await backward(y, { gradOutput: given }).of(x).data())).toEqual([0.5, 1, 2]);
    const leaf = tensor(device, [3], [1], { ...half, requiresGrad: true });
    expect(
      Array.from(
        await backward(sum(mul(cast(leaf, "f32"), 2)))
          .of(leaf)
          .data(),
      ),
    ).toEqual([2]);
  });
});

describe("f16 tensors", () => {
  test.each([0, 1, 2, 3, 127, 128, 129, 1031])("%i elements take half the memory, there and back", async (count) => {
    using _scope = device.scope();
    const values = Float32Array.from({ length: count }, (_, i) => i / 8 - 3);
    const x = tensor(device, values, [count], half);
    expect(x.byteLength).toBe(4 * Math.ceil(count / 2));
    expect(x.storage.bytes).toBe(Math.max(256, 256 * Math.ceil((2 * count) / 256)));
    expect(await x.data()).toEqual(values);
    x.write(values.map((value) => -value));
    expect(await x.data()).toEqual(values.map((value) => -value));
    x.fill(2.5);
    expect(Array.from(await x.data())).toEqual(new Array(count).fill(2.5));
  });
  test("made by rule, of nested arrays, by example; rounded once", async () => {
    using _scope = device.scope();
    expect(Array.from(await ones(device, [3], half).data())).toEqual([1, 1, 1]);
    expect(Array.from(await full(device, [1], 1e-7, half).data())).toEqual([2 * 2 ** -24]);
    expect(await full(device, [], 65519.999999, half).item()).toBe(65504);
    expect(await full(device, [], 65520, half).item()).toBe(Number.POSITIVE_INFINITY);
    // Rounded to f32 first, this would be a tie.
    expect(await full(device, [], 1 + 2 ** -11 + 2 ** -40, half).item()).toBe(1 + 2 ** -10);
    expect(Object.is(await full(device, [], -0, half).item(), -0)).toBe(true);
    const x = tensor(device, [[1, 2, 3]], undefined, half);
    expect(fullLike(x, 5).dtype).toBe("f16");
    expect(reshape(x, { shape: [3, 1] }).dtype).toBe("f16");
    expect(Array.from(await reshape(x, { shape: [3, 1] }).data())).toEqual([1, 2, 3]);
  });
  test("go into and come out of captured functions", async () => {
    using _scope = device.scope();
    const step = capture(device, (x: Tensor) => [cast(mul(cast(x, "f32"), 2), "f16"), x]);
    for (const values of [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]) {
      const [y, same] = step(tensor(device, values, [3], half)) as [Tensor, Tensor];
      expect(y.dtype).toBe("f16");
      expect(Array.from(await y.data())).toEqual(values.map((value) => 2 * value));
      expect(Array.from(await same.data())).toEqual(values);
    }
    step.dispose();
  });
  test.runIf(device.adapter.features.includes("shader-f16"))("a kernel of one's own reads them as f16", async () => {
    using _scope = device.scope();
    const twice = defineKernel(`enable f16;
      @group(0) @binding(1) var<storage, read> x: array<f16>;
      @group(0) @binding(2) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(64) fn twice(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&y)) { y[id.x] = 2.0 * f32(x[id.x]); }
      }`);
    const y = zeros(device, [3]);
    twice({ x: tensor(device, [1.5, -2, 3], [3], half), y }, { threads: 3 });
    expect(Array.from(await y.data())).toEqual([3, -4, 6]);
  });
});

describe("safetensors", () => {
  test("F16 there and back, BF16 as f32", () => {
    const values = Float32Array.of(1.5, -0.25, 65504, 2 ** -24, Number.NEGATIVE_INFINITY);
    const file = writeSafetensors(
      new Map([
        ["b", { dtype: "bool", shape: [1], values: Uint32Array.of(1) }],
        ["h", { dtype: "f16", shape: [5], values }],
        ["f", { dtype: "f32", shape: [1], values: Float32Array.of(3) }],
      ]),
    );
    const { tensors } = readSafetensors(file);
    expect([...tensors.keys()]).toEqual(["f", "h", "b"]);
    expect(tensors.get("h")).toEqual({ dtype: "f16", shape: [5], values });
    const header = new TextEncoder().encode('{"x":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}');
    const bytes = new Uint8Array(8 + header.length + 6);
    bytes[0] = header.length;
    bytes.set(header, 8);
    bytes.set([0x80, 0x3f, 0x49, 0xc0, 0x80, 0xff], 8 + header.length);
    expect(readSafetensors(bytes).tensors.get("x")).toEqual({
      dtype: "f32",
      shape: [3],
      values: Float32Array.of(1, -3.140625, Number.NEGATIVE_INFINITY),
    });
  });
});
