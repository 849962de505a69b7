import { describe, expect, test } from "vitest";
import { CaptureError, DeviceError, DisposedError } from "../../src/kernels/errors.js";
import { Adam } from "../../src/nn/adam.js";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { Conv2d } from "../../src/nn/conv2d.js";
import { Ema } from "../../src/nn/ema.js";
import { GradientAccumulator } from "../../src/nn/gradient-accumulator.js";
import { Linear } from "../../src/nn/linear.js";
import { mse } from "../../src/nn/losses.js";
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { defineKernel } from "../../src/tensor/define-kernel.js";
import { add, mul, relu } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { createRng } from "../../src/tensor/random.js";
import { empty, type Tensor, zeros } from "../../src/tensor/tensor.js";
import { collectLeftovers, randomTensor, testDevice } from "../device.js";
import { openAnother, Training } from "../steady.js";

const device = await testDevice();

/** What a call of the function costs: commands, and pipelines made. */
async function cost(run: () => Promise<unknown> | unknown, on = device) {
  const before = on.commandCounts();
  await run();
  await on.finish();
  const after = on.commandCounts();
  return {
    dispatches: after.dispatches - before.dispatches,
    submits: after.submits - before.submits,
    pipelines: after.pipelines - before.pipelines,
  };
}

describe("prepare", () => {
  test.each(["adam", "sgd"] as const)("%s: a prepared training has the bits of an eager one", async (optimizer) => {
    const digests = [];
    for (const prepared of [false, true]) {
      const training = new Training(device, { optimizer, captured: prepared });
      if (prepared) await training.prepare();
      const losses: number[] = [];
      for (let i = 0; i < 8; i++) losses.push(await training.step(i));
      digests.push(await training.digest(losses));
      training.dispose();
    }
    expect(digests[1]).toBe(digests[0]);
  });

  test("nothing runs, all pipelines are made, and the first call replays with one submit", async () => {
    const weight = randomTensor(device, [3, 7], 1);
    const x = randomTensor(device, [11, 7], 2);
    const fn = (input: Tensor) => relu(add(mul(input, sum(weight, { axes: [0] })), input));
    const eager = await fn(x).data();
    // Waiting alone costs a submit where some op before has noted wrong indices.
    const nothing = await cost(() => {});
    const run = capture(device, fn);
    const { submits, dispatches } = await cost(() => run.prepare(x));
    expect({ submits, dispatches }).toEqual({ submits: nothing.submits + 1, dispatches: 0 });
    const report = run.report();
    expect(report.recordings).toBe(1);
    const first = await cost(async () => expect(await run(x).data()).toEqual(eager));
    expect(first.pipelines).toBe(0);
    expect(first.dispatches).toBe(report.dispatches);
    // What was fused would have been dispatches, and pipelines, of its own in a call.
    expect(report.dispatches).toBe(2);
    // Prepared already: nothing to do.
    expect(await cost(() => run.prepare(x))).toEqual(nothing);
    run.dispose();
  });

  test("what the host counts counts once: steps, averages, accumulated gradients", async () => {
    const states = [];
    for (const mode of ["eager", "captured", "prepared"] as const) {
      const net = new Linear(createRng(device, 1), { inFeatures: 5, outFeatures: 3 });
      const optimizer = new Adam(net.parameters(), { lr: 0.05 });
      const ema = new Ema(net, { decay: 0.9 });
      const sums = new GradientAccumulator(net.parameters());
      const step = (x: Tensor, y: Tensor) => {
        for (const weight of [0.25, 0.75]) sums.add(backward(mse(net.forward(x), y)), { weight });
        optimizer.step(sums.take());
        ema.update();
      };
      const run = mode === "eager" ? null : capture(device, step);
      const [x, y] = [randomTensor(device, [4, 5], 1), randomTensor(device, [4, 3], 2)];
      if (mode === "prepared") await run?.prepare(x, y);
      for (let i = 0; i < 4; i++) {
        using _scope = device.scope();
        (run ?? step)(x, y);
      }
      states.push([
        await readState(net.stateDict()),
        await readState(optimizer.stateDict()),
        await readState(ema.stateDict()),
      ]);
      run?.dispose();
    }
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  });

  test("a graph made before it can still go backward, and so it is after a function that throws", async () => {
    const weight = randomTensor(device, [3], 1);
    weight.requiresGrad = true;
    const optimizer = new Adam([weight], { lr: 0.1 });
    const loss = sum(mul(weight, weight), {});
    for (const fails of [true, false]) {
      const run = capture(device, () => {
        optimizer.step(backward(sum(mul(weight, weight), {})));
        if (fails) throw new RangeError("no");
      });
      if (fails) await expect(run.prepare()).rejects.toThrow(RangeError);
      else await run.prepare();
      run.dispose();
    }
    const gradient = await backward(loss).of(weight).data();
    expect(gradient).toEqual((await weight.data()).map((v) => Math.fround(2 * v)));
    const { steps } = Object.fromEntries(await readState(optimizer.stateDict()));
    expect([...(steps?.values ?? [])]).toEqual([0]);
  });

  test("a kernel that does not compile rejects with its name, and spoils nothing else", async () => {
    const broken = defineKernel(`
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(64) fn broken(@builtin(global_invocation_id) id: vec3u) { y[id.x] = vec2f(1.0); }`);
    const run = capture(device, () => {
      const y = empty(device, [64]);
      broken({ y }, { threads: 64 });
      return y;
    });
    await expect(run.prepare()).rejects.toThrow(DeviceError);
    await expect(run.prepare()).rejects.toThrow(/^broken: the GPU reported: [\s\S]*vec2/);
    expect(await zeros(device, [2]).data()).toEqual(new Float32Array(2));
    run.dispose();
  });

  test("is refused in a captured function and after dispose", async () => {
    const inner = capture(device, (x: Tensor) => relu(x));
    const pending: Promise<unknown>[] = [];
    const outer = capture(device, (x: Tensor) => {
      pending.push(inner.prepare(x).catch((error: unknown) => error));
      return relu(x);
    });
    const x = randomTensor(device, [5], 1);
    expect(() => outer(x)).toThrow(/^prepare: a captured function cannot wait for the GPU; prepare before the call$/);
    expect(await Promise.all(pending)).toEqual([expect.any(CaptureError)]);
    inner.dispose();
    await expect(inner.prepare(x)).rejects.toThrow(DisposedError);
  });

  test("disposed, or called, while it compiles: no recording too many, no memory left", async () => {
    await collectLeftovers();
    const x = randomTensor(device, [5], 1);
    const before = device.memory().capturedBytes;
    const gone = capture(device, (input: Tensor) => relu(input));
    const waiting = gone.prepare(x);
    gone.dispose();
    await expect(waiting).rejects.toThrow(DisposedError);
    expect(device.memory().capturedBytes).toBe(before);
    const run = capture(device, (input: Tensor) => relu(input));
    const [first, second] = [run.prepare(x), run.prepare(x)];
    run(x).dispose();
    await Promise.all([first, second]);
    expect(run.report().recordings).toBe(1);
    run.dispose();
    expect(device.memory().capturedBytes).toBe(before);
  });

  test("a new batch size compiles next to nothing, a remainder neither", async () => {
    // Nothing is compiled there yet.
    const device = await openAnother();
    const rng = createRng(device, 1);
    const conv = new Conv2d(rng, { inChannels: 3, outChannels: 16, kernelSize: 3, stride: 2, padding: "same" });
    const norm = new BatchNorm2d(device, { channels: 16 });
    const last = new Linear(rng, { inFeatures: 8 * 7 * 16, outFeatures: 10 });
    const optimizer = new Adam([...conv.parameters(), ...norm.parameters(), ...last.parameters()], { lr: 0.01 });
    const step = capture(device, (x: Tensor, y: Tensor) => {
      const features = relu(norm.forward(conv.forward(x)));
      const loss = mse(last.forward(reshape(features, { shape: [-1, 8 * 7 * 16] })), y);
      optimizer.step(backward(loss));
      return loss;
    });
    const made: number[] = [];
    for (const batch of [16, 24, 32, 13]) {
      const [x, y] = [randomTensor(device, [batch, 16, 14, 3], 1), randomTensor(device, [batch, 10], 2)];
      const { pipelines } = await cost(async () => {
        await step.prepare(x, y);
        step(x, y).dispose();
      }, device);
      made.push(pipelines);
    }
    expect(made[0]).toBeGreaterThan(10);
    // One form of a reduction, for larger batches.
    expect(made.slice(1).reduce((a, b) => a + b)).toBeLessThanOrEqual(1);
    step.dispose();
    device.destroy();
  });
});
