import { describe, expect, test } from "vitest";
import { CaptureError, DisposedError } from "../../src/kernels/errors.js";
import { openDevice } from "../../src/kernels/open-device.js";
import { Adam } from "../../src/nn/adam.js";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { Conv2d } from "../../src/nn/conv2d.js";
import { crossEntropy } from "../../src/nn/cross-entropy.js";
import { Dropout } from "../../src/nn/dropout.js";
import { Linear } from "../../src/nn/linear.js";
import { mse } from "../../src/nn/losses.js";
import { Module } from "../../src/nn/module.js";
import { cosine } from "../../src/nn/schedules.js";
import { Sgd } from "../../src/nn/sgd.js";
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { type Captured, type CaptureOutput, capture } from "../../src/tensor/capture.js";
import { cumSum } from "../../src/tensor/ops/cumulative.js";
import { add, mul, relu, square } from "../../src/tensor/ops/elementwise.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { transpose } from "../../src/tensor/ops/transpose.js";
import { upsample2d } from "../../src/tensor/ops/upsample2d.js";
import { createRng, type Rng } from "../../src/tensor/random.js";
import { constant, full, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice, uniform } from "../device.js";

const device = await testDevice();

/** A network with everything that has state. */
class Net extends Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  readonly dropout: Dropout;
  readonly last: Linear;
  constructor(rng: Rng, masks: Rng) {
    super();
    this.conv = new Conv2d(rng, { inChannels: 2, outChannels: 6, kernelSize: 3, stride: 2, padding: "same" });
    this.norm = new BatchNorm2d(device, { channels: 6 });
    this.dropout = new Dropout(masks, { rate: 0.25 });
    this.last = new Linear(rng, { inFeatures: 2 * 3 * 6, outFeatures: 3 });
  }
  forward(x: Tensor): Tensor {
    const features = this.dropout.forward(this.norm.forward(relu(this.conv.forward(x))));
    return this.last.forward(reshape(features, { shape: [-1, 2 * 3 * 6] }));
  }
}

function start(kind: "sgd" | "adam") {
  const masks = createRng(device, 7).fork("dropout");
  const net = new Net(createRng(device, 1), masks);
  const optimizer =
    kind === "sgd"
      ? new Sgd(net.parameters(), { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-4 })
      : new Adam(net.parameters(), { lr: 0.01, amsgrad: true });
  const step = (x: Tensor, y: Tensor) => {
    const loss = mse(net.forward(x), y);
    optimizer.step(backward(loss));
    return loss;
  };
  return { net, optimizer, masks, step };
}

/** The function captured, or itself with what a captured one has. */
const maybeCaptured = <A extends readonly Tensor[], R extends CaptureOutput>(
  captured: boolean,
  fn: (...args: A) => R,
): Captured<A, R> =>
  captured
    ? capture(device, fn)
    : Object.assign((...args: A) => fn(...args), {
        prepare: async () => undefined,
        dispose: () => undefined,
        report: () => ({ recordings: 0, dispatches: 0, bytes: 0 }),
      });

/** Trains for so many steps, with a schedule and fresh data in each; returns all losses and all state. */
async function train(kind: "sgd" | "adam", captured: boolean, steps: number, batchOf = (_step: number) => 8) {
  const { net, optimizer, masks, step } = start(kind);
  const run = maybeCaptured(captured, step);
  const schedule = cosine({ lr: optimizer.lr, epochs: steps });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    using _scope = device.scope();
    optimizer.lr = schedule(i);
    const N = batchOf(i);
    losses.push(await run(randomTensor(device, [N, 4, 5, 2], 2 * i), randomTensor(device, [N, 3], 2 * i + 1)).item());
  }
  const state = {
    losses,
    net: await readState(net.stateDict()),
    optimizer: await readState(optimizer.stateDict()),
    rng: await masks.state(),
  };
  const report = run.report();
  for (const part of [run, net, optimizer, masks]) part.dispose();
  return { state, report };
}

describe("training", () => {
  test.each(["sgd", "adam"] as const)("%s: 60 steps have the bits of eager ones", async (kind) => {
    const eager = await train(kind, false, 60);
    const captured = await train(kind, true, 60);
    expect(captured.state).toEqual(eager.state);
    expect(captured.report.recordings).toBe(1);
  });
  test("batches of other sizes are recorded on their own", async () => {
    const batchOf = (step: number) => (step % 3 === 2 ? 5 : 8);
    const eager = await train("adam", false, 12, batchOf);
    const captured = await train("adam", true, 12, batchOf);
    expect(captured.state).toEqual(eager.state);
    expect(captured.report.recordings).toBe(2);
  });
  test("a replay is one submit, allocates no buffer, and has fewer dispatches than the eager step", async () => {
    const { net, optimizer, masks, step } = start("adam");
    const run = capture(device, step);
    const [x, y] = [randomTensor(device, [8, 4, 5, 2], 1), randomTensor(device, [8, 3], 2)];
    const counted = (body: () => Tensor) => {
      const before = device.commandCounts();
      body().dispose();
      const after = device.commandCounts();
      return { dispatches: after.dispatches - before.dispatches, submits: after.submits - before.submits };
    };
    run(x, y).dispose();
    run(x, y).dispose();
    await device.finish();
    const memory = device.memory();
    const replayed = counted(() => run(x, y));
    expect(replayed.submits).toBe(1);
    expect(device.memory()).toEqual(memory);
    expect(replayed.dispatches).toBe(run.report().dispatches);
    {
      using _scope = device.scope();
      const eager = counted(() => step(x, y));
      expect(replayed.dispatches).toBeLessThan(eager.dispatches);
    }
    run.dispose();
    for (const part of [net, optimizer, masks, x, y]) part.dispose();
  });
  test("a checkpoint loaded between two calls counts", async () => {
    const results = [];
    for (const captured of [false, true]) {
      const { net, optimizer, masks, step } = start("adam");
      const run = maybeCaptured(captured, step);
      const [x, y] = [randomTensor(device, [8, 4, 5, 2], 1), randomTensor(device, [8, 3], 2)];
      const losses: number[] = [];
      const take = async (count: number) => {
        for (let i = 0; i < count; i++) {
          using _scope = device.scope();
          losses.push(await run(x, y).item());
        }
      };
      await take(3);
      const saved = [await readState(net.stateDict()), await readState(optimizer.stateDict())] as const;
      const place = await masks.state();
      await take(3);
      net.loadStateDict(saved[0]);
      optimizer.loadStateDict(saved[1]);
      masks.restore(place);
      await take(3);
      results.push(losses);
      for (const part of [run, net, optimizer, masks, x, y]) part.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[1]!.slice(6)).toEqual(results[1]!.slice(3, 6));
  });
});

describe("what changes outside", () => {
  test("a module's mode, its dropout rate and frozen parameters are noticed", async () => {
    const { net, optimizer, masks, step } = start("sgd");
    const run = capture(device, step);
    const predict = capture(device, (x: Tensor) => net.forward(x));
    const [x, y] = [randomTensor(device, [8, 4, 5, 2], 1), randomTensor(device, [8, 3], 2)];
    using _scope = device.scope();
    run(x, y);
    net.eval();
    const first = await predict(x).data();
    expect(await predict(x).data()).toEqual(first);
    expect(await predict(x).data()).toEqual(await net.forward(x).data());
    net.train();
    run(x, y);
    expect(run.report().recordings).toBe(1);
    net.eval();
    expect(await predict(x).data()).toEqual(await net.forward(x).data());
    expect(predict.report().recordings).toBe(1);
    net.dropout.rate = 0;
    net.train();
    run(x, y);
    expect(run.report().recordings).toBe(2);
    net.last.freeze();
    const before = await net.last.weight.data();
    run(x, y);
    expect(await net.last.weight.data()).toEqual(before);
    net.last.unfreeze();
    run(x, y);
    expect(await net.last.weight.data()).not.toEqual(before);
    for (const part of [run, predict, net, optimizer, masks, x, y]) part.dispose();
  });
  test("a mode that the function itself sets and restores is no reason to record again", async () => {
    const norm = new BatchNorm2d(device, { channels: 3 });
    const x = randomTensor(device, [4, 3], 5);
    const run = capture(device, (input: Tensor) => {
      norm.freezeStatistics = true;
      const frozen = norm.forward(input);
      norm.freezeStatistics = false;
      return [frozen, norm.forward(input)];
    });
    using _scope = device.scope();
    for (let i = 0; i < 3; i++) run(x);
    expect(run.report().recordings).toBe(1);
    norm.eval();
    run(x);
    expect(run.report().recordings).toBe(2);
    for (const part of [run, norm, x]) part.dispose();
  });
  test("tensors of the surroundings count with their present content, and must be there", async () => {
    const factor = tensor(device, [2]);
    const run = capture(device, (x: Tensor) => mul(x, factor));
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 3]);
    expect(Array.from(await run(x).data())).toEqual([2, 4, 6]);
    factor.write([5]);
    expect(Array.from(await run(x).data())).toEqual([5, 10, 15]);
    factor.dispose();
    expect(() => run(x)).toThrow(DisposedError);
    run.dispose();
  });
  test("in-place changes by a replay are seen by backward", () => {
    const { net, optimizer, masks, step } = start("sgd");
    const run = capture(device, step);
    const [x, y] = [randomTensor(device, [8, 4, 5, 2], 1), randomTensor(device, [8, 3], 2)];
    using _scope = device.scope();
    run(x, y);
    const loss = sum(square(net.last.weight));
    run(x, y);
    expect(() => backward(loss)).toThrow("was changed in place");
    for (const part of [run, net, optimizer, masks, x, y]) part.dispose();
  });
  test("plain arguments are part of the signature, and the oldest recording goes", async () => {
    const run = capture(
      device,
      (x: Tensor, options: { factor: number; negate: boolean }) =>
        mul(x, constant(device, options.negate ? -options.factor : options.factor)),
      { limit: 2 },
    );
    using _scope = device.scope();
    const x = tensor(device, [1, 2]);
    const before = device.memory().capturedBytes;
    for (const factor of [1, 2, 3, 1]) {
      expect(Array.from(await run(x, { factor, negate: false }).data())).toEqual([factor, 2 * factor]);
      expect(Array.from(await run(x, { factor, negate: true }).data())).toEqual([-factor, -2 * factor]);
    }
    expect(run.report().recordings).toBe(2);
    expect(run.report().bytes).toBe(device.memory().capturedBytes - before);
    run.dispose();
    expect(device.memory().capturedBytes).toBe(before);
  });
});

describe("results", () => {
  test("are the caller's: kept ones are not overwritten by later calls", async () => {
    const run = capture(device, (x: Tensor) => ({ square: square(x), both: [x, add(x, x)], none: null }));
    using _scope = device.scope();
    const [a, b] = [tensor(device, [1, 2]), tensor(device, [3, 4])];
    const results = [run(a), run(b), run(a)];
    expect(await Promise.all(results.map(async ({ square: s }) => [...(await s.data())]))).toEqual([
      [1, 4],
      [9, 16],
      [1, 4],
    ]);
    expect(await Promise.all(results.map(async ({ both }) => [...(await both[0]!.data())]))).toEqual([
      [1, 2],
      [3, 4],
      [1, 2],
    ]);
    expect(await Promise.all(results.map(async ({ both }) => [...(await both[1]!.data())]))).toEqual([
      [2, 4],
      [6, 8],
      [2, 4],
    ]);
    expect(results[2]!.none).toBe(null);
    run.dispose();
    expect([...(await results[1]!.square.data())]).toEqual([9, 16]);
  });
  test("a function that returns nothing, one without arguments, and empty tensors", async () => {
    const total = zeros(device, [2]);
    const optimizer = new Sgd([total], { lr: 1 });
    const run = capture(device, (x: Tensor) => {
      optimizer.step(new Map([[total, x]]));
    });
    using _scope = device.scope();
    for (let i = 0; i < 3; i++) expect(run(tensor(device, [1, i]))).toBe(undefined);
    expect(Array.from(await total.data())).toEqual([-3, -3]);
    const rng = createRng(device, 3);
    const draw = capture(device, () => rng.uniform([3]));
    const drawn = [await draw().data(), await draw().data(), await draw().data()];
    const again = createRng(device, 3);
    expect(drawn).toEqual([
      await again.uniform([3]).data(),
      await again.uniform([3]).data(),
      await again.uniform([3]).data(),
    ]);
    const empty = capture(device, (x: Tensor) => [square(x), sum(x, { axes: 0 })]);
    for (let i = 0; i < 2; i++) {
      const [squares, sums] = empty(zeros(device, [0, 2]));
      expect(squares!.shape).toEqual([0, 2]);
      expect(Array.from(await sums!.data())).toEqual([0, 0]);
    }
    for (const part of [run, draw, empty, optimizer, total, rng, again]) part.dispose();
  });
  test("two optimizer steps in one call, and tensors filled inside", async () => {
    const results = [];
    for (const captured of [false, true]) {
      const weight = tensor(device, [1, 2, 3]);
      const optimizer = new Adam([weight], { lr: 0.1 });
      const step = (x: Tensor) => {
        const shifted = add(x, full(device, [3], 0.5));
        optimizer.step(new Map([[weight, shifted]]));
        optimizer.step(new Map([[weight, square(add(shifted, full(device, [3], 2)))]]));
      };
      const run = maybeCaptured(captured, step);
      for (let i = 0; i < 5; i++) {
        using _scope = device.scope();
        run(tensor(device, uniform(3, i)));
      }
      results.push(await weight.data());
      for (const part of [run, optimizer, weight]) part.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });
  test("ops that keep tables on the device work in a captured function from the first call on", async () => {
    const classes = tensor(device, [2, 0], [2], { dtype: "i32" });
    const run = capture(device, (x: Tensor) => [
      upsample2d(x, { size: [7, 5], mode: "bicubic" }),
      crossEntropy(reshape(x, { shape: [2, 6] }), classes, { ignoreIndex: -1 }),
      cumSum(x, { axis: 1 }),
    ]);
    using _scope = device.scope();
    for (const seed of [1, 2]) {
      const x = randomTensor(device, [2, 3, 2, 1], seed);
      const captured = run(x);
      const eager = [
        upsample2d(x, { size: [7, 5], mode: "bicubic" }),
        crossEntropy(reshape(x, { shape: [2, 6] }), classes, { ignoreIndex: -1 }),
        cumSum(x, { axis: 1 }),
      ];
      for (const [i, result] of eager.entries()) expect(await captured[i]!.data()).toEqual(await result.data());
    }
    for (const part of [run, classes]) part.dispose();
  });
  test("a captured function inside another is part of it", async () => {
    const inner = capture(device, (x: Tensor) => square(x));
    const outer = capture(device, (x: Tensor) => add(inner(x), x));
    using _scope = device.scope();
    for (const value of [2, 3]) expect(await outer(tensor(device, [value])).item()).toBe(value * value + value);
    expect(inner.report().recordings).toBe(0);
    for (const part of [inner, outer]) part.dispose();
  });
});

describe("memory", () => {
  test("is shared by activations whose lives do not meet, and given back", () => {
    using _scope = device.scope();
    const x = zeros(device, [32, 32]);
    device.trim();
    const before = device.memory();
    const run = capture(device, (input: Tensor) => {
      let y = input;
      for (let i = 0; i < 20; i++) y = transpose(y);
      return y;
    });
    run(x).dispose();
    // The input, and two that take turns, though the scope frees none before the end.
    expect(run.report()).toEqual({ recordings: 1, dispatches: 20, bytes: 3 * 4096 });
    expect(device.memory().capturedBytes - before.capturedBytes).toBe(3 * 4096);
    expect(device.memory().bytes - before.bytes).toBe(3 * 4096);
    run.dispose();
    const { capturedBytes, bytes, tensors } = before;
    expect(device.memory()).toMatchObject({ capturedBytes, bytes, tensors });
    expect(() => run(x)).toThrow(new DisposedError("capture: the captured function was disposed"));
  });
  test("of other work between two calls is not touched", async () => {
    const run = capture(device, (x: Tensor) => square(add(x, x)));
    using _scope = device.scope();
    const x = tensor(device, [1, 2, 3]);
    run(x);
    const others = Array.from({ length: 20 }, (_, i) => tensor(device, [i, i, i]));
    run(x);
    for (const [i, other] of others.entries()) expect([...(await other.data())]).toEqual([i, i, i]);
    run.dispose();
  });
  test("of an optimizer that is freed before the captured function stays its own", async () => {
    const { net, optimizer, masks, step } = start("adam");
    const run = capture(device, step);
    const [x, y] = [randomTensor(device, [8, 4, 5, 2], 1), randomTensor(device, [8, 3], 2)];
    using _scope = device.scope();
    run(x, y);
    optimizer.dispose();
    expect(() => run(x, y)).toThrow(DisposedError);
    for (const part of [run, net, masks, x, y]) part.dispose();
  });
});

describe("refuses", () => {
  const x = tensor(device, [1, 2]);
  const rejected = (run: () => unknown, text: string) => {
    const before = device.memory();
    expect(run).toThrow(CaptureError);
    expect(run).toThrow(text);
    expect(device.memory()).toMatchObject({
      tensors: before.tensors,
      bytes: before.bytes,
      capturedBytes: before.capturedBytes,
    });
    // Nothing is left half recorded.
    expect(device.recorder.current).toBe(null);
  };
  const refused = (fn: (x: Tensor) => never, text: string) => rejected(() => capture(device, fn)(x), text);

  test("host data", () => {
    refused((input) => add(input, tensor(device, [3, 4])) as never, "write: host data in a captured function");
    refused((input) => input.write([1, 2]) as never, "make it an argument");
  });
  test("host data even where the function catches the error", () => {
    refused((input) => {
      try {
        input.write([1, 2]);
      } catch {}
      return input as never;
    }, "write: host data");
  });
  test("reading and waiting", () => {
    refused((input) => {
      input.data().catch(() => undefined);
      return square(input) as never;
    }, "read: a captured function cannot wait for the GPU; return the tensor, and read it after the call");
    refused((input) => {
      device.finish().catch(() => undefined);
      return square(input) as never;
    }, "finish: a captured function cannot wait for the GPU");
  });
  test("async functions", () => {
    refused((async () => undefined) as () => never, "capture: the function must not be async, got a promise");
    refused(
      (async (input: Tensor) => await input.item()) as (input: Tensor) => never,
      "capture: the function must not be async",
    );
  });
  test("generators, rates and state made inside", () => {
    refused(() => createRng(device, 1).uniform([2]) as never, "rng: made in a captured function");
    const optimizer = new Sgd([x], { lr: 1 });
    refused(() => {
      optimizer.lr = 2;
      return x as never;
    }, "Sgd.lr: set in a captured function");
    optimizer.dispose();
    refused(() => {
      new Sgd([x], { lr: 1 });
      return x as never;
    }, "Sgd: made in a captured function");
  });
  test("tensors that outlive the call", () => {
    let kept: Tensor | null = null;
    expect(() =>
      capture(device, (input: Tensor) => {
        const made = square(input);
        kept = device.unscoped(() => made.detach());
        return made;
      })(x),
    ).toThrow("capture: 1 tensor(s) made by the function outlive its call; return them, or make them outside");
    kept!.dispose();
  });
  test("arguments and results that are neither tensors nor plain", () => {
    const any = (value: unknown) => value as never;
    rejected(() => capture(device, (m: never) => m)(any(new Map())), "arguments must be tensors, numbers");
    rejected(() => capture(device, (m: never) => m)(any(() => 1)), "got function");
    refused(() => 3 as never, "the function must return tensors, in arrays and plain objects or not, got number");
    refused(() => new Map() as never, "got object");
  });
  test("a limit that is none", () => {
    expect(() => capture(device, () => undefined, { limit: 0 })).toThrow(
      "capture: limit must be a whole number >= 1, got 0",
    );
  });
  test("errors of the function come through, and the next call records anew", async () => {
    let broken = true;
    const run = capture(device, (input: Tensor) => {
      if (broken) add(input, zeros(device, [3]));
      return square(input);
    });
    using _scope = device.scope();
    const before = device.memory();
    expect(() => run(x)).toThrow("add");
    expect(device.memory()).toMatchObject({ tensors: before.tensors, bytes: before.bytes });
    broken = false;
    for (let i = 0; i < 2; i++) expect([...(await run(x).data())]).toEqual([1, 4]);
    run.dispose();
  });
  test("tensors of another device, and freed ones", () => {
    const run = capture(device, (input: Tensor) => square(input));
    const freed = tensor(device, [1]);
    freed.dispose();
    expect(() => run(freed)).toThrow(DisposedError);
    run.dispose();
  });
});

test("a destroyed device says so, and the captured function can still be disposed", async () => {
  const other = await openDevice(process.env["VOXPIX_ADAPTER"] === "swiftshader" ? { adapter: "swiftshader" } : {});
  const x = tensor(other, [1, 2]);
  const run = capture(other, (input: Tensor) => square(input));
  run(x);
  run(x);
  expect(() => run(tensor(device, [1]))).toThrow("capture: an argument lives on another device");
  await other.finish();
  other.destroy();
  expect(() => run(x)).toThrow("the device was destroyed");
  run.dispose();
});
