/** Mixed precision: f32 weights and gradients, f16 activations, loss scaling. */
import { describe, expect, test } from "vitest";
import { Adam } from "../../src/nn/adam.js";
import { Conv2d } from "../../src/nn/conv2d.js";
import { GradScaler } from "../../src/nn/grad-scaler.js";
import { Linear } from "../../src/nn/linear.js";
import { mse } from "../../src/nn/losses.js";
import { Module } from "../../src/nn/module.js";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { cast } from "../../src/tensor/ops/cast.js";
import { relu } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { createRng, type Rng } from "../../src/tensor/random.js";
import type { DType, Tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();
const [N, size] = [16, 12];

class Net extends Module {
  readonly first: Conv2d;
  readonly second: Conv2d;
  readonly head: Linear;

  constructor(rng: Rng) {
    super();
    this.first = new Conv2d(rng, { inChannels: 3, outChannels: 8, kernelSize: 3, padding: 1 });
    this.second = new Conv2d(rng, { inChannels: 8, outChannels: 16, kernelSize: 3, padding: 1, stride: 2 });
    this.head = new Linear(rng, { inFeatures: (size / 2) ** 2 * 16, outFeatures: 5 });
  }

  forward(x: Tensor): Tensor {
    const features = relu(this.second.forward(relu(this.first.forward(x))));
    return this.head.forward(reshape(features, { shape: [x.shape[0] as number, -1] }));
  }
}

/** Trains from the same start on the same batch. @returns Losses, bytes that forward leaves for backward, and whether steps were taken. */
async function train(dtype: DType, scale: number, { steps = 60, largest = 1 } = {}) {
  using _scope = device.scope();
  const net = new Net(createRng(device, 5));
  const optimizer = new Adam(net.parameters(), { lr: 2e-3 });
  const scaler = new GradScaler(device, { scale, growthInterval: 20 });
  const [x, y] = [randomTensor(device, [N, size, size, 3], 1), randomTensor(device, [N, 5], 2, [-largest, largest])];
  const [losses, taken]: [number[], boolean[]] = [[], []];
  let saved = 0;
  for (let step = 0; step < steps; step++) {
    using _step = device.scope();
    const before = device.memory().bytes;
    const prediction = net.forward(cast(x, dtype));
    saved = device.memory().bytes - before;
    expect(prediction.dtype).toBe(dtype);
    const loss = mse(cast(prediction, "f32"), y);
    const gradients = scaler.unscale(backward(scaler.scale(loss)));
    expect([...gradients.values()].every((gradient) => gradient.dtype === "f32")).toBe(true);
    taken.push(await scaler.step(optimizer, gradients));
    losses.push(await loss.item());
  }
  scaler.dispose();
  return { losses, saved, taken };
}

describe("training with f16 activations", () => {
  test("follows the f32 run, in half the memory between forward and backward", async () => {
    const [single, half] = [await train("f32", 1), await train("f16", 65536)];
    const start = single.losses[0] as number;
    expect(single.losses.at(-1)).toBeLessThan(0.02 * start);
    expect(half.losses.at(-1)).toBeLessThan(0.02 * start);
    // Each step, within 1 % of the first loss.
    for (const [i, loss] of half.losses.entries())
      expect(Math.abs(loss - (single.losses[i] as number)), `step ${i}`).toBeLessThan(0.01 * start);
    expect(half.taken.every(Boolean)).toBe(true);
    // The f32 run needs no copy of the input; all else is half.
    expect(half.saved).toBeLessThan(0.65 * single.saved);
  });
  test("a scale that overflows costs one step, and then it goes on", async () => {
    const { losses, taken } = await train("f16", 2 ** 127, { steps: 12, largest: 1000 });
    expect(taken[0]).toBe(false);
    expect(taken.slice(2).every(Boolean)).toBe(true);
    expect(losses[1]).toBe(losses[0]);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
  });
  test("captured, with the bits of the eager step", async () => {
    const run = async (captured: boolean) => {
      using _scope = device.scope();
      const net = new Net(createRng(device, 5));
      const optimizer = new Adam(net.parameters(), { lr: 2e-3 });
      const step = (x: Tensor, y: Tensor) => {
        const loss = mse(cast(net.forward(cast(x, "f16")), "f32"), y);
        optimizer.step(backward(loss));
        return loss;
      };
      const again = captured ? capture(device, step) : step;
      const losses: number[] = [];
      for (let i = 0; i < 6; i++) {
        using _step = device.scope();
        const batch = [randomTensor(device, [N, size, size, 3], i), randomTensor(device, [N, 5], i + 9)] as const;
        losses.push(await again(...batch).item());
      }
      if ("dispose" in again) (again.dispose as () => void)();
      return losses;
    };
    expect(await run(true)).toEqual(await run(false));
  });
});
