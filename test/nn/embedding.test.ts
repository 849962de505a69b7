import { describe, expect, test } from "vitest";
import {
  backward,
  createRng,
  Embedding,
  type EmbeddingLayerOptions,
  glorotUniform,
  gradcheck,
  mul,
  Sgd,
  square,
  sum,
  tensor,
} from "../../src/index.js";
import { embedding } from "../../src/tensor/ops/gather.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();
const sizes = { numEmbeddings: 7, embeddingDim: 3 };
const layer = (options: Partial<EmbeddingLayerOptions> = {}) =>
  new Embedding(createRng(device, 5), { ...sizes, ...options });
const indices = (dtype: "i32" | "u32") => tensor(device, [6, 2, 2, 0, 5, 2], [2, 1, 3], { dtype });

describe("Embedding", () => {
  test.each(["i32", "u32"] as const)("looks rows up by %s indices of any shape", async (dtype) => {
    const table = layer();
    const rows = table.forward(indices(dtype));
    expect(rows.shape).toEqual([2, 1, 3, 3]);
    const weight = await table.weight.data();
    const expected = [6, 2, 2, 0, 5, 2].flatMap((row) => [...weight.slice(3 * row, 3 * row + 3)]);
    expect([...(await rows.data())]).toEqual(expected);
  });

  test("starts as standard normal numbers, or as init says", async () => {
    const values = [...(await layer({ numEmbeddings: 200, embeddingDim: 101 }).weight.data())];
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    const drawn = await glorotUniform(createRng(device, 5), [7, 3]).data();
    expect([...(await layer({ init: glorotUniform }).weight.data())]).toEqual([...drawn]);
  });

  test("gradient: an index that comes three times adds up three times, others have zeros", async () => {
    const table = layer();
    const factors = randomTensor(device, [2, 1, 3, 3], 4);
    const gradients = backward(sum(mul(table.forward(indices("u32")), factors)));
    const f = await factors.data();
    const expected = Array.from({ length: 21 }, () => 0);
    for (const [k, row] of [6, 2, 2, 0, 5, 2].entries())
      for (let c = 0; c < 3; c++) expected[3 * row + c]! += f[3 * k + c]!;
    const actual = await gradients.of(table.weight).data();
    for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 6);
    await gradcheck((weight) => square(embedding(weight, indices("i32"))), [randomTensor(device, [7, 3], 8)]);
  });

  test.each([2, -5])("the row of paddingIdx %i is zero, stays zero, and has no gradient", async (paddingIdx) => {
    const table = layer({ paddingIdx });
    const row = async () => [...(await table.weight.data())].slice(6, 9);
    expect(await row()).toEqual([0, 0, 0]);
    const plain = await layer().weight.data();
    expect([...(await table.weight.data())].filter((_, i) => i < 6 || i > 8)).toEqual(
      [...plain].filter((_, i) => i < 6 || i > 8),
    );
    const gradients = backward(sum(table.forward(indices("u32"))));
    expect([...(await gradients.of(table.weight).data())]).toEqual(
      [1, 0, 0, 0, 0, 1, 1].flatMap((count) => [count, count, count]).map((count, i) => (i > 5 && i < 9 ? 0 : count)),
    );
    const optimizer = new Sgd(table.parameters(), { lr: 0.5 });
    optimizer.step(gradients);
    expect(await row()).toEqual([0, 0, 0]);
    optimizer.dispose();
  });

  test("a padding row that was loaded is used as it is", async () => {
    const table = layer({ paddingIdx: 1 });
    const values = Float32Array.from({ length: 21 }, (_, i) => i);
    table.loadStateDict(new Map([["weight", { shape: [7, 3], values }]]));
    expect([...table.stateDict().keys()]).toEqual(["weight"]);
    const rows = table.forward(tensor(device, [1, 4], [2], { dtype: "u32" }));
    expect([...(await rows.data())]).toEqual([3, 4, 5, 12, 13, 14]);
  });

  test("rejects sizes, a padding outside of the table, and indices that are no whole numbers", () => {
    expect(() => layer({ numEmbeddings: 0 })).toThrow("Embedding: numEmbeddings must be whole and at least 1, got 0");
    expect(() => layer({ embeddingDim: 2.5 })).toThrow("Embedding: embeddingDim must be whole and at least 1, got 2.5");
    expect(() => layer({ paddingIdx: 7 })).toThrow("Embedding: paddingIdx must be a row of 7, from -7 to 6, got 7");
    expect(() => layer({ paddingIdx: -8 })).toThrow("Embedding: paddingIdx must be a row of 7, from -7 to 6, got -8");
    expect(() => layer({ paddingIdx: 0 }).forward(tensor(device, [1, 2]))).toThrow(
      "embedding: indices must be i32 or u32, got f32",
    );
  });
});
