import { describe, expect, test } from "vitest";
import * as voxpix from "../../src/index.js";
import {
  BatchNorm1d,
  BatchNorm2d,
  backward,
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  conv2d,
  createRng,
  Flatten,
  GroupNorm,
  InstanceNorm2d,
  type Layer,
  LayerNorm,
  type PaddingMode,
  pad,
  RmsNorm,
  readState,
  Sequential,
  sum,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { expectClose, randomTensor, testDevice } from "../device.js";

const device = await testDevice();
const rng = createRng(device, 5);

const cases: { name: string; make: () => Layer; x: number[]; y: number[]; parameters: Record<string, number[]> }[] = [
  {
    name: "ConvTranspose2d",
    make: () =>
      new ConvTranspose2d(rng, {
        inChannels: 4,
        outChannels: 6,
        kernelSize: [3, 2],
        stride: 2,
        padding: 1,
        outputPadding: 1,
        groups: 2,
      }),
    x: [2, 5, 3, 4],
    y: [2, 10, 5, 6],
    parameters: { weight: [3, 2, 3, 4], bias: [6] },
  },
  {
    name: "Conv1d",
    make: () => new Conv1d(rng, { inChannels: 4, outChannels: 6, kernelSize: 3, padding: "same", groups: 2 }),
    x: [2, 7, 4],
    y: [2, 7, 6],
    parameters: { weight: [3, 2, 6], bias: [6] },
  },
  {
    name: "ConvTranspose1d",
    make: () => new ConvTranspose1d(rng, { inChannels: 4, outChannels: 6, kernelSize: 3, stride: 2, bias: false }),
    x: [2, 7, 4],
    y: [2, 15, 6],
    parameters: { weight: [3, 6, 4] },
  },
  {
    name: "BatchNorm1d",
    make: () => new BatchNorm1d(device, { channels: 5 }),
    x: [4, 3, 5],
    y: [4, 3, 5],
    parameters: { weight: [5], bias: [5] },
  },
  {
    name: "BatchNorm2d without weight and bias",
    make: () => new BatchNorm2d(device, { channels: 5, affine: false }),
    x: [4, 3, 2, 5],
    y: [4, 3, 2, 5],
    parameters: {},
  },
  {
    name: "GroupNorm",
    make: () => new GroupNorm(device, { channels: 6, groups: 3 }),
    x: [2, 3, 5, 6],
    y: [2, 3, 5, 6],
    parameters: { weight: [6], bias: [6] },
  },
  {
    name: "LayerNorm",
    make: () => new LayerNorm(device, { shape: [3, 4] }),
    x: [2, 3, 4],
    y: [2, 3, 4],
    parameters: { weight: [3, 4], bias: [3, 4] },
  },
  {
    name: "LayerNorm without bias",
    make: () => new LayerNorm(device, { shape: 4, bias: false }),
    x: [2, 3, 4],
    y: [2, 3, 4],
    parameters: { weight: [4] },
  },
  { name: "RmsNorm", make: () => new RmsNorm(device, { shape: 4 }), x: [2, 4], y: [2, 4], parameters: { weight: [4] } },
  {
    name: "InstanceNorm2d",
    make: () => new InstanceNorm2d(device, { channels: 3, affine: true }),
    x: [2, 3, 5, 3],
    y: [2, 3, 5, 3],
    parameters: { weight: [3], bias: [3] },
  },
];

describe.each(cases)("$name", ({ make, x: shape, y, parameters }) => {
  test("shapes of parameters, result and gradients", () => {
    const layer = make();
    const x = randomTensor(device, shape, 3, [-1, 1], { requiresGrad: true });
    expect(Object.fromEntries(layer.namedParameters().map(([name, p]) => [name, p.shape]))).toEqual(parameters);
    const result = layer.forward(x);
    expect(result.shape).toEqual(y);
    const gradients = backward(sum(voxpix.square(result)));
    for (const input of [x, ...layer.parameters()]) expect(gradients.of(input).shape).toEqual(input.shape);
  });
  test("another one with its state gives the same", async () => {
    const [layer, other] = [make(), make()];
    const x = randomTensor(device, shape, 4);
    layer.forward(x);
    other.loadStateDict(await readState(layer.stateDict()));
    expect(await other.eval().forward(x).data()).toEqual(await layer.eval().forward(x).data());
  });
});

/** A layer without parameters, and the op that it is with the same options. */
function pair<O>(
  name: string,
  make: new (options: O) => Layer,
  op: (x: Tensor, options: O) => Tensor,
  options: O,
  x: number[],
) {
  return { name, layer: new make(options), op: (input: Tensor) => op(input, options), x };
}

const [plane, line] = [
  [2, 7, 5, 3],
  [2, 7, 3],
];
const window = { kernelSize: 3, stride: 2, padding: 1 };
const plain = [
  pair("MaxPool2d", voxpix.MaxPool2d, voxpix.maxPool2d, window, plane!),
  pair("AvgPool2d", voxpix.AvgPool2d, voxpix.avgPool2d, window, plane!),
  pair("MaxPool1d", voxpix.MaxPool1d, voxpix.maxPool1d, window, line!),
  pair("AvgPool1d", voxpix.AvgPool1d, voxpix.avgPool1d, window, line!),
  pair("AdaptiveMaxPool2d", voxpix.AdaptiveMaxPool2d, voxpix.adaptiveMaxPool2d, { size: 2 }, plane!),
  pair("AdaptiveAvgPool2d", voxpix.AdaptiveAvgPool2d, voxpix.adaptiveAvgPool2d, { size: 2 }, plane!),
  pair("GlobalMaxPool2d", voxpix.GlobalMaxPool2d, voxpix.globalMaxPool2d, { keepDims: true }, plane!),
  pair("GlobalAvgPool2d", voxpix.GlobalAvgPool2d, voxpix.globalAvgPool2d, { keepDims: true }, plane!),
  pair("PixelShuffle", voxpix.PixelShuffle, voxpix.pixelShuffle, { factor: 2 }, [1, 2, 3, 8]),
  pair("PixelUnshuffle", voxpix.PixelUnshuffle, voxpix.pixelUnshuffle, { factor: 2 }, [1, 2, 6, 3]),
  { name: "Identity", layer: new voxpix.Identity(), op: (x: Tensor) => x, x: [2, 3] },
];

test.each(plain)("$name is its op", async ({ layer, op, x: shape }) => {
  const x = randomTensor(device, shape, 1);
  const [actual, expected] = [layer.forward(x), op(x)];
  expect(actual.shape).toEqual(expected.shape);
  expect(await actual.data()).toEqual(await expected.data());
  expect(layer.parameters()).toEqual([]);
});

test("global poolings drop the plane unless told", () => {
  const x = randomTensor(device, [2, 7, 5, 3], 1);
  for (const layer of [new voxpix.GlobalAvgPool2d(), new voxpix.GlobalMaxPool2d()])
    expect(layer.forward(x).shape).toEqual([2, 3]);
});

test("Flatten merges axes", () => {
  const x = randomTensor(device, [2, 3, 4, 5], 1);
  expect(new Flatten().forward(x).shape).toEqual([2, 60]);
  expect(new Flatten({ startAxis: 0, endAxis: 1 }).forward(x).shape).toEqual([6, 4, 5]);
  expect(new Flatten({ startAxis: -2 }).forward(x).shape).toEqual([2, 3, 20]);
  expect(new Flatten().forward(randomTensor(device, [0, 3, 4], 1)).shape).toEqual([0, 12]);
  expect(() => new Flatten({ startAxis: 2, endAxis: 1 }).forward(x)).toThrow(
    "Flatten: endAxis must not lie before startAxis, got 1 and 2\n  x [2, 3, 4, 5]",
  );
  expect(() => new Flatten({ startAxis: 4 }).forward(x)).toThrow("Flatten: axis must lie in [-4, 3]");
});

describe("Conv2d paddingMode", () => {
  /** One line continued by hand. */
  const lines: Record<Exclude<PaddingMode, "zeros">, number[]> = {
    reflect: [3, 2, 1, 2, 3, 4, 3],
    replicate: [1, 1, 1, 2, 3, 4, 4],
    circular: [3, 4, 1, 2, 3, 4, 1],
  };
  test.each(Object.entries(lines))("%s continues a line", async (paddingMode, expected) => {
    // A kernel of one pixel with padding shows the border itself.
    const layer = new Conv2d(rng, {
      inChannels: 1,
      outChannels: 1,
      kernelSize: 1,
      padding: [
        [0, 0],
        [2, 1],
      ],
      paddingMode: paddingMode as PaddingMode,
      bias: false,
      init: voxpix.constantInit(1),
    });
    const y = layer.forward(tensor(device, [1, 2, 3, 4], [1, 1, 4, 1]));
    expect([...(await y.data())]).toEqual(expected);
  });
  test.each(["reflect", "replicate"] as const)("%s with padding same, stride and dilation", async (mode) => {
    const options = { kernelSize: [3, 2], stride: [1, 2], dilation: [2, 1], padding: "same" } as const;
    const layer = new Conv2d(rng, { inChannels: 3, outChannels: 4, paddingMode: mode, ...options });
    const x = randomTensor(device, [2, 5, 7, 3], 1);
    const y = layer.forward(x);
    expect(y.shape).toEqual([2, 5, 4, 4]);
    // Rows: 5 outputs of extent 5 need 4 more; columns: 4 outputs, 2 apart, of extent 2 need 1 more, at the end.
    const padding = [
      [0, 0],
      [2, 2],
      [0, 1],
      [0, 0],
    ] as const;
    const expected = conv2d(pad(x, { mode, padding }), layer.weight, layer.bias, { stride: [1, 2], dilation: [2, 1] });
    expectClose(await y.data(), await expected.data(), 0);
  });
  test("circular padding: gradients reach each pixel once for each copy", async () => {
    const layer = new Conv2d(rng, {
      inChannels: 1,
      outChannels: 1,
      kernelSize: 3,
      padding: 1,
      paddingMode: "circular",
      bias: false,
      init: voxpix.constantInit(1),
    });
    const x = randomTensor(device, [1, 3, 5, 1], 1, [-1, 1], { requiresGrad: true });
    expect([
      ...(await backward(sum(layer.forward(x)))
        .of(x)
        .data()),
    ]).toEqual(new Array(15).fill(9));
  });
  test("rejects what the image is too small for", () => {
    const make = (paddingMode: PaddingMode) =>
      new Conv2d(rng, { inChannels: 1, outChannels: 1, kernelSize: 1, padding: 3, paddingMode });
    const x = randomTensor(device, [1, 2, 5, 1], 1);
    expect(() => make("circular").forward(x)).toThrow(
      "pad: circular needs a padding of at most the size 2 of axis 1, got 3\n  x [1, 2, 5, 1]",
    );
    expect(() => make("reflect").forward(x)).toThrow("pad: reflect needs a padding smaller than the size 2 of axis 1");
    expect(() => make("reflect").forward(tensor(device, [1]))).toThrow("conv2d: x must have 4 axes (NHWC), got 1");
  });
});

test("BatchNorm1d takes vectors and sequences only", () => {
  const layer = new BatchNorm1d(device, { channels: 3 });
  expect(layer.forward(randomTensor(device, [4, 3], 1)).shape).toEqual([4, 3]);
  expect(() => layer.forward(randomTensor(device, [2, 2, 2, 3], 1))).toThrow(
    "BatchNorm1d: x must have 2 axes ([N, C]) or 3 (NLC), got 4\n  x [2, 2, 2, 3]",
  );
});

test("InstanceNorm2d: in evaluation its own statistics, or the running ones when it keeps them", async () => {
  const x = randomTensor(device, [2, 3, 5, 3], 1, [1, 4]);
  const own = new InstanceNorm2d(device, { channels: 3 });
  expect(own.namedBuffers()).toEqual([]);
  expect(await own.eval().forward(x).data()).toEqual(await own.train().forward(x).data());
  const kept = new InstanceNorm2d(device, { channels: 3, trackRunningStats: true, momentum: 1 });
  kept.forward(x);
  expect(kept.namedBuffers().map(([name]) => name)).toEqual(["runningMean", "runningVar"]);
  const [mean, variance] = [await kept.runningMean!.data(), await kept.runningVar!.data()];
  const values = await x.data();
  const expected = Array.from(values, (value, i) => (value - mean[i % 3]!) / Math.sqrt(variance[i % 3]! + 1e-5));
  expectClose(await kept.eval().forward(x).data(), expected, 3e-6);
});

test("rejects groups that do not divide the channels, and kernels without taps", () => {
  const options = { inChannels: 4, outChannels: 6, kernelSize: 3, groups: 4 };
  for (const [name, Type] of Object.entries({ ConvTranspose2d, Conv1d, ConvTranspose1d })) {
    expect(() => new Type(rng, options)).toThrow(
      `${name}: groups must divide inChannels and outChannels, got 4 for 4 and 6`,
    );
    expect(() => new Type(rng, { ...options, groups: 1, kernelSize: 0 })).toThrow(
      `${name}: kernelSize must be whole and at least 1, got 0`,
    );
  }
});

test("a small network of them trains", async () => {
  const source = createRng(device, 1);
  const net = new Sequential([
    new Conv2d(source, { inChannels: 1, outChannels: 8, kernelSize: 3, padding: 1, paddingMode: "reflect" }),
    new GroupNorm(device, { channels: 8, groups: 2 }),
    voxpix.relu,
    new voxpix.MaxPool2d({ kernelSize: 2 }),
    new ConvTranspose2d(source, { inChannels: 8, outChannels: 4, kernelSize: 2, stride: 2 }),
    new InstanceNorm2d(device, { channels: 4, affine: true }),
    new voxpix.AdaptiveAvgPool2d({ size: 2 }),
    new Flatten(),
    new LayerNorm(device, { shape: 16 }),
    new voxpix.Linear(source, { inFeatures: 16, outFeatures: 2 }),
  ]);
  const x = randomTensor(device, [8, 6, 6, 1], 2);
  const target = randomTensor(device, [8, 2], 3);
  const optimizer = new voxpix.Adam(net.parameters(), { lr: 0.02 });
  const losses: number[] = [];
  for (let step = 0; step < 60; step++) {
    using _scope = device.scope();
    const loss = voxpix.mse(net.forward(x), target);
    optimizer.step(backward(loss));
    if (step % 59 === 0) losses.push(await loss.item());
  }
  expect(losses[1]!).toBeLessThan(0.2 * losses[0]!);
  optimizer.dispose();
});
