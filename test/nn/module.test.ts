import { describe, expect, test } from "vitest";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { Dropout } from "../../src/nn/dropout.js";
import { Linear } from "../../src/nn/linear.js";
import { Module, moduleBuffer, Parameter } from "../../src/nn/module.js";
import { Sequential } from "../../src/nn/sequential.js";
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { mul, relu } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { createRng } from "../../src/tensor/random.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();

class Block extends Module {
  readonly scale = Parameter.from(full(device, [2], 3));
  readonly running = moduleBuffer(tensor(device, [1, 2, 3], [3], { dtype: "i32" }));
  readonly note = "not a tensor";
  readonly bias: Parameter | null = null;
  owner: Module | null = null;
}

class Net extends Module {
  readonly first = new Block();
  readonly blocks = [new Block(), new Block()];
  readonly weight = Parameter.from(full(device, [], 1));
  readonly again = this.weight;
  constructor() {
    super();
    this.first.owner = this;
  }
}

describe("Module", () => {
  test("finds parameters, buffers, parts and arrays of them, once each and in order", () => {
    const net = new Net();
    const names = net.namedParameters().map(([name]) => name);
    expect(names).toEqual(["first.scale", "blocks.0.scale", "blocks.1.scale", "weight"]);
    expect(net.parameters()[3]).toBe(net.weight);
    expect(net.namedBuffers().map(([name]) => name)).toEqual(["first.running", "blocks.0.running", "blocks.1.running"]);
    expect([...net.stateDict().keys()].sort()).toEqual([...names, ...net.namedBuffers().map(([n]) => n)].sort());
    net.dispose();
    expect(net.weight.disposed && net.first.running.disposed).toBe(true);
  });
  test("train and eval reach every part", () => {
    const net = new Net();
    expect(net.training && net.blocks[1]!.training).toBe(true);
    expect(net.eval().blocks[1]!.training || net.training || net.first.training).toBe(false);
    expect(net.train().blocks[1]!.training && net.training).toBe(true);
  });
  test("freeze: no gradients, the mode stays", () => {
    const net = new Net().freeze();
    expect(net.training).toBe(true);
    const x = full(device, [2], 1, { requiresGrad: true });
    const loss = () => sum(mul(x, net.first.scale));
    expect([...backward(loss()).keys()]).toEqual([x]);
    net.unfreeze();
    expect(backward(loss()).has(net.first.scale)).toBe(true);
  });
  test("parameters outlive the scope they are made in", async () => {
    const { tensors } = device.memory();
    let parameter: Parameter;
    {
      using _scope = device.scope();
      parameter = Parameter.from(full(device, [2], 7));
    }
    expect([...(await parameter.data())]).toEqual([7, 7]);
    expect(device.memory().tensors).toBe(tensors + 1);
    expect(() => Parameter.from(tensor(device, [1], [1], { dtype: "i32" }))).toThrow("Parameter: must be f32, got i32");
  });
});

describe("state dictionaries", () => {
  test("round trip", async () => {
    const [net, other] = [new Net(), new Net()];
    net.first.scale.write([5, 6]);
    net.blocks[1]!.running.write([7, 8, 9]);
    const saved = await readState(net.stateDict());
    other.loadStateDict(saved);
    expect([...(await other.first.scale.data())]).toEqual([5, 6]);
    expect(await other.blocks[1]!.running.data()).toEqual(Int32Array.of(7, 8, 9));
    expect(await readState(other.stateDict())).toEqual(saved);
  });
  test("wrong entries are all named, and nothing is changed", async () => {
    const net = new Net();
    const saved: Map<string, { shape: readonly number[]; values: ArrayLike<number> }> = new Map(
      await readState(net.stateDict()),
    );
    saved.set("first.scale", { shape: [2], values: [9, 9] });
    saved.set("blocks.0.scale", { shape: [3], values: [0, 0, 0] });
    saved.set("blocks.1.scale", { shape: [2], values: [0] });
    saved.delete("weight");
    saved.set("wait", { shape: [], values: [0] });
    expect(() => net.loadStateDict(saved)).toThrow(
      [
        "loadStateDict: the entries must be those of the state, got 1 missing, 1 unexpected and 2 mis-shaped; nothing was changed",
        "  missing    weight []",
        "  unexpected wait []",
        "  mis-shaped blocks.0.scale [3], not [2]",
        "  mis-shaped blocks.1.scale [2] with 1 values",
      ].join("\n"),
    );
    expect([...(await net.first.scale.data())]).toEqual([3, 3]);
  });
});

describe("Sequential, Dropout, BatchNorm2d", () => {
  test("layers and functions in order, named by their place", async () => {
    const rng = createRng(device, 1);
    const net = new Sequential([
      new Linear(rng, { inFeatures: 3, outFeatures: 2 }),
      relu,
      new Linear(rng, { inFeatures: 2, outFeatures: 1, bias: false }),
    ]);
    expect([...net.stateDict().keys()]).toEqual(["layers.0.weight", "layers.0.bias", "layers.2.weight"]);
    expect(net.forward(randomTensor(device, [5, 3], 1)).shape).toEqual([5, 1]);
    const x = randomTensor(device, [2], 1);
    expect(new Sequential([]).forward(x)).toBe(x);
  });
  test("dropout works in training only", async () => {
    const layer = new Dropout(createRng(device, 1), { rate: 0.5 });
    const x = full(device, [100], 1);
    expect([...(await layer.forward(x).data())]).toContain(0);
    expect(layer.eval().forward(x)).toBe(x);
    expect(() => new Dropout(createRng(device, 1), { rate: 1 })).toThrow("Dropout: rate must lie in [0, 1), got 1");
  });
  test("batch normalisation: batch statistics, running ones, frozen ones", async () => {
    const layer = new BatchNorm2d(device, { channels: 1, eps: 0, momentum: 0.25, unbiased: false });
    const x = tensor(device, [1, 3, 5, 7], [2, 1, 2, 1]);
    const round = (v: number) => Math.round(v * 1e4) / 1e4;
    const values = async (y: Tensor) => [...(await y.data())].map(round);
    const byBatch = [-1.3416, -0.4472, 0.4472, 1.3416];
    expect(await values(layer.forward(x))).toEqual(byBatch);
    expect(await values(layer.runningMean)).toEqual([1]);
    expect(await values(layer.runningVar)).toEqual([2]);
    layer.freezeStatistics = true;
    expect(await values(layer.forward(x))).toEqual(byBatch);
    expect(await values(layer.runningMean)).toEqual([1]);
    expect(await values(layer.eval().forward(x))).toEqual([0, 2, 4, 6].map((v) => round(v / Math.SQRT2)));
    expect(layer.namedBuffers().map(([name]) => name)).toEqual(["runningMean", "runningVar"]);
  });
});
