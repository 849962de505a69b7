import { describe, expect, test } from "vitest";
import { constantInit, fansOf, glorotNormal, glorotUniform, heNormal, zerosInit } from "../../src/nn/initialisers.js";
import { createRng } from "../../src/tensor/random.js";
import { expectClose, testDevice } from "../device.js";

const device = await testDevice();
const std = (values: ArrayLike<number>) => {
  const list = Array.from(values);
  return Math.sqrt(list.reduce((a, b) => a + b * b, 0) / list.length);
};

test.each([
  [[100, 300], 100, 300],
  [[3, 5, 16, 32], 240, 480],
  [[14, 14, 32, 4643], 6272, 910028],
  [[64], 8, 8],
  [[], 1, 1],
])("fansOf %j", (shape, fanIn, fanOut) => {
  expect(fansOf(shape)).toEqual({ fanIn, fanOut });
});

describe("spread and bounds", () => {
  const shape = [3, 5, 32, 64];
  const { fanIn, fanOut } = fansOf(shape);
  test.each([
    ["glorotNormal", glorotNormal, Math.sqrt(2 / (fanIn + fanOut)), 2 / 0.8796256610342398],
    ["glorotUniform", glorotUniform, Math.sqrt(2 / (fanIn + fanOut)), Math.sqrt(3)],
    ["heNormal", heNormal, Math.sqrt(2 / fanIn), 2 / 0.8796256610342398],
  ] as const)("%s", async (_name, init, sigma, most) => {
    const values = await init(createRng(device, 1), shape).data();
    expect(Math.abs(std(values) / sigma - 1)).toBeLessThan(0.02);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(most * sigma * 1.000001);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(most * sigma * 0.99);
  });
  test("explicit fans", async () => {
    const values = await glorotNormal(createRng(device, 1), [6272, 10], { fanIn: 6272, fanOut: 910028 }).data();
    expect(std(values)).toBeCloseTo(0.00148, 4);
  });
  test("constants", async () => {
    const rng = createRng(device, 1);
    expectClose(await zerosInit(rng, [3]).data(), [0, 0, 0], 0);
    expectClose(await constantInit(0.5)(rng, [2]).data(), [0.5, 0.5], 0);
  });
});
