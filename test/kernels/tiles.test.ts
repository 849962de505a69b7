import { describe, expect, test } from "vitest";
import { lanesToUse } from "../../src/kernels/gemm.js";
import { gemmFamilies, setTiles, type Tile, tileCandidates, tileKey, tileWidths } from "../../src/kernels/tiles.js";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "../../src/tensor/ops/conv2d.js";
import { matmul } from "../../src/tensor/ops/matmul.js";
import { randomTensor, testDevice } from "../device.js";
import { gemmVersions, withVersion } from "../gemm.js";

const device = await testDevice();

/** Every op that has tiles, at one size of the result's columns; rows, columns and sums are no multiples of any tile. */
async function results(columns: number): Promise<Float32Array[]> {
  using scope = device.scope();
  void scope;
  const [a, b] = [randomTensor(device, [67, 53], 1), randomTensor(device, [53, columns], 2)];
  const [x, weight] = [randomTensor(device, [2, 9, 7, 11], 3), randomTensor(device, [3, 3, 11, columns], 4)];
  const gradOutput = randomTensor(device, [2, 9, 7, columns], 5);
  // The input gradient's columns are the input's channels.
  const [narrower, back] = [randomTensor(device, [3, 3, columns, 11], 6), randomTensor(device, [2, 9, 7, 11], 7)];
  const same = { padding: "same" } as const;
  const tensors = [
    matmul(a, b),
    conv2d(x, weight, null, same),
    conv2dGradInput(back, narrower, { ...same, inputSize: [9, 7] }),
    conv2dGradWeight(x, gradOutput, { ...same, kernelSize: [3, 3] }),
  ];
  return Promise.all(tensors.map(async (tensor) => (await tensor.data()) as Float32Array));
}

/** Candidate `index` of every kernel and width; the built-in one where there are fewer. */
function choices(index: number): Map<string, Tile> {
  const lanes = lanesToUse(device);
  const tiles = new Map<string, Tile>();
  for (const family of gemmFamilies) {
    for (const width of tileWidths) {
      const candidates = tileCandidates(device, family, lanes, width);
      tiles.set(tileKey(family, lanes, width), candidates[index] ?? (candidates[0] as Tile));
    }
  }
  return tiles;
}

describe.each(gemmVersions(device, ["lane", "tile"]))("tiles, %s version", (version) => {
  test.each([14, 37])("every candidate gives the same bits: %d columns", (columns) =>
    withVersion(device, version, async () => {
      const expected = await results(columns);
      const most = Math.max(
        ...gemmFamilies.flatMap((family) =>
          tileWidths.map((width) => tileCandidates(device, family, lanesToUse(device), width).length),
        ),
      );
      try {
        for (let index = 1; index < most; index++) {
          setTiles(device, choices(index));
          expect(await results(columns), `candidate ${index}`).toEqual(expected);
        }
      } finally {
        setTiles(device, new Map());
      }
    }),
  );
});
