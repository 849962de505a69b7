import { describe, expect, test } from "vitest";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { type ClampOptions, clamp } from "../../src/tensor/ops/clamp.js";
import { clampBetween } from "../../src/tensor/ops/elementwise.js";
import { tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";

const device = await testDevice();
const values = [-2, -1, -0.25, 0, 0.5, 1, 7, Number.NaN];

describe("clamp", () => {
  test.each<{ options: ClampOptions; expected: number[]; passes: number[] }>([
    {
      options: { min: -1, max: 0.5 },
      expected: [-1, -1, -0.25, 0, 0.5, 0.5, 0.5, Number.NaN],
      passes: [0, 1, 1, 1, 1, 0, 0],
    },
    { options: { min: 0 }, expected: [0, 0, 0, 0, 0.5, 1, 7, Number.NaN], passes: [0, 0, 0, 1, 1, 1, 1] },
    { options: { max: -1 }, expected: [-2, -1, -1, -1, -1, -1, -1, Number.NaN], passes: [1, 1, 0, 0, 0, 0, 0] },
    { options: { min: 1, max: 1 }, expected: [1, 1, 1, 1, 1, 1, 1, Number.NaN], passes: [0, 0, 0, 0, 0, 1, 0] },
    {
      options: { min: -Infinity, max: 0 },
      expected: [-2, -1, -0.25, 0, 0, 0, 0, Number.NaN],
      passes: [1, 1, 1, 1, 0, 0, 0],
    },
  ])("$options: values, and gradients with the limits included", async ({ options, expected, passes }) => {
    using _scope = device.scope();
    const x = tensor(device, values, [2, 4], { requiresGrad: true });
    const y = clamp(x, options);
    expect(Array.from(await y.data())).toEqual(expected);
    const gradOutput = tensor(device, new Float32Array(8).fill(3), [2, 4]);
    const gradient = await backward(y, { gradOutput }).of(x).data();
    expect(Array.from(gradient).slice(0, 7)).toEqual(passes.map((pass) => 3 * pass));
  });
  test.each<ClampOptions>([{ min: -0.9, max: 0.6 }, { min: 0.3 }, { max: 0.3 }])("gradient: %o", async (options) => {
    await gradcheck((x) => clamp(x!, options), [tensor(device, [-2, -1, -0.25, 0, 0.5, 1, 7])]);
  });
  test("rejects limits that are none or crossed", () => {
    const x = tensor(device, [1]);
    expect(() => clamp(x, {})).toThrow("clamp: needs min or max, got neither");
    expect(() => clamp(x, { min: 2, max: 1 })).toThrow("clamp: min must not exceed max, got 2 and 1");
    expect(() => clamp(x, { min: Number.NaN })).toThrow("clamp: min must not exceed max, got NaN and undefined");
  });
});

/** x, low, high; what of the gradient goes to each, as torch.clamp of PyTorch 1.13 has it. */
const limited: readonly (readonly [number[], number[]])[] = [
  [
    [0, 1, 2],
    [0, 1, 0],
  ],
  [
    [3, 1, 2],
    [0, 0, 1],
  ],
  [
    [1.5, 1, 2],
    [1, 0, 0],
  ],
  [
    [1, 1, 2],
    [1, 0, 0],
  ],
  [
    [2, 1, 2],
    [1, 0, 0],
  ],
  [
    [0, 2, 1],
    [0, 0, 1],
  ],
  [
    [1.5, 2, 1],
    [0, 0, 1],
  ],
  [
    [1, 2, 1],
    [0, 0, 1],
  ],
  [
    [3, 2, 1],
    [0, 0, 1],
  ],
  [
    [0, 1, 1],
    [0, 0, 0],
  ],
  [
    [1, 1, 1],
    [1, 0, 0],
  ],
  [
    [2, 1, 1],
    [0, 0, 1],
  ],
  [
    [Number.NaN, 1, 2],
    [0, 0, 0],
  ],
];

describe("clampBetween", () => {
  test("gradients of the limits too: at a limit, with crossed and with equal limits, of NaN", async () => {
    using _scope = device.scope();
    const leaves = [0, 1, 2].map((k) =>
      tensor(
        device,
        limited.map(([point]) => point[k]!),
        [limited.length],
        { requiresGrad: true },
      ),
    );
    const output = clampBetween(leaves[0]!, leaves[1]!, leaves[2]!);
    const gradients = backward(output, { gradOutput: tensor(device, new Float32Array(limited.length).fill(3)) });
    for (const [k, leaf] of leaves.entries())
      expect([...(await gradients.of(leaf).data())]).toEqual(limited.map(([, passes]) => 3 * passes[k]!));
  });
});
