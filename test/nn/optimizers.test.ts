import { describe, expect, test } from "vitest";
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
import { readState } from "../../src/nn/state.js";
import { backward } from "../../src/tensor/backward.js";
import { mul } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice, uniform } from "../device.js";
import {
  adagradReference,
  adamReference,
  kerasSgdReference,
  rmsPropReference,
  sgdReference,
} from "../reference/optimizers.js";

const device = await testDevice();
// 50 steps, each rounded a few times.
const tolerance = 3e-6;
const size = 37;
const start = uniform(size, 1);
/** Gradients of very different sizes, so that eps and AMSGrad's maximum matter. */
const gradients = Array.from({ length: 50 }, (_, step) =>
  uniform(size, 100 + step).map((g, i) => g * 10 ** -(i % 5) * (step > 20 ? 0.1 : 1)),
);

function run(make: (parameter: Parameter) => Optimizer, steps: readonly ArrayLike<number>[] = gradients) {
  const parameter = Parameter.from(tensor(device, start));
  const optimizer = make(parameter);
  for (const values of steps) {
    using _scope = device.scope();
    optimizer.step(new Map<Tensor, Tensor>([[parameter, tensor(device, values)]]));
  }
  return { parameter, optimizer };
}

describe("Sgd", () => {
  test.each([
    { lr: 0.1 },
    { lr: 0.1, weightDecay: 0.03 },
    { lr: 0.05, momentum: 0.9 },
    { lr: 0.05, momentum: 0.9, dampening: 0.3, weightDecay: 0.01 },
    { lr: 0.05, momentum: 0.9, nesterov: true },
  ])("50 steps: %j", async (options) => {
    const { parameter } = run((p) => new Sgd([p], options));
    expectClose(await parameter.data(), sgdReference(start, gradients, options), tolerance);
  });
  test.each([true, false])("Keras' form takes the same steps, nesterov %s", async (nesterov) => {
    const options = { lr: 0.05, momentum: 0.9, nesterov };
    const { parameter } = run((p) => new Sgd([p], options));
    expectClose(await parameter.data(), kerasSgdReference(start, gradients, options), tolerance);
  });
});

describe("Adam", () => {
  test.each([{}, { lr: 0.05, eps: 1e-3, weightDecay: 0.02 }, { lr: 0.01, betas: [0.5, 0.9] as const, amsgrad: true }])(
    "50 steps: %j",
    async (options) => {
      const { parameter } = run((p) => new Adam([p], options));
      expectClose(await parameter.data(), adamReference(start, gradients, options), tolerance);
    },
  );
  test("epsBeforeCorrection is Keras' form", async () => {
    const options = { lr: 0.01, eps: 1e-3, amsgrad: true };
    const { parameter } = run((p) => new Adam([p], { ...options, epsBeforeCorrection: true }));
    const keras = adamReference(start, gradients, options, true);
    expectClose(await parameter.data(), keras, tolerance);
    expect(() => expectClose(adamReference(start, gradients, options), keras, tolerance)).toThrow();
  });
});

describe("RmsProp and Adagrad", () => {
  test.each([
    { lr: 0.01, alpha: 0.99, eps: 1e-8 },
    { lr: 0.01, alpha: 0.9, eps: 1e-3, momentum: 0.7, centered: true, weightDecay: 0.02, maximize: true },
  ])("RmsProp, 50 steps: %j", async (options) => {
    const { parameter } = run((p) => new RmsProp([p], options));
    expectClose(await parameter.data(), rmsPropReference(start, gradients, options), tolerance);
  });
  test.each([
    { lr: 0.01, eps: 1e-10 },
    { lr: 0.05, eps: 1e-6, lrDecay: 0.1, initialAccumulatorValue: 0.2, weightDecay: 0.02, maximize: true },
  ])("Adagrad, 50 steps: %j", async (options) => {
    const { parameter } = run((p) => new Adagrad([p], options));
    expectClose(await parameter.data(), adagradReference(start, gradients, options), tolerance);
  });
});

describe("parameter groups", () => {
  const [a, b] = [uniform(5, 1), uniform(3, 2)];
  const step = (optimizer: Optimizer) => {
    using _scope = device.scope();
    optimizer.step(new Map(optimizer.parameters.map((p) => [p, tensor(device, new Float32Array(p.size).fill(1))])));
  };
  const two = () => [a, b].map((values) => Parameter.from(tensor(device, values))) as [Parameter, Parameter];
  const ones = (count: number, steps: number) => new Array(steps).fill(new Float32Array(count).fill(1));

  test("each has its options, and takes the others from the optimizer", async () => {
    const [p, q] = two();
    const optimizer = new Sgd([{ parameters: [p], lr: 0.5 }, { parameters: [q] }], { lr: 0.1, momentum: 0.9 });
    expect(optimizer.groups.map(({ options }) => [options.lr, options.momentum])).toEqual([
      [0.5, 0.9],
      [0.1, 0.9],
    ]);
    expect(optimizer.lr).toBe(0.5);
    step(optimizer);
    step(optimizer);
    expectClose(await p.data(), sgdReference(a, ones(5, 2), { lr: 0.5, momentum: 0.9 }), tolerance);
    expectClose(await q.data(), sgdReference(b, ones(3, 2), { lr: 0.1, momentum: 0.9 }), tolerance);
  });
  test("options change between steps; what would change the state is refused", async () => {
    const [p, q] = two();
    const optimizer = new Sgd([{ parameters: [p] }, { parameters: [q], lr: 1 }], { lr: 0.5, momentum: 0.9 });
    step(optimizer);
    optimizer.groups[0]!.set({ lr: 0.25, momentum: 0.5 });
    step(optimizer);
    const first = sgdReference(a, ones(5, 1), { lr: 0.5 });
    // b = 1, then 0.5 * 1 + 1.
    expectClose(
      await p.data(),
      first.map((v) => v - 0.25 * 1.5),
      tolerance,
    );
    expect(optimizer.groups[1]!.options.momentum).toBe(0.9);
    optimizer.lr = 0.125;
    expect(optimizer.groups.map(({ lr }) => lr)).toEqual([0.125, 0.125]);
    expect(() => optimizer.groups[0]!.set({ momentum: 0 })).toThrow(
      "Sgd: a change of options must keep the state, got none in place of momentum; make a new optimizer",
    );
    expect(() => optimizer.groups[0]!.set({ momentum: -1 })).toThrow("Sgd: momentum must be a finite number >= 0");
    expect(optimizer.groups[0]!.options.momentum).toBe(0.5);
  });
  test("rejects a mixture, a tensor in two groups, integers and other devices' tensors", () => {
    const [p, q] = two();
    expect(() => new Sgd([p, { parameters: [q] }] as never, { lr: 1 })).toThrow(
      "Sgd: give tensors or groups, got 1 and 1",
    );
    expect(() => new Sgd([{ parameters: [p] }, { parameters: [q, p] }], { lr: 1 })).toThrow(
      "Sgd: a parameter is given twice",
    );
    expect(() => new Sgd([tensor(device, [1], [1], { dtype: "i32" })], { lr: 1 })).toThrow(
      "Sgd: parameter 0 must be f32, got i32",
    );
    expect(() => new Sgd([p, 3] as never, { lr: 1 })).toThrow("Sgd: parameter 1 must be a tensor, got 3");
    expect(() => new Sgd([{ parameters: [] }], { lr: 1 })).toThrow("Sgd: needs at least one parameter");
    expect(() => new Adam([{ parameters: [p], betas: [2, 0.9] }])).toThrow("Adam: betas[0] must lie in [0, 1), got 2");
  });
});

describe("Optimizer", () => {
  test("a new learning rate counts from the next step", async () => {
    const { parameter, optimizer } = run((p) => new Sgd([p], { lr: 0.1 }), gradients.slice(0, 1));
    optimizer.lr = 0.01;
    optimizer.step(new Map<Tensor, Tensor>([[parameter, tensor(device, gradients[1]!)]]));
    const half = sgdReference(start, gradients.slice(0, 1), { lr: 0.1 });
    expectClose(await parameter.data(), sgdReference(half, gradients.slice(1, 2), { lr: 0.01 }), tolerance);
  });
  test("parameters without a gradient are left out, and count their own steps", async () => {
    const [a, b] = [1, 2].map(() => Parameter.from(tensor(device, start))) as [Parameter, Parameter];
    const optimizer = new Adam([a, b], { lr: 0.05 });
    gradients.slice(0, 6).forEach((values, step) => {
      const gradient = tensor(device, values);
      optimizer.step(
        new Map<Tensor, Tensor>(
          step % 2
            ? [[a, gradient]]
            : [
                [a, gradient],
                [b, gradient],
              ],
        ),
      );
    });
    const every = gradients.slice(0, 6);
    const even = every.filter((_, step) => step % 2 === 0);
    expectClose(await a.data(), adamReference(start, every, { lr: 0.05 }), tolerance);
    expectClose(await b.data(), adamReference(start, even, { lr: 0.05 }), tolerance);
    expect([...(await optimizer.stateDict().get("steps")!.data())]).toEqual([6, 3]);
  });
  test("state is not read before it is written, whatever was in the memory", async () => {
    const { bytes } = device.memory();
    for (let i = 0; i < 8; i++) tensor(device, new Float32Array(size).fill(Number.NaN)).dispose();
    const { parameter } = run((p) => new Adam([p], { amsgrad: true }), gradients.slice(0, 3));
    expect((await parameter.data()).every(Number.isFinite)).toBe(true);
    expect(device.memory().bytes).toBeGreaterThan(bytes);
  });
  test.each([
    ["Sgd", (p: Parameter) => new Sgd([p], { lr: 0.05, momentum: 0.9, nesterov: true })],
    ["Adam", (p: Parameter) => new Adam([p], { amsgrad: true })],
  ] as const)("%s: saved, restored and continued, the same bits", async (_name, make) => {
    const whole = run(make);
    const half = run(make, gradients.slice(0, 20));
    const saved = await readState(half.optimizer.stateDict());
    const parameter = Parameter.from(tensor(device, await half.parameter.data()));
    const optimizer = make(parameter);
    optimizer.loadStateDict(saved);
    for (const values of gradients.slice(20))
      optimizer.step(new Map<Tensor, Tensor>([[parameter, tensor(device, values)]]));
    expect([...(await parameter.data())]).toEqual([...(await whole.parameter.data())]);
    expect([...saved.keys()]).toEqual([...whole.optimizer.stateDict().keys()]);
  });
  test("an update makes values saved before it stale", () => {
    const parameter = Parameter.from(tensor(device, [2, 3]));
    const loss = sum(mul(parameter, parameter));
    new Sgd([parameter], { lr: 0.1 }).step(backward(loss));
    expect(() => backward(loss)).toThrow("was changed in place");
  });
  test("state lives outside scopes until it is disposed", () => {
    const parameter = Parameter.from(tensor(device, start));
    const { tensors } = device.memory();
    const optimizer = new Adam([parameter]);
    {
      using _scope = device.scope();
      optimizer.step(new Map<Tensor, Tensor>([[parameter, tensor(device, gradients[0]!)]]));
    }
    expect(device.memory().tensors).toBe(tensors + 4);
    optimizer.dispose();
    expect(device.memory().tensors).toBe(tensors);
  });
  test("a large, odd number of elements", async () => {
    const values = uniform(300_001, 1);
    const parameter = Parameter.from(tensor(device, values));
    const gradient = randomTensor(device, [300_001], 2);
    new Sgd([parameter], { lr: 0.5, momentum: 0.9 }).step(new Map<Tensor, Tensor>([[parameter, gradient]]));
    expectClose(await parameter.data(), sgdReference(values, [await gradient.data()], { lr: 0.5 }), tolerance);
  });
  test.each([
    ["Adadelta", (p: Parameter) => new Adadelta([p])],
    ["Adagrad", (p: Parameter) => new Adagrad([p])],
    ["Adam", (p: Parameter) => new Adam([p], { amsgrad: true })],
    ["Adamax", (p: Parameter) => new Adamax([p])],
    ["RmsProp", (p: Parameter) => new RmsProp([p], { centered: true, momentum: 0.9 })],
    ["Sgd", (p: Parameter) => new Sgd([p], { lr: 1, momentum: 0.9 })],
  ] as const)("%s: a parameter without elements", async (_name, make) => {
    const parameter = Parameter.from(tensor(device, [], [0, 3]));
    const optimizer = make(parameter);
    const gradient = tensor(device, [], [0, 3]);
    for (let i = 0; i < 2; i++) optimizer.step(new Map<Tensor, Tensor>([[parameter, gradient]]));
    expect((await parameter.data()).length).toBe(0);
    const saved = await readState(optimizer.stateDict());
    optimizer.loadStateDict(saved);
    expect([...saved.get("steps")!.values]).toEqual([2]);
  });
  test("a gradient or parameter that was freed is found before anything is changed", async () => {
    const [p, q] = [Parameter.from(tensor(device, [1])), Parameter.from(tensor(device, [2]))];
    const optimizer = new Adam([p, q]);
    const [gradient, freed] = [tensor(device, [1]), tensor(device, [1])];
    freed.dispose();
    const step = () =>
      optimizer.step(
        new Map<Tensor, Tensor>([
          [p, gradient],
          [q, freed],
        ]),
      );
    expect(step).toThrow("tensor [1] was used after it was freed");
    expect(await p.item()).toBe(1);
    expect([...(await optimizer.stateDict().get("steps")!.data())]).toEqual([0, 0]);
    const integers = tensor(device, [1], [1], { dtype: "i32" });
    expect(() => optimizer.step(new Map<Tensor, Tensor>([[p, integers]]))).toThrow(
      "Adam: a gradient must be f32, got i32 for parameter 0",
    );
  });
  test.each([
    [
      "RmsProp alpha",
      () => new RmsProp([tensor(device, [1])], { alpha: -1 }),
      "RmsProp: alpha must be a finite number >= 0, got -1",
    ],
    ["Adagrad lrDecay", () => new Adagrad([tensor(device, [1])], { lrDecay: -1 }), "Adagrad: lrDecay must be a finite"],
    ["Adadelta rho", () => new Adadelta([tensor(device, [1])], { rho: 1 }), "Adadelta: rho must lie in [0, 1), got 1"],
    ["Adamax eps", () => new Adamax([tensor(device, [1])], { eps: -1 }), "Adamax: eps must be a finite number >= 0"],
    ["AdamW decay", () => new AdamW([tensor(device, [1])], { weightDecay: Number.NaN }), "AdamW: weightDecay must be"],
    ["NAdam decay", () => new NAdam([tensor(device, [1])], { momentumDecay: -1 }), "NAdam: momentumDecay must be"],
    ["RAdam betas", () => new RAdam([tensor(device, [1])], { betas: [0.9, 1] }), "RAdam: betas[1] must lie in [0, 1)"],
    [
      "Sgd dampening",
      () => new Sgd([tensor(device, [1])], { lr: 1, dampening: Number.NaN }),
      "Sgd: dampening must be a finite number, got NaN",
    ],
  ] as const)("rejects: %s", (_name, make, text) => {
    expect(make).toThrow(text);
  });
  test("rejects what makes no sense", () => {
    const p = Parameter.from(tensor(device, [1, 2]));
    expect(() => new Sgd([], { lr: 1 })).toThrow("Sgd: needs at least one parameter");
    expect(() => new Adam([p, p])).toThrow("Adam: a parameter is given twice");
    expect(() => new Sgd([p], { lr: -1 })).toThrow("Sgd: lr must be a finite number >= 0, got -1");
    expect(() => new Adam([p], { betas: [0.9, 1] })).toThrow("Adam: betas[1] must lie in [0, 1), got 1");
    expect(() => new Sgd([p], { lr: 1, nesterov: true })).toThrow("Sgd: nesterov needs momentum above 0");
    const optimizer = new Adam([p]);
    expect(() => {
      optimizer.lr = Number.NaN;
    }).toThrow("Adam: lr must be a finite number >= 0, got NaN");
    expect(() => optimizer.step(new Map<Tensor, Tensor>([[p, tensor(device, [1])]]))).toThrow(
      "Adam: a gradient must have its parameter's shape, got [1] for parameter 0 [2]",
    );
    expect(() => optimizer.loadStateDict(new Map([["steps", { shape: [1], values: [1] }]]))).toThrow(
      "Adam.loadStateDict: the entries must be those of the state, got 2 missing, 0 unexpected and 0 mis-shaped; nothing was changed\n  missing    0.mean [2]",
    );
  });
});
