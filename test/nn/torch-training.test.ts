/** Three whole trainings against PyTorch, step by step: fixtures written by scripts/make-torch-training-fixtures.py. */
import { describe, test } from "vitest";
import { Adam, AdamW } from "../../src/nn/adam.js";
import { binaryCrossEntropyWithLogits } from "../../src/nn/binary-cross-entropy.js";
import { crossEntropy } from "../../src/nn/cross-entropy.js";
import { smoothL1 } from "../../src/nn/losses.js";
import { LrScheduler } from "../../src/nn/lr-scheduler.js";
import { cosine } from "../../src/nn/schedules.js";
import { Sgd } from "../../src/nn/sgd.js";
import { backward } from "../../src/tensor/backward.js";
import { batchNorm2d } from "../../src/tensor/ops/batch-norm2d.js";
import { conv2d } from "../../src/tensor/ops/conv2d.js";
import { relu, tanh } from "../../src/tensor/ops/elementwise.js";
import { linear } from "../../src/tensor/ops/linear.js";
import { maxPool2d } from "../../src/tensor/ops/max-pool2d.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { upsample2d } from "../../src/tensor/ops/upsample2d.js";
import { full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";
import { decode, type Encoded, judge, load, type Results } from "../torch.js";

const device = await testDevice();

interface Run {
  x: Encoded;
  target: Encoded;
  batch: number;
  start: Record<string, Encoded>;
  results: Results;
}
const { steps, runs } = load<{ steps: number; runs: Record<"classifier" | "perceptron" | "autoencoder", Run> }>(
  "training-runs",
);
type Lookup = (name: string) => Tensor;

/** Trains as the fixture did, and judges every loss and the parameters at the end. */
async function follow(
  { x, target, batch, start, results }: Run,
  dtype: "f32" | "i32",
  loss: (p: Lookup, x: Tensor, target: Tensor) => Tensor,
  make: (parameters: Tensor[]) => { step(gradients: ReadonlyMap<Tensor, Tensor>): void },
): Promise<void> {
  const parameters = Object.entries(start).map(
    ([name, value]) => [name, tensor(device, decode(value), value.shape, { requiresGrad: true })] as const,
  );
  const byName = new Map(parameters);
  const optimizer = make([...byName.values()]);
  const rows = (encoded: Encoded, step: number, type: "f32" | "i32") => {
    const [count, ...shape] = encoded.shape as [number, ...number[]];
    const values = decode(encoded);
    const size = values.length / count;
    const own = Array.from({ length: batch }, (_, i) => (step * batch + i) % count);
    const taken = own.flatMap((row) => values.slice(row * size, (row + 1) * size));
    return tensor(device, taken, [batch, ...shape], { dtype: type });
  };
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    using _scope = device.scope();
    const value = loss((name) => byName.get(name)!, rows(x, step, "f32"), rows(target, step, dtype));
    optimizer.step(backward(value));
    losses.push(await value.item());
  }
  await judge(results, "losses", tensor(device, losses));
  for (const [name, parameter] of parameters) await judge(results, name, parameter);
}

describe("torch: whole trainings", () => {
  test("classifier: convolution, batch norm, max pooling, cross entropy, Adam", async () => {
    const running = { runningMean: full(device, [6], 0), runningVar: full(device, [6], 1) };
    await follow(
      runs.classifier,
      "i32",
      (p, x, target) => {
        const h = conv2d(x, p("conv.weight"), p("conv.bias"), { padding: 1 });
        const normed = batchNorm2d(h, p("norm.weight"), p("norm.bias"), { mode: "train", ...running });
        const flat = reshape(maxPool2d(relu(normed), { kernelSize: 2 }), { shape: [x.shape[0]!, -1] });
        return crossEntropy(linear(flat, p("linear.weight"), p("linear.bias")), target);
      },
      (parameters) => new Adam(parameters, { lr: 0.003 }),
    );
  });
  test("perceptron: dense layers, Nesterov's momentum, weight decay, a cosine schedule", async () => {
    await follow(
      runs.perceptron,
      "f32",
      (p, x, target) => {
        const h = tanh(linear(x, p("first.weight"), p("first.bias")));
        return smoothL1(linear(h, p("second.weight"), p("second.bias")), target, { beta: 0.5 });
      },
      (parameters) => {
        const optimizer = new Sgd(parameters, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-3 });
        const scheduler = new LrScheduler(optimizer, cosine({ epochs: steps }));
        return {
          step(gradients) {
            optimizer.step(gradients);
            scheduler.step();
          },
        };
      },
    );
  });
  test("autoencoder: strided convolution, bilinear upsampling, binary cross entropy, AdamW", async () => {
    await follow(
      runs.autoencoder,
      "f32",
      (p, x, target) => {
        const h = relu(conv2d(x, p("down.weight"), p("down.bias"), { stride: 2, padding: 1 }));
        const large = upsample2d(h, { scale: 2, mode: "bilinear" });
        return binaryCrossEntropyWithLogits(conv2d(large, p("up.weight"), p("up.bias"), { padding: 1 }), target);
      },
      (parameters) => new AdamW(parameters, { lr: 0.01, weightDecay: 0.05 }),
    );
  });
});
