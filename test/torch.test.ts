/** Our ops and optimizers against PyTorch: fixtures written by scripts/make-torch-fixtures.py. */
import { describe, test } from "vitest";
import { Adam } from "../src/nn/adam.js";
import { Sgd } from "../src/nn/sgd.js";
import { backward } from "../src/tensor/backward.js";
import { avgPool2d } from "../src/tensor/ops/avg-pool2d.js";
import { batchNorm2d } from "../src/tensor/ops/batch-norm2d.js";
import { clamp } from "../src/tensor/ops/clamp.js";
import { conv2d } from "../src/tensor/ops/conv2d.js";
import * as elementwise from "../src/tensor/ops/elementwise.js";
import { linear } from "../src/tensor/ops/linear.js";
import { max, min } from "../src/tensor/ops/max.js";
import { maxPool2d } from "../src/tensor/ops/max-pool2d.js";
import { pad } from "../src/tensor/ops/pad.js";
import { reshape } from "../src/tensor/ops/reshape.js";
import { mean, sum } from "../src/tensor/ops/sum.js";
import { upsample2d } from "../src/tensor/ops/upsample2d.js";
import { full, type Tensor, tensor } from "../src/tensor/tensor.js";
import { testDevice } from "./device.js";
import { decode, type Encoded, judge, load, type Results } from "./torch.js";

const device = await testDevice();

interface Case {
  name: string;
  op: string;
  options: Record<string, unknown>;
  inputs: Record<string, Encoded>;
  gradOutput: Encoded;
  results: Results;
}

const leaf = (encoded: Encoded) => tensor(device, decode(encoded), encoded.shape, { requiresGrad: true });
const leaves = (encoded: Record<string, Encoded>) =>
  Object.fromEntries(Object.entries(encoded).map(([name, value]) => [name, leaf(value)]));

const functions = { ...elementwise, avgPool2d, clamp, conv2d, linear, max, maxPool2d, mean, min, pad, sum, upsample2d };

const files = ["conv2d", "linear", "pool", "upsample2d", "elementwise", "reduce", "pad"];

describe.each(files)("torch: %s", (file) => {
  test.each(load<{ cases: Case[] }>(file).cases)("$name", async ({ op, options, inputs, gradOutput, results }) => {
    const given = leaves(inputs);
    const call = functions[op as keyof typeof functions] as (...args: unknown[]) => Tensor;
    // Inputs come in the op's order; a bias that a layer goes without is null.
    const withoutBias = (op === "conv2d" || op === "linear") && !given["bias"] ? [null] : [];
    const output = call(...Object.values(given), ...withoutBias, options);
    await judge(results, "output", output, op);
    const gradients = backward(output, { gradOutput: leaf(gradOutput).detach() });
    for (const [name, input] of Object.entries(given)) {
      // Where it is zero everywhere (sign), there is no gradient tensor.
      const gradient = gradients.get(input) ?? full(device, input.shape, 0);
      await judge(results, `gradient of ${name}`, gradient, op);
    }
  });
});

interface BatchNormCase {
  name: string;
  options: { eps: number; momentum: number };
  inputs: Record<"weight" | "bias", Encoded>;
  batches: Encoded[];
  gradOutputs: Encoded[];
  results: Results;
}

describe("torch: batchNorm2d, three steps of training, one of evaluation", () => {
  test.each(load<{ cases: BatchNormCase[] }>("batch-norm2d").cases)("$name", async (fixture) => {
    const { eps, momentum } = fixture.options;
    const [weight, bias] = [leaf(fixture.inputs.weight), leaf(fixture.inputs.bias)];
    const running = { runningMean: full(device, bias.shape, 0), runningVar: full(device, bias.shape, 1) };
    for (const [step, batch] of fixture.batches.entries()) {
      const x = leaf(batch);
      const mode = step < 3 ? ({ mode: "train", momentum } as const) : ({ mode: "eval" } as const);
      const output = batchNorm2d(x, weight, bias, { ...mode, eps, ...running });
      const gradients = backward(output, { gradOutput: leaf(fixture.gradOutputs[step]!).detach() });
      const results = {
        output,
        ...running,
        "gradient of x": gradients.of(x),
        "gradient of weight": gradients.of(weight),
        "gradient of bias": gradients.of(bias),
      };
      for (const [name, result] of Object.entries(results))
        await judge(fixture.results, `step ${step}: ${name}`, result, "batchNorm2d");
    }
  });
});

interface Trajectories {
  start: Encoded;
  gradients: Encoded;
  cases: { name: string; optimizer: "Sgd" | "Adam"; options: { lr: number }; results: Results }[];
}

describe("torch: ten steps of an optimizer", () => {
  const { start, gradients, cases } = load<Trajectories>("optimizers");
  test.each(cases)("$name", async ({ optimizer, options, results }) => {
    const parameter = leaf(start);
    const steps = optimizer === "Sgd" ? new Sgd([parameter], options) : new Adam([parameter], options);
    const trajectory: number[] = [];
    const all = decode(gradients);
    for (let step = 0; step < 10; step++) {
      const own = all.slice(step * parameter.size, (step + 1) * parameter.size);
      steps.step(new Map([[parameter, tensor(device, own, start.shape)]]));
      trajectory.push(...(await parameter.data()));
    }
    await judge(results, "parameters", tensor(device, trajectory, gradients.shape));
    steps.dispose();
  });
});

describe("torch: ten steps of training", () => {
  test("convolutions, batch norm, pooling, upsampling and a dense layer under Adam", async () => {
    const fixture = load<{ x: Encoded; target: Encoded; start: Record<string, Encoded>; results: Results }>("training");
    const parameters = leaves(fixture.start);
    const p = (name: string) => parameters[name]!;
    const [x, target] = [leaf(fixture.x).detach(), leaf(fixture.target).detach()];
    const running = { runningMean: full(device, [8], 0), runningVar: full(device, [8], 1) };
    const optimizer = new Adam(Object.values(parameters), { lr: 0.01 });
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      using _scope = device.scope();
      const first = conv2d(x, p("conv1.weight"), p("conv1.bias"), { padding: 1 });
      const normed = batchNorm2d(first, p("norm.weight"), p("norm.bias"), { mode: "train", eps: 1e-3, ...running });
      const pooled = maxPool2d(elementwise.relu(normed), { kernelSize: 2 });
      const second = conv2d(pooled, p("conv2.weight"), p("conv2.bias"), { padding: 1, groups: 2 });
      const large = upsample2d(elementwise.tanh(second), { scale: 2, mode: "bilinear" });
      const y = linear(reshape(large, { shape: [4, -1] }), p("linear.weight"), p("linear.bias"));
      const loss = mean(elementwise.square(elementwise.sub(y, target)));
      optimizer.step(backward(loss));
      losses.push(await loss.item());
    }
    await judge(fixture.results, "losses", tensor(device, losses));
    for (const [name, result] of Object.entries({ ...running, ...parameters }))
      await judge(fixture.results, name, result);
    optimizer.dispose();
  });
});
