import { describe, expect, test } from "vitest";
import { gradcheck, tensor } from "../../src/index.js";
import { fmriLoss } from "../../src/model/losses.js";
import { authorsPreset, paperPreset } from "../../src/model/presets.js";
import { asMap, groupLasso, weightPenalty } from "../../src/model/regularisers.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();
/** Sums of a few hundred f32 terms. */
const tolerance = 5e-6;

const close = (actual: number, expected: number) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected)));

function cosineReference(a: ArrayLike<number>, b: ArrayLike<number>, rows: number): number {
  const columns = a.length / rows;
  let total = 0;
  for (let r = 0; r < rows; r++) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let c = 0; c < columns; c++) {
      const [x, y] = [a[r * columns + c]!, b[r * columns + c]!];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    total += ab / Math.sqrt(aa * bb) / rows;
  }
  return total;
}

describe("fmriLoss", () => {
  const predicted = randomTensor(device, [5, 37], 1);
  const recorded = randomTensor(device, [5, 37], 2);
  const snr = randomTensor(device, [37], 3, [0, 2]);

  test("eq. 1: alpha times the mean square minus (1 - alpha) times the cosine", async () => {
    const [p, r] = [Array.from(await predicted.data()), Array.from(await recorded.data())];
    const mse = p.reduce((sum, v, i) => sum + (v - r[i]!) ** 2, 0) / p.length;
    const loss = await fmriLoss(predicted, recorded, paperPreset.encoderLoss, null).item();
    close(loss, 0.9 * mse - 0.1 * cosineReference(p, r, 5));
  });

  test("the released code's cycle loss: absolute error weighted by SNR", async () => {
    const [p, r, w] = [
      Array.from(await predicted.data()),
      Array.from(await recorded.data()),
      Array.from(await snr.data()),
    ];
    const mae = p.reduce((sum, v, i) => sum + w[i % 37]! * Math.abs(v - r[i]!), 0) / p.length;
    const loss = await fmriLoss(predicted, recorded, authorsPreset.cycleFmriLoss, snr).item();
    close(loss, mae - 0.1 * cosineReference(p, r, 5));
  });

  test("gradient", async () => {
    await gradcheck((x) => fmriLoss(x, recorded, paperPreset.encoderLoss, null), [predicted]);
  });
});

describe("regularisers", () => {
  const config = { l1: 10, group: 800, neighbours: 0.5, inputs: 72 };

  /** The formula of the released code, loop by loop. `w(y, x, c, v)`. */
  function groupLassoReference(
    w: (y: number, x: number, c: number, v: number) => number,
    [H, W, C, V]: readonly [number, number, number, number],
  ): number {
    const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);
    const square = (y: number, x: number, c: number, v: number) => w(clamp(y, H), clamp(x, W), c, v) ** 2;
    let [absolute, groups] = [0, 0];
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++)
        for (let v = 0; v < V; v++) {
          let energy = 0;
          for (let c = 0; c < C; c++) {
            const around =
              (square(y - 1, x, c, v) + square(y + 1, x, c, v) + square(y, x - 1, c, v) + square(y, x + 1, c, v)) / 4;
            energy += (square(y, x, c, v) + 0.5 * around) / 1.5 / C;
            absolute += Math.abs(w(y, x, c, v)) / (H * W * C * V);
          }
          groups += Math.sqrt(energy) / (H * W * V);
        }
    return 10 * absolute + 800 * groups;
  }

  test.each([
    {
      name: "Encoder's weight [y, x, c, v]",
      shape: [3, 3, 4, 5],
      axis: 2 as const,
      at: (y: number, x: number, c: number, v: number) => ((y * 3 + x) * 4 + c) * 5 + v,
    },
    {
      name: "Decoder's weight [v, y, x, c]",
      shape: [5, 3, 3, 4],
      axis: 3 as const,
      at: (y: number, x: number, c: number, v: number) => ((v * 3 + y) * 3 + x) * 4 + c,
    },
  ])("group lasso: $name", async ({ shape, axis, at }) => {
    const weight = randomTensor(device, [shape.reduce((a, b) => a * b, 1)], 5);
    const values = await weight.data();
    // 36 inputs (an Encoder's positions and channels) or 5 (a Decoder's voxels), against the 72 of the configuration.
    const factor = (axis === 2 ? 36 : 5) / 72;
    const expected = factor * groupLassoReference((y, x, c, v) => values[at(y, x, c, v)]!, [3, 3, 4, 5]);
    close(await groupLasso(asMap(weight, shape), axis, config).item(), expected);
    await gradcheck((w) => groupLasso(asMap(w, shape), axis, config), [weight], { step: 2e-3 });
  });

  test("L1 and L2 are sums", async () => {
    const weight = tensor(device, [1, -2, 3]);
    close(await weightPenalty(weight, 0.1, 0.01).item(), 0.1 * 6 + 0.01 * 14);
  });
});
