/** A small training with everything that has state, and a digest of all of it: for tests that repeat, stop, or run for long. */
import { createHash } from "node:crypto";
import type { Device } from "../src/kernels/device.js";
import { openDevice } from "../src/kernels/open-device.js";
import { Adam } from "../src/nn/adam.js";
import { BatchNorm2d } from "../src/nn/batch-norm2d.js";
import { Conv2d } from "../src/nn/conv2d.js";
import { crossEntropy } from "../src/nn/cross-entropy.js";
import { Dropout } from "../src/nn/dropout.js";
import { Linear } from "../src/nn/linear.js";
import { Module } from "../src/nn/module.js";
import { MaxPool2d } from "../src/nn/pooling.js";
import { Flatten } from "../src/nn/reshaping.js";
import { Sgd } from "../src/nn/sgd.js";
import { snapshot } from "../src/nn/snapshot.js";
import { backward, type Gradients } from "../src/tensor/backward.js";
import { capture } from "../src/tensor/capture.js";
import { relu } from "../src/tensor/ops/elementwise.js";
import { createRng, type Rng } from "../src/tensor/random.js";
import { type HostArray, type Tensor, tensor } from "../src/tensor/tensor.js";
import { uniform } from "./device.js";

/** Another device like that of the tests. */
export const openAnother = () =>
  openDevice(process.env["VOXPIX_ADAPTER"] === "swiftshader" ? { adapter: "swiftshader" } : {});

/** Convolution, batch norm, pooling, dropout and a linear layer: `[N, 8, 6, 3]` to 5 classes. */
class Net extends Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  readonly pool = new MaxPool2d({ kernelSize: 2 });
  readonly dropout: Dropout;
  readonly flatten = new Flatten();
  readonly last: Linear;
  constructor(device: Device, masks: Rng) {
    super();
    const rng = createRng(device, 1);
    this.conv = new Conv2d(rng, { inChannels: 3, outChannels: 7, kernelSize: 3, padding: "same" });
    this.norm = new BatchNorm2d(device, { channels: 7 });
    this.dropout = new Dropout(masks, { rate: 0.25 });
    this.last = new Linear(rng, { inFeatures: 4 * 3 * 7, outFeatures: 5 });
    rng.dispose();
  }
  forward(x: Tensor): Tensor {
    const features = this.dropout.forward(this.pool.forward(relu(this.norm.forward(this.conv.forward(x)))));
    return this.last.forward(this.flatten.forward(features));
  }
}

/** Which optimizer, and whether the step is captured. */
export interface TrainingKind {
  readonly optimizer: "adam" | "sgd";
  readonly captured: boolean;
}

/** The optimizers, each eager and captured. */
export const trainingKinds: readonly TrainingKind[] = [
  { optimizer: "adam", captured: false },
  { optimizer: "adam", captured: true },
  { optimizer: "sgd", captured: false },
  { optimizer: "sgd", captured: true },
];

/** A training from its first step on; every number in it is fixed. */
export class Training {
  readonly device: Device;
  readonly rng: Rng;
  readonly net: Net;
  readonly optimizer: Adam | Sgd;
  readonly #run: (x: Tensor, labels: Tensor) => Tensor;
  readonly #batches: readonly (readonly [Tensor, Tensor])[];
  readonly #captured: { dispose(): void; prepare(x: Tensor, labels: Tensor): Promise<void> }[] = [];

  constructor(device: Device, { optimizer, captured }: TrainingKind) {
    this.device = device;
    this.rng = createRng(device, 5);
    this.net = new Net(device, this.rng);
    const parameters = this.net.parameters();
    this.optimizer =
      optimizer === "adam"
        ? new Adam(parameters, { lr: 3e-3, amsgrad: true })
        : new Sgd(parameters, { lr: 0.02, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });
    const labels = (seed: number) => Int32Array.from(uniform(8, seed, 0, 5), Math.floor);
    this.#batches = Array.from({ length: 5 }, (_, i) => [
      tensor(device, uniform(8 * 8 * 6 * 3, i), [8, 8, 6, 3]),
      tensor(device, labels(100 + i), [8]),
    ]);
    const step = (x: Tensor, y: Tensor) => {
      const loss = crossEntropy(this.net.forward(x), y);
      this.optimizer.step(backward(loss));
      return loss;
    };
    const run = captured ? capture(device, step) : null;
    if (run) this.#captured.push(run);
    this.#run = run ?? step;
  }

  /** What a snapshot is taken of. */
  get parts() {
    return { net: this.net, optimizer: this.optimizer, rng: this.rng };
  }

  /** Makes a captured step ready without taking it. */
  async prepare(): Promise<void> {
    const [x, labels] = this.#batches[0] as readonly [Tensor, Tensor];
    for (const captured of this.#captured) await captured.prepare(x, labels);
  }

  /** One step; its loss once the GPU is done. */
  step(index: number): Promise<number> {
    using _scope = this.device.scope();
    return this.#run(...(this.#batches[index % this.#batches.length] as readonly [Tensor, Tensor])).item();
  }

  /** Losses and gradients of one batch; no parameter changes, but the masks and running statistics do. */
  async gradients(): Promise<readonly HostArray[]> {
    using _scope = this.device.scope();
    const [x, labels] = this.#batches[0] as readonly [Tensor, Tensor];
    const loss = crossEntropy(this.net.forward(x), labels);
    const gradients: Gradients = backward(loss);
    return Promise.all([loss, ...this.net.parameters().map((p) => gradients.of(p))].map((t) => t.data()));
  }

  /** SHA-256 over the losses and all state: parameters, running statistics, optimizer, generator. */
  async digest(losses: readonly number[]): Promise<string> {
    const saved = await snapshot(this.parts);
    const hash = createHash("sha256").update(Float64Array.from(losses));
    for (const [name, part] of Object.entries(saved)) {
      hash.update(`${name} ${JSON.stringify(part.state)}`);
      for (const [entry, { shape, values }] of part.tensors) hash.update(`${entry} ${shape}`).update(values);
    }
    return hash.digest("hex");
  }

  /** Frees everything. */
  dispose(): void {
    const batches = this.#batches.flat();
    for (const part of [...this.#captured, this.net, this.optimizer, this.rng, ...batches]) part.dispose();
  }
}

/** Trains for so many steps from the start. @returns The digest of losses and state. */
export async function trainingDigest(device: Device, kind: TrainingKind, steps: number): Promise<string> {
  const training = new Training(device, kind);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await training.step(i));
  if (!losses.every(Number.isFinite)) throw new Error("the training diverged");
  const digest = await training.digest(losses);
  training.dispose();
  return digest;
}
