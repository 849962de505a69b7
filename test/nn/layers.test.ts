import { describe, expect, test } from "vitest";
import { BatchNorm2d } from "../../src/nn/batch-norm2d.js";
import { Conv2d } from "../../src/nn/conv2d.js";
import { constantInit } from "../../src/nn/initialisers.js";
import { Linear } from "../../src/nn/linear.js";
import type { Layer } from "../../src/nn/module.js";
import { Upsample2d } from "../../src/nn/upsample2d.js";
import { backward } from "../../src/tensor/backward.js";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { tanh } from "../../src/tensor/ops/elementwise.js";
import { sum } from "../../src/tensor/ops/sum.js";
import { createRng } from "../../src/tensor/random.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();
const rng = createRng(device, 5);

/** A batch normalisation away from its start. */
function norm(channels: number): BatchNorm2d {
  const layer = new BatchNorm2d(device, { channels });
  layer.weight?.write(Array.from({ length: channels }, (_, i) => 0.5 + i));
  layer.runningVar.write(Array.from({ length: channels }, (_, i) => 2 + i));
  return layer;
}

/** The layer as a function of its input and its parameters: gradcheck moves tensors, a layer reads its own. */
function asFunction(layer: Layer): (...inputs: Tensor[]) => Tensor {
  return (x, ...parameters) => {
    const own = layer.parameters();
    const fields = layer as unknown as Record<string, unknown>;
    const names = layer.namedParameters().map(([name]) => name);
    names.forEach((name, i) => {
      fields[name] = parameters[i];
    });
    try {
      return tanh(layer.forward(x!));
    } finally {
      names.forEach((name, i) => {
        fields[name] = own[i];
      });
    }
  };
}

const cases: { name: string; layer: Layer; x: number[]; y: number[] }[] = [
  { name: "Linear", layer: new Linear(rng, { inFeatures: 7, outFeatures: 5 }), x: [3, 2, 7], y: [3, 2, 5] },
  {
    name: "Linear without bias",
    layer: new Linear(rng, { inFeatures: 3, outFeatures: 1, bias: false }),
    x: [4, 3],
    y: [4, 1],
  },
  {
    name: "Conv2d",
    layer: new Conv2d(rng, {
      inChannels: 4,
      outChannels: 6,
      kernelSize: [3, 2],
      stride: 2,
      padding: "same",
      groups: 2,
    }),
    x: [2, 5, 7, 4],
    y: [2, 3, 4, 6],
  },
  { name: "BatchNorm2d in training", layer: norm(3), x: [4, 3, 5, 3], y: [4, 3, 5, 3] },
  { name: "BatchNorm2d in evaluation", layer: norm(3).eval(), x: [4, 3, 5, 3], y: [4, 3, 5, 3] },
  { name: "Upsample2d", layer: new Upsample2d({ scale: 2 }), x: [2, 3, 5, 2], y: [2, 6, 10, 2] },
];

describe.each(cases)("$name", ({ layer, x: shape, y }) => {
  const x = randomTensor(device, shape, 3);
  test("shape, gradients of every parameter", async () => {
    expect(layer.forward(x).shape).toEqual(y);
    if (layer.parameters().length === 0) return;
    const gradients = backward(sum(layer.forward(x)));
    for (const parameter of layer.parameters()) expect(gradients.of(parameter).shape).toEqual(parameter.shape);
  });
  test("gradient", async () => {
    await gradcheck(asFunction(layer), [x, ...layer.parameters()]);
  });
});

test("init and biasInit make the weights", async () => {
  const options = { inFeatures: 2, outFeatures: 1, init: constantInit(2), biasInit: constantInit(3) };
  const layer = new Linear(rng, options);
  expect(await layer.forward(tensor(device, [1, 10], [1, 2])).item()).toBe(25);
});

test("Conv2d: filters as HWIO, and rejects groups that do not divide the channels", () => {
  const options = { inChannels: 4, outChannels: 6, kernelSize: [3, 2] } as const;
  expect(
    new Conv2d(rng, { ...options, groups: 2, bias: false }).namedParameters().map(([n, p]) => [n, p.shape]),
  ).toEqual([["weight", [3, 2, 2, 6]]]);
  expect(() => new Conv2d(rng, { ...options, groups: 4 })).toThrow(
    "Conv2d: groups must divide inChannels and outChannels, got 4 for 4 and 6",
  );
  expect(() => new Conv2d(rng, { ...options, kernelSize: 0 })).toThrow(
    "Conv2d: kernelSize must be whole and at least 1, got 0",
  );
});
