/** 100 steps of every optimizer against PyTorch: fixtures written by scripts/make-torch-optimizer-fixtures.py. */
import { describe, test } from "vitest";
import { Adadelta } from "../../src/nn/adadelta.js";
import { Adagrad } from "../../src/nn/adagrad.js";
import { Adam, AdamW } from "../../src/nn/adam.js";
import { Adamax } from "../../src/nn/adamax.js";
import { Parameter } from "../../src/nn/module.js";
import { NAdam } from "../../src/nn/nadam.js";
import type { Optimizer } from "../../src/nn/optimizer.js";
import { RAdam } from "../../src/nn/radam.js";
import { RmsProp } from "../../src/nn/rmsprop.js";
import { Sgd } from "../../src/nn/sgd.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";
import { decode, type Encoded, judge, load, type Results } from "../torch.js";

const device = await testDevice();

interface Trajectories {
  kept: number[];
  start: Encoded[];
  gradients: Encoded[];
  cases: { name: string; optimizer: string; options: object; group: object | null; results: Results }[];
}

const optimizers = { Adadelta, Adagrad, Adam, AdamW, Adamax, NAdam, RAdam, RmsProp, Sgd };
type Make = new (parameters: readonly object[], options: object) => Optimizer;

describe("torch: 100 steps of an optimizer", () => {
  const { kept, start, gradients, cases } = load<Trajectories>("trajectories");
  test.each(cases)("$name", async ({ optimizer, options, group, results }) => {
    using _scope = device.scope();
    const parameters = start.map((encoded) => Parameter.from(tensor(device, decode(encoded), encoded.shape)));
    const all = gradients.map((encoded) => decode(encoded));
    const groups = [{ parameters: [parameters[0]] }, { parameters: [parameters[1]], ...group }];
    const steps = new (optimizers[optimizer as keyof typeof optimizers] as unknown as Make)(
      group ? groups : parameters,
      options,
    );
    const trajectory: number[][] = parameters.map(() => []);
    for (let step = 0; step < 100; step++) {
      using _step = device.scope();
      const own = (i: number, { shape, size }: Tensor) =>
        tensor(device, all[i]!.slice(step * size, (step + 1) * size), shape);
      steps.step(new Map<Tensor, Tensor>(parameters.map((parameter, i) => [parameter, own(i, parameter)])));
      if (!kept.includes(step + 1)) continue;
      for (const [i, parameter] of parameters.entries()) trajectory[i]!.push(...(await parameter.data()));
    }
    for (const [i, values] of trajectory.entries())
      await judge(results, String(i), tensor(device, values, [kept.length, ...start[i]!.shape]));
    steps.dispose();
    for (const parameter of parameters) parameter.dispose();
  });
});
