import { describe, expect, test } from "vitest";
import { Adam } from "../../src/nn/adam.js";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { Dropout } from "../../src/nn/dropout.js";
import { Linear } from "../../src/nn/linear.js";
import { mse } from "../../src/nn/losses.js";
import { Module } from "../../src/nn/module.js";
import { Sequential } from "../../src/nn/sequential.js";
import { Sgd } from "../../src/nn/sgd.js";
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { sigmoid, tanh } from "../../src/tensor/ops/elementwise.js";
import { createRng, type Rng } from "../../src/tensor/random.js";
import { readSafetensors, type SafetensorsEntry, writeSafetensors } from "../../src/tensor/safetensors.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();

/** Trains on a fixed batch; returns the loss of the last step. */
async function train(
  net: { forward(x: Tensor): Tensor },
  optimizer: Sgd | Adam,
  [x, y]: readonly [Tensor, Tensor],
  steps: number,
): Promise<number> {
  let last = Number.NaN;
  for (let step = 0; step < steps; step++) {
    using _scope = device.scope();
    const loss = mse(net.forward(x), y);
    optimizer.step(backward(loss));
    if (step === steps - 1) last = await loss.item();
  }
  return last;
}

describe("XOR", () => {
  const batch = [tensor(device, [0, 0, 0, 1, 1, 0, 1, 1], [4, 2]), tensor(device, [0, 1, 1, 0], [4, 1])] as const;
  const learn = async () => {
    const rng = createRng(device, 3);
    const net = new Sequential([
      new Linear(rng, { inFeatures: 2, outFeatures: 8 }),
      tanh,
      new Linear(rng, { inFeatures: 8, outFeatures: 1 }),
      sigmoid,
    ]);
    const loss = await train(net, new Adam(net.parameters(), { lr: 0.1 }), batch, 150);
    return { loss, values: (await readState(net.stateDict())).get("layers.0.weight")!.values };
  };
  test("is learnt, with the same bits each time", async () => {
    const [first, second] = [await learn(), await learn()];
    expect(first.loss).toBeLessThan(1e-3);
    expect(second).toEqual(first);
  });
});

/** A network with everything that has state: parameters, running statistics, random masks. */
class Net extends Module {
  readonly hidden: Linear;
  readonly norm: BatchNorm2d;
  readonly dropout: Dropout;
  readonly last: Linear;
  constructor(rng: Rng, masks: Rng) {
    super();
    this.hidden = new Linear(rng, { inFeatures: 5, outFeatures: 16 });
    this.norm = new BatchNorm2d(device, { channels: 16 });
    this.dropout = new Dropout(masks, { rate: 0.25 });
    this.last = new Linear(rng, { inFeatures: 16, outFeatures: 3 });
  }
  forward(x: Tensor): Tensor {
    return this.last.forward(this.dropout.forward(tanh(this.norm.forward(this.hidden.forward(x)))));
  }
}

const data = [randomTensor(device, [32, 5], 1), randomTensor(device, [32, 3], 2)] as const;

/** A network, its optimizer and its random stream. */
function start(kind: "sgd" | "adam") {
  const masks = createRng(device, 7).fork("dropout");
  const net = new Net(createRng(device, 1), masks);
  const optimizer =
    kind === "sgd"
      ? new Sgd(net.parameters(), { lr: 0.05, momentum: 0.9, nesterov: true })
      : new Adam(net.parameters(), { lr: 0.01, amsgrad: true });
  return { net, optimizer, masks };
}

test.each(["sgd", "adam"] as const)("%s: stopped, saved to a file and resumed, the same bits", async (kind) => {
  const whole = start(kind);
  await train(whole.net, whole.optimizer, data, 12);

  const half = start(kind);
  await train(half.net, half.optimizer, data, 5);
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, entry] of await readState(half.net.stateDict())) entries.set(`net.${name}`, entry);
  for (const [name, entry] of await readState(half.optimizer.stateDict())) entries.set(`optimizer.${name}`, entry);
  const file = writeSafetensors(entries, { rng: JSON.stringify(await half.masks.state()) });

  const resumed = start(kind);
  const { tensors, metadata } = readSafetensors(file);
  const part = (prefix: string) =>
    new Map([...tensors].flatMap(([name, e]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), e]] : [])));
  resumed.net.loadStateDict(part("net."));
  resumed.optimizer.loadStateDict(part("optimizer."));
  resumed.masks.restore(JSON.parse(metadata["rng"]!));
  await train(resumed.net, resumed.optimizer, data, 7);
  expect(await readState(resumed.net.stateDict())).toEqual(await readState(whole.net.stateDict()));
  expect(await readState(resumed.optimizer.stateDict())).toEqual(await readState(whole.optimizer.stateDict()));
});

test("memory stays flat over 200 steps", async () => {
  const { net, optimizer, masks } = start("adam");
  await train(net, optimizer, data, 2);
  let before = device.memory();
  for (let step = 0; step < 200; step++) {
    await train(net, optimizer, data, 1);
    const after = device.memory();
    // Less is allowed: what earlier tests left behind may be collected at any time.
    expect(after.tensors).toBeLessThanOrEqual(before.tensors);
    expect(after.bytes + after.pooledBytes).toBeLessThanOrEqual(before.bytes + before.pooledBytes);
    before = after;
  }
  net.dispose();
  optimizer.dispose();
  masks.dispose();
});
