/** Several parameters in one dispatch: the bits of one after the other, whatever an adapter may bind. */
import { describe, expect, test } from "vitest";
import type { Device } from "../../src/kernels/device.js";
import { sources } from "../../src/kernels/generated.js";
import { grid } from "../../src/kernels/grid.js";
import { multiUpdate, ownBindings } from "../../src/kernels/multi-update.js";
import { type ParameterUpdate, updateParameters } from "../../src/kernels/optimizer-update.js";
import { Ema } from "../../src/nn/ema.js";
import { GradientAccumulator } from "../../src/nn/gradient-accumulator.js";
import { Linear } from "../../src/nn/linear.js";
import { tensorFromBuffer } from "../../src/tensor/host-buffer.js";
import { createRng } from "../../src/tensor/random.js";
import { empty, type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { testDevice, uniform } from "../device.js";
import { type UpdateKernel, updateKernels } from "../update-kernels.js";

const device = await testDevice();
/** Odd, tiny, of several workgroups, and none at all. */
const sizes = [37, 1, 700, 0, 256, 5, 1025, 64, 3, 130, 2, 9, 511];
const scalars = tensor(
  device,
  sizes.flatMap((_, row) => [...new Array(11).fill(0.2 + 0.01 * row), 0]),
);

/** The device, as if a kernel could bind so many buffers; its dispatches are counted. */
function pretended(maxStorageBuffers: number, maxBindingBytes = device.adapter.maxBindingBytes) {
  const launched: { kernel: string; groups: readonly (number | undefined)[] }[] = [];
  const pretending = {
    adapter: { ...device.adapter, maxStorageBuffers, maxBindingBytes },
    allocate: device.allocate.bind(device),
    launch: (source: Parameters<Device["launch"]>[0], launch: Parameters<Device["launch"]>[1]) => {
      launched.push({ kernel: source.name, groups: launch.groups });
      device.launch(source, launch);
    },
  } as unknown as Device;
  return { pretending, launched };
}

/** Parameters and states of all sizes, updated in one call or each in its own. */
async function update(kernel: UpdateKernel, on: Device, calls: "one" | "many", absent: string[] = []) {
  const slots = ownBindings(sources[kernel]).filter((name) => !["gradient", "parameter", ...absent].includes(name));
  const tensors = sizes.map((size, row) => {
    const values = (seed: number) =>
      size === 0 ? empty(device, [0]) : tensor(device, uniform(size, 10 * row + seed, 0, 1));
    return {
      size,
      row,
      parameter: values(1),
      gradient: values(2),
      state: slots.map((slot, i) => [slot, values(3 + i)] as const),
    };
  });
  const updates = tensors.map(
    ({ size, row, parameter, gradient, state }): ParameterUpdate => ({
      // Rows are of 12 numbers: each kernel finds others in them.
      row,
      count: size,
      gradient: gradient.storage,
      parameter: parameter.storage,
      state: Object.fromEntries(state.map(([slot, values]) => [slot, values.storage])),
    }),
  );
  const constants = Object.fromEntries(sources[kernel].constants.map((name) => [name, absent.length > 0 ? 0 : 1]));
  const launch = (some: ParameterUpdate[]) =>
    updateParameters(on, { kernel: sources[kernel], scalars: scalars.storage, constants, updates: some });
  if (calls === "one") launch(updates);
  else for (const each of updates) launch([each]);
  const changed = tensors.flatMap(({ parameter, state }) => [parameter, ...state.map(([, values]) => values)]);
  return Promise.all(changed.map(async (values) => [...(await values.data())]));
}

describe.each(Object.keys(updateKernels) as UpdateKernel[])("%s", (kernel) => {
  const perPart = ownBindings(updateKernels[kernel]).length;
  test.each([
    ["as many as this adapter allows", device.adapter.maxStorageBuffers],
    ["8 buffers a kernel, WebGPU's default", 8],
    ["room for one parameter only", 1 + perPart],
  ])("all sizes together give the bits of each alone: %s", async (_name, most) => {
    const { pretending, launched } = pretended(most);
    const alone = await update(kernel, device, "many");
    expect(await update(kernel, pretending, "one")).toEqual(alone);
    const together = Math.min(5, Math.floor((most - 1) / perPart));
    expect(launched).toHaveLength(Math.ceil((sizes.length - 1) / together));
  });
  test("windows of large parameters among small ones", async () => {
    const { pretending } = pretended(device.adapter.maxStorageBuffers, 1024);
    expect(await update(kernel, pretending, "one")).toEqual(await update(kernel, device, "many"));
  });
});

test.each([
  ["sgd", ["momentum"]],
  ["adam", ["largest"]],
  ["rmsprop", ["average", "momentum"]],
] as const)("%s without %j binds nothing in its place", async (kernel, absent) => {
  const { pretending, launched } = pretended(8);
  const alone = await update(kernel, device, "many", [...absent]);
  expect(await update(kernel, pretending, "one", [...absent])).toEqual(alone);
  for (const { kernel: name } of launched) expect(name).toContain(absent.map((slot) => `no-${slot}`).join("-"));
});

test("large parameters have dispatches of their own, small ones around them share theirs", () => {
  const { pretending, launched } = pretended(device.adapter.maxStorageBuffers);
  const updates = [5, 65_537, 7, 65_536].map((count) => ({
    row: 0,
    count,
    gradient: zeros(device, [count]).storage,
    parameter: zeros(device, [count]).storage,
    state: {},
  }));
  updateParameters(pretending, { kernel: sources.blend, scalars: scalars.storage, constants: {}, updates });
  expect(launched).toEqual([
    { kernel: "blend-x1", groups: grid(Math.ceil(65_537 / 256), 1) },
    { kernel: "blend-x3", groups: grid(1 + 1 + 1024, 1) },
  ]);
});

test("a kernel is written once", () => {
  expect(multiUpdate(sources.adam, [], 3)).toBe(multiUpdate(sources.adam, [], 3));
  expect(multiUpdate(sources.adam, ["largest"], 3)).not.toBe(multiUpdate(sources.adam, [], 3));
});

describe("what one update changes and another reads", () => {
  /** blend: parameter = 0.5 parameter + 2 gradient. */
  const table = tensor(device, [0.5, 2]);
  const blend = (on: Device, pairs: [parameter: Tensor, gradient: Tensor][]) =>
    updateParameters(on, {
      kernel: sources.blend,
      scalars: table.storage,
      constants: {},
      updates: pairs.map(([parameter, gradient]) => ({
        row: 0,
        count: parameter.size,
        gradient: gradient.storage,
        parameter: parameter.storage,
        state: {},
      })),
    });
  test("comes in order, in dispatches of their own", async () => {
    const { pretending, launched } = pretended(device.adapter.maxStorageBuffers);
    const [a, b, c, d] = [1, 2, 3, 4].map((value) => tensor(device, [value])) as [Tensor, Tensor, Tensor, Tensor];
    // b reads the new a; then c changes what b read before it; d is twice changed.
    blend(pretending, [
      [a, d],
      [b, a],
      [c, b],
      [d, c],
      [d, c],
    ]);
    expect(await Promise.all([a, b, c, d].map((each) => each.item()))).toEqual([8.5, 18, 37.5, 113.5]);
    expect(launched).toHaveLength(5);
    await device.finish();
  });
  test("one gradient of several parameters is bound as often as it is read", async () => {
    const { pretending, launched } = pretended(device.adapter.maxStorageBuffers);
    const [a, b, gradient] = [1, 2, 3].map((value) => tensor(device, [value])) as [Tensor, Tensor, Tensor];
    blend(pretending, [
      [a, gradient],
      [b, gradient],
    ]);
    expect([await a.item(), await b.item()]).toEqual([6.5, 7]);
    expect(launched).toHaveLength(1);
  });
  test("a buffer of the application holds a parameter and another's gradient", async () => {
    const gpu = tensor(device, new Array(128).fill(1)).gpuBuffer;
    const [first, second] = [0, 256].map((offset) => tensorFromBuffer(device, gpu, [64], { offset })) as [
      Tensor,
      Tensor,
    ];
    const other = tensor(device, new Array(64).fill(1));
    blend(device, [
      [first, other],
      [other, second],
    ]);
    expect([...(await first.data())]).toEqual(new Array(64).fill(2.5));
    expect([...(await other.data())]).toEqual(new Array(64).fill(2.5));
    await device.finish();
  });
});

test("moving averages and sums of gradients take as few dispatches", () => {
  const net = new Linear(createRng(device, 1), { inFeatures: 5, outFeatures: 3 });
  const ema = new Ema(net);
  const sums = new GradientAccumulator(net.parameters());
  const gradients = new Map(
    net
      .parameters()
      .map((parameter) => [parameter as Tensor, tensor(device, uniform(parameter.size, 1), parameter.shape)]),
  );
  const count = (body: () => void) => {
    const before = device.commandCounts().dispatches;
    body();
    return device.commandCounts().dispatches - before;
  };
  expect([count(() => ema.update()), count(() => sums.add(gradients))]).toEqual([1, 1]);
  for (const part of [net, ema, sums]) part.dispose();
});
