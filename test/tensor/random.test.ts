import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { random } from "../../src/kernels/random.js";
import { createRng } from "../../src/tensor/random.js";
import { empty, tensor } from "../../src/tensor/tensor.js";
import { expectClose, testDevice } from "../device.js";
import { wordsReference } from "../reference/random.js";

const device = await testDevice();

/** Mean, standard deviation and extremes of a draw. */
function moments(values: ArrayLike<number>) {
  const list = Array.from(values);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  const std = Math.sqrt(list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length);
  return { mean, std, least: list.reduce((a, b) => Math.min(a, b)), most: list.reduce((a, b) => Math.max(a, b)) };
}

const count = 100_003;
/** Five standard errors of the mean of `count` numbers. */
const slack = 5 / Math.sqrt(count);

describe("Philox4x32-10", () => {
  // kat_vectors of Random123 (Salmon et al. 2011).
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("known answer: counter %j, key %j", async (counter, key, expected) => {
    const stream = tensor(device, [...key, ...counter], [6], { dtype: "u32" });
    const output = empty(device, [4], "u32");
    random(device, "bits", {}, stream.storage, output.storage, 4);
    expect([...(await output.data())]).toEqual(expected);
  });
  test.each([
    { seed: 0, counter: 0 },
    { seed: 2 ** 53 - 1, counter: 2 ** 32 - 3 },
  ])("words of seed $seed from block $counter, over the carry", async (state) => {
    const rng = createRng(device, 1);
    rng.restore(state);
    expect([...(await rng.bits([5, 7]).data())]).toEqual([...wordsReference(state.seed, state.counter, 35)]);
    expect(await rng.state()).toEqual({ seed: state.seed, counter: state.counter + 9 });
    expect([...(await rng.bits([3]).data())]).toEqual([...wordsReference(state.seed, state.counter + 9, 3)]);
  });
  test("more workgroups than one axis holds", async () => {
    const blocks = 65_536 * 64 + 5;
    const last = (
      await device
        .rng(7)
        .bits([4 * blocks])
        .data()
    ).slice(-8);
    expect([...last]).toEqual([...wordsReference(7, blocks - 2, 8)]);
    device.trim();
  });
  test("the kernels that draw share one text", () => {
    const read = (name: string) => {
      const text = readFileSync(new URL(`../../src/kernels/wgsl/${name}.wgsl`, import.meta.url), "utf8");
      const end = "stream[4], stream[5]));\n}\n";
      return text.slice(text.indexOf("// The high word"), text.indexOf(end) + end.length);
    };
    expect(read("dropout")).toBe(read("random"));
    expect(read("random").length).toBeGreaterThan(500);
  });
});

describe("distributions", () => {
  test("uniform: bounds, mean and spread", async () => {
    const m = moments(await device.rng(1).uniform([count], { low: -2, high: 3 }).data());
    expect(m.least).toBeGreaterThanOrEqual(-2);
    expect(m.most).toBeLessThan(3);
    expect(Math.abs(m.mean - 0.5)).toBeLessThan(5 * slack);
    expect(Math.abs(m.std - 5 / Math.sqrt(12))).toBeLessThan(5 * slack);
  });
  test("uniform: never the end of a narrow interval", async () => {
    const high = 1 + 2 ** -23;
    expect(moments(await device.rng(1).uniform([1001], { low: 1, high }).data()).most).toBeLessThan(high);
  });
  test("normal: the inverse of the distribution function, word by word", async () => {
    const values = await device.rng(2).normal([count]).data();
    const bits = wordsReference(2, 0, count);
    // Phi(z) must give back the uniform number; erf by its series, exact to 1e-12 for |z| < 4.
    for (let i = 0; i < 300; i++) {
      const uniform = (bits[i]! & 0x7fffffff) / 2 ** 31;
      const z = Math.abs(values[i]!) / Math.SQRT2;
      let term = z;
      let erf = z;
      for (let k = 1; k < 80; k++) {
        term *= (-z * z) / k;
        erf += term / (2 * k + 1);
      }
      expect(Math.abs((2 / Math.sqrt(Math.PI)) * erf - uniform)).toBeLessThan(2e-6);
      expect(values[i]! < 0).toBe(bits[i]! > 0x7fffffff);
    }
  });
  test("normal: mean, spread, tails", async () => {
    const values = await device.rng(2).normal([count], { mean: 3, std: 2 }).data();
    const m = moments(values);
    expect(Math.abs(m.mean - 3)).toBeLessThan(2 * slack);
    expect(Math.abs(m.std - 2)).toBeLessThan(2 * slack);
    const outside = Array.from(values).filter((v) => Math.abs(v - 3) > 4).length / count;
    expect(Math.abs(outside - 0.0455)).toBeLessThan(slack * 0.21);
    expect(m.most).toBeGreaterThan(3 + 2 * 3.5);
    expect(m.most).toBeLessThan(3 + 2 * 6.4);
  });
  test("truncatedNormal: two sigma, and 0.8796 of the spread", async () => {
    const m = moments(await device.rng(3).truncatedNormal([count], { mean: 1, std: 0.5 }).data());
    expect(m.least).toBeGreaterThanOrEqual(0);
    expect(m.most).toBeLessThanOrEqual(2);
    expect(m.most).toBeGreaterThan(1.99);
    expect(Math.abs(m.mean - 1)).toBeLessThan(slack);
    expect(Math.abs(m.std - 0.5 * 0.8796257)).toBeLessThan(slack);
  });
  test("integers: every value as often, as i32", async () => {
    const draw = device.rng(4).integers([count], { low: -3, high: 4 });
    expect(draw.dtype).toBe("i32");
    const counts = new Map<number, number>();
    for (const v of await draw.data()) counts.set(v, (counts.get(v) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    for (const n of counts.values()) expect(Math.abs(n / count - 1 / 7)).toBeLessThan(slack);
    const wide = await device
      .rng(4)
      .integers([64], { low: -(2 ** 31), high: 2 ** 31 - 1 })
      .data();
    expect(wide.some((v) => v < 0) && wide.some((v) => v > 0)).toBe(true);
  });
  test("bernoulli: as often as asked, as bool", async () => {
    const draw = device.rng(5).bernoulli([count], 0.3);
    expect(draw.dtype).toBe("bool");
    const m = moments(await draw.data());
    expect(Math.abs(m.mean - 0.3)).toBeLessThan(slack);
    expect([m.least, m.most]).toEqual([0, 1]);
    expect(moments(await device.rng(5).bernoulli([1001], 1).data()).least).toBe(1);
    expect(moments(await device.rng(5).bernoulli([1001], 0).data()).most).toBe(0);
  });
  test("an empty shape draws nothing", async () => {
    const rng = device.rng(6);
    expect((await rng.normal([0, 3]).data()).length).toBe(0);
    expect((await rng.state()).counter).toBe(0);
  });
});

describe("streams", () => {
  test("state and restore repeat a draw; other seeds do not", async () => {
    const rng = device.rng(11);
    await rng.normal([10]).data();
    const state = await rng.state();
    expect(state).toEqual({ seed: 11, counter: 3 });
    const first = await rng.normal([10]).data();
    rng.restore(state);
    expectClose(await rng.normal([10]).data(), first, 0);
    expect([...(await device.rng(12).normal([10]).data())]).not.toEqual([...first]);
  });
  test("fork: of its own, and independent of how far the parent has come", async () => {
    const rng = device.rng(11);
    const before = rng.fork("dropout").seed;
    await rng.bits([8]).data();
    expect(rng.fork("dropout").seed).toBe(before);
    const seeds = new Set([11, before, rng.fork("noise").seed, device.rng(12).fork("dropout").seed]);
    expect(seeds.size).toBe(4);
    for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true);
  });
  test("draws are freed with their scope; the generator lives on", async () => {
    const rng = device.rng(1);
    const before = device.memory();
    {
      using _scope = device.scope();
      rng.uniform([100]);
    }
    expect(device.memory().tensors).toBe(before.tensors);
    expect((await rng.state()).counter).toBe(25);
    rng.dispose();
    expect(device.memory().tensors).toBe(before.tensors - 1);
  });
  test("rejects what is out of range", () => {
    const rng = device.rng(0);
    expect(() => device.rng(-1)).toThrow("rng: seed must be a whole number in [0, 2^53), got -1");
    expect(() => rng.restore({ seed: 0, counter: 0.5 })).toThrow("rng: counter must be a whole number");
    expect(() => rng.uniform([1], { low: 2, high: 1 })).toThrow("rng.uniform: low must not exceed high, got 2 and 1");
    expect(() => rng.normal([1], { std: -1 })).toThrow("rng.normal: std must not be negative, got -1");
    expect(() => rng.truncatedNormal([1], { std: -1 })).toThrow("rng.truncatedNormal: std must not be negative");
    expect(() => rng.integers([1], { high: 0 })).toThrow("rng.integers: low and high must be 32-bit integers");
    expect(() => rng.bernoulli([1], 1.5)).toThrow("rng.bernoulli: p must lie in [0, 1], got 1.5");
    expect(() => rng.bits([-1])).toThrow("rng.bits: sizes must be whole numbers >= 0, got [-1]");
  });
});
