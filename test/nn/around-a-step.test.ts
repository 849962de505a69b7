/** What stands around an optimizer's step: clipping, accumulation, loss scaling, averages. */
import { describe, expect, test } from "vitest";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { clipByGlobalNorm, clipByValue, globalNorm } from "../../src/nn/clip.js";
import { Ema } from "../../src/nn/ema.js";
import { GradScaler } from "../../src/nn/grad-scaler.js";
import { GradientAccumulator } from "../../src/nn/gradient-accumulator.js";
import { Module, Parameter } from "../../src/nn/module.js";
import { Sgd } from "../../src/nn/sgd.js";
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { mul, square } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, testDevice, uniform } from "../device.js";

const device = await testDevice();
const tolerance = 2e-6;
const parameter = (values: ArrayLike<number>) => Parameter.from(tensor(device, values));
const gradientsOf = (...pairs: [Tensor, ArrayLike<number>][]) =>
  new Map(pairs.map(([key, values]) => [key, tensor(device, values)]));

describe("clipping", () => {
  const [a, b] = [tensor(device, [0, 0]), tensor(device, [0])];
  test.each([
    [1, 12],
    [2, Math.sqrt(9 + 16 + 25)],
    [Infinity, 5],
  ] as const)("by a global norm of p %d", async (p, norm) => {
    const gradients = gradientsOf([a, [3, -4]], [b, [5]]);
    expectClose([await globalNorm(gradients, { p }).item()], [norm], tolerance);
    const { gradients: clipped } = clipByGlobalNorm(gradients, { maxNorm: 2, p });
    expectClose(
      await clipped.of(a).data(),
      [3, -4].map((g) => (2 * g) / (norm + 1e-6)),
      tolerance,
    );
  });
  test("by value; NaN stays", async () => {
    const clipped = clipByValue(gradientsOf([a, [3, Number.NaN]], [b, [-0.25]]), { limit: 0.5 });
    expect([...(await clipped.of(a).data())]).toEqual([0.5, Number.NaN]);
    expect([...(await clipped.of(b).data())]).toEqual([-0.25]);
  });
  test("gradients without elements count nothing", async () => {
    const none = tensor(device, [], [0]);
    for (const p of [1, 2, Infinity] as const)
      expect(await globalNorm(new Map([[none, tensor(device, [], [0])]]), { p }).item()).toBe(0);
  });
  test("rejects", () => {
    expect(() => clipByValue(new Map(), { limit: -1 })).toThrow("clipByValue: limit must be at least 0, got -1");
    expect(() => globalNorm(new Map())).toThrow("globalNorm: there are no gradients");
    expect(() => globalNorm(gradientsOf([a, [1, 2]]), { p: 3 as never })).toThrow(
      "globalNorm: p must be 1, 2 or Infinity, got 3",
    );
  });
});

describe("GradientAccumulator", () => {
  test("sums weighted gradients, leaves out what had none, begins anew after take", async () => {
    const [p, q, r] = [parameter([1, 2]), parameter([3]), parameter([4])];
    const sums = new GradientAccumulator([p, q, r]);
    for (let round = 0; round < 2; round++) {
      {
        using _scope = device.scope();
        sums.add(gradientsOf([p, [1, 2]]), { weight: 0.5 });
        sums.add(gradientsOf([p, [10, 20]], [q, [7]]), { weight: 0.5 });
      }
      const taken = sums.take();
      expect([...taken.keys()]).toEqual([p, q]);
      expect([...(await taken.of(p).data()), ...(await taken.of(q).data())]).toEqual([5.5, 11, 3.5]);
    }
    sums.dispose();
  });
  test("four parts of a batch step as the whole batch", async () => {
    const values = uniform(8, 1);
    const run = async (parts: number) => {
      const p = parameter([0.5]);
      const optimizer = new Sgd([p], { lr: 0.1, momentum: 0.9 });
      const sums = new GradientAccumulator([p]);
      for (let step = 0; step < 3; step++) {
        for (let part = 0; part < parts; part++) {
          using _scope = device.scope();
          const x = tensor(device, values.slice((8 / parts) * part, (8 / parts) * (part + 1)));
          sums.add(backward(sum(square(mul(x, p)))));
        }
        optimizer.step(sums.take());
      }
      return p.data();
    };
    expectClose(await run(4), await run(1), tolerance);
  });
  test("rejects another shape, and no parameters", () => {
    const p = parameter([1, 2]);
    expect(() => new GradientAccumulator([])).toThrow("GradientAccumulator: needs at least one parameter");
    expect(() => new GradientAccumulator([p]).add(gradientsOf([p, [1]]))).toThrow(
      "must have the same shape, got [2] and [1]",
    );
  });
});

describe("GradScaler", () => {
  test.each([Number.NaN, Infinity, -Infinity])("a step with %d is skipped, and halves the scale", async (bad) => {
    const [p, q] = [parameter([1, 2]), parameter([3])];
    const optimizer = new Sgd([p, q], { lr: 1 });
    const scaler = new GradScaler(device, { scale: 1024, growthInterval: 2 });
    expect(await scaler.step(optimizer, gradientsOf([p, [1, bad]], [q, [1]]))).toBe(false);
    expect([...(await p.data()), ...(await q.data())]).toEqual([1, 2, 3]);
    expect(scaler.state()).toEqual({ scale: 512, goodSteps: 0 });
    for (let i = 0; i < 2; i++) expect(await scaler.step(optimizer, gradientsOf([p, [1, 1]]))).toBe(true);
    expect([...(await p.data())]).toEqual([-1, 0]);
    expect(scaler.state()).toEqual({ scale: 1024, goodSteps: 0 });
  });
  test("scale and unscale cancel, after a restore too", async () => {
    using _scope = device.scope();
    const x = tensor(device, [3], [1], { requiresGrad: true });
    const scaler = new GradScaler(device);
    const restored = new GradScaler(device);
    restored.restore({ scale: 8, goodSteps: 5 });
    expect(restored.state()).toEqual({ scale: 8, goodSteps: 5 });
    for (const [one, scale] of [
      [scaler, 65536],
      [restored, 8],
    ] as const) {
      const loss = one.scale(sum(square(x)));
      expect(await loss.item()).toBe(9 * scale);
      expect([...(await one.unscale(backward(loss)).of(x).data())]).toEqual([6]);
    }
  });
  test("rejects", () => {
    expect(() => new GradScaler(device, { backoff: 2 })).toThrow(
      "GradScaler: needs scale > 0, growth >= 1, backoff in",
    );
  });
});

class Net extends Module {
  readonly weight = parameter([1, -2]);
  readonly norm = new BatchNorm2d(device, { channels: 2 });
}

describe("Ema", () => {
  test.each([false, true])("averages, swapped in and out; warmUp %s", async (warmUp) => {
    const net = new Net();
    const ema = new Ema(net, { decay: 0.75, warmUp });
    let average = [1, -2];
    for (let t = 1; t <= 4; t++) {
      net.weight.write([t, 2 * t]);
      net.norm.runningMean.write([t, t]);
      ema.update();
      const keep = warmUp ? Math.min(0.75, (1 + t) / (10 + t)) : 0.75;
      average = average.map((value, i) => keep * value + (1 - keep) * (i + 1) * t);
    }
    ema.swap();
    expectClose(await net.weight.data(), average, tolerance);
    expect((await net.norm.runningMean.data())[0]).toBeLessThan(4);
    expect(() => ema.update()).toThrow("Ema: update while the averages are swapped in; call swap() first");
    ema.swap();
    expect([...(await net.weight.data())]).toEqual([4, 8]);
    const other = new Ema(net, { decay: 0.75, warmUp });
    other.loadStateDict(await readState(ema.stateDict()));
    for (const one of [ema, other]) one.update();
    expect(await readState(other.stateDict())).toEqual(await readState(ema.stateDict()));
    for (const one of [ema, other]) one.dispose();
  });
  test("and sums of gradients in a captured step: the bits of eager steps", async () => {
    const inputs = [1, 2, 3, 4].map((seed) => uniform(2, seed));
    const run = async (captured: boolean) => {
      const net = new Net();
      const [optimizer, ema] = [new Sgd([net.weight], { lr: 0.1 }), new Ema(net, { warmUp: true })];
      const sums = new GradientAccumulator([net.weight]);
      const step = (x: Tensor) => {
        for (const weight of [0.25, 0.75]) sums.add(backward(sum(square(mul(net.weight, x)))), { weight });
        optimizer.step(sums.take());
        ema.update();
      };
      const fast = capture(device, step);
      for (const values of inputs) {
        using _scope = device.scope();
        (captured ? fast : step)(tensor(device, values));
      }
      const state = await readState(ema.stateDict());
      fast.dispose();
      return [state.get("weight")!.values, state.get("updates")!.values, await net.weight.data()];
    };
    expect(await run(true)).toEqual(await run(false));
  });
  test("an update makes values saved before a swap stale; rejects", () => {
    const net = new Net();
    const ema = new Ema(net);
    const loss = sum(square(net.weight));
    ema.swap();
    expect(() => backward(loss)).toThrow("was changed in place");
    expect(() => new Ema(net, { decay: 2 })).toThrow("Ema: decay must lie in [0, 1], got 2");
    expect(() => ema.loadStateDict(new Map())).toThrow("Ema.loadStateDict: the entries must be those of the state");
  });
});
