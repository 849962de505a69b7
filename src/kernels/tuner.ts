/** Choosing tiles by measuring: the candidates of each matrix-product kernel, timed in turns on the device itself. */
import { conv2d } from "./conv2d.js";
import { conv2dGradWeight } from "./conv2d-grad-weight.js";
import type { Conv2dGeometry } from "./conv2d-product.js";
import type { Device } from "./device.js";
import { lanesToUse } from "./gemm.js";
import { matmul } from "./matmul.js";
import type { Storage } from "./storage.js";
import { setTiles, type Tile, tilesOf } from "./tiles.js";
import { adapterKey, type TileClass, type Tuning, tileClasses } from "./tuning.js";

/** What `tune` found for one kernel and width. */
export interface TuningResult {
  readonly name: string;
  /** Time of the chosen tile as a share of the built-in one's; 1 when that stays. */
  readonly share: number;
}

/** A problem of the class, large enough to fill the adapter: `run` records it once. */
function problem(device: Device, { family, width }: TileClass) {
  // Few enough to be narrow, and more than a convolution would leave to matmul.
  const columns = width === "wide" ? 64 : 2 * (lanesToUse(device) ?? 8);
  // The weight gradient turns itself round where that is wider.
  const C = family === "conv2d-grad-weight" ? columns : 64;
  const side = device.adapter.software ? 24 : 56;
  const held: Storage[] = [];
  const filled = (count: number) => {
    const storage = device.allocate(4 * count, "tune");
    // Small whole numbers: any order of the sums gives the same, so a wrong kernel shows and rounding does not.
    device.write(
      storage,
      Float32Array.from({ length: count }, (_, i) => (i % 7) - 3),
    );
    held.push(storage);
    return storage;
  };
  const size = 16 * side;
  const geometry: Conv2dGeometry = {
    ...{ N: 4, H: side, W: side, C, KH: 3, KW: 3, OH: side, OW: side, O: columns, groups: 1 },
    ...{ stride: [1, 1], dilation: [1, 1], before: [1, 1] },
  };
  const pixels = 4 * side * side;
  const [a, b] =
    family === "matmul" ? [filled(size * 256), filled(256 * columns)] : [filled(pixels * C), filled(9 * C * columns)];
  const gradOutput = filled(family === "conv2d-grad-weight" ? pixels * columns : 64);
  const outputs = { matmul: size * columns, conv2d: pixels * columns, "conv2d-grad-weight": 9 * C * columns }[family];
  const output = filled(outputs);
  const run = {
    matmul: () =>
      matmul(device, {
        ...{ a, b, output, bias: null, M: size, N: columns, K: 256 },
        transposeA: false,
        transposeB: false,
      }),
    conv2d: () => conv2d(device, geometry, { input: a, weight: b, bias: null, output }),
    "conv2d-grad-weight": () => conv2dGradWeight(device, geometry, { input: a, gradOutput, output }),
  }[family];
  return {
    run,
    read: () => device.read(output, 4 * outputs),
    release: () => {
      for (const storage of held) storage.release();
    },
  };
}

/** A candidate must take at most this share of the built-in choice's time to replace it. */
const worthwhile = 0.95;
const rounds = 5;

/** Milliseconds of `calls` runs. */
async function timeOf(device: Device, run: () => void, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  await device.finish();
  return performance.now() - start;
}

/** The candidate that is fastest and gives the built-in choice's result, bit for bit. */
async function measure(device: Device, tileClass: TileClass, set: (tile: Tile) => void) {
  const { run, read, release } = problem(device, tileClass);
  const timed: { tile: Tile; ms: number }[] = [];
  let expected: string | null = null;
  for (const tile of tileClass.candidates) {
    set(tile);
    run();
    const bits = new Uint32Array(await read()).join();
    expected ??= bits;
    if (bits === expected) timed.push({ tile, ms: Number.POSITIVE_INFINITY });
  }
  const calls = Math.max(1, Math.ceil(5 / Math.max(0.05, await timeOf(device, run, 1))));
  for (let round = 0; round < rounds; round++) {
    for (const entry of timed) {
      set(entry.tile);
      // The best of the rounds: other load only ever adds.
      entry.ms = Math.min(entry.ms, await timeOf(device, run, calls));
    }
  }
  release();
  const builtIn = timed[0] as { tile: Tile; ms: number };
  const best = timed.reduce((a, b) => (b.ms < a.ms ? b : a));
  return best.ms <= worthwhile * builtIn.ms
    ? { tile: best.tile, share: best.ms / builtIn.ms }
    : { tile: builtIn.tile, share: 1 };
}

/**
 * Measures which tiles of the matrix-product kernels (matmul, conv2d and its gradients) are fastest on this adapter, and uses them
 * from then on: some seconds on a GPU, up to a minute on a software driver, which compiles slowly. The bits of results are the same with every choice.
 *
 * @param onResult - Is told of each kernel as it is done.
 * @returns The choices, to be kept and handed to `useTuning` in a later process. Under Node `voxpix doctor --tune`
 *   keeps them, and `openDevice` finds them by itself.
 */
export async function tune(
  device: Device,
  onResult: (result: TuningResult) => void = () => undefined,
): Promise<Tuning> {
  const before = tilesOf(device);
  const choices = new Map<string, Tile>();
  try {
    for (const tileClass of tileClasses(device)) {
      const { key } = tileClass;
      const { tile, share } = await measure(device, tileClass, (candidate) =>
        setTiles(device, new Map([[key, candidate]])),
      );
      choices.set(key, tile);
      onResult({ name: key, share });
    }
  } catch (error) {
    setTiles(device, before);
    throw error;
  }
  setTiles(device, choices);
  return {
    version: 1,
    adapter: adapterKey(device),
    tiles: Object.fromEntries([...choices].map(([key, tile]) => [key, { ...tile }])),
  };
}
