import { expect, test } from "vitest";
import { adam } from "../../src/kernels/adam.js";
import type { Device } from "../../src/kernels/device.js";
import { dropout, random } from "../../src/kernels/random.js";
import { sgd } from "../../src/kernels/sgd.js";
import { blockWindows } from "../../src/kernels/windows.js";
import { empty, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { testDevice, uniform } from "../device.js";

const device = await testDevice();
/** The same device, as if it allowed bindings of 1,024 bytes only. */
const narrow = {
  adapter: { ...device.adapter, maxBindingBytes: 1024 },
  allocate: device.allocate.bind(device),
  launch: device.launch.bind(device),
} as unknown as Device;
const count = 700;
const storage = (seed: number) => tensor(device, uniform(count, seed, 0, 1));
const stream = tensor(device, [1, 2, 0xffffffff, 4, 0, 0], [6], { dtype: "u32" });
const scalars = tensor(device, [9, 9, 9, 9, 0.1, 0.5, 0, 0], [2, 4]);

test("blockWindows covers every block once, in multiples of 256 bytes", () => {
  expect(blockWindows(narrow, count)).toEqual([
    { first: 0, blocks: 64, offset: 0, bytes: 1024 },
    { first: 64, blocks: 64, offset: 1024, bytes: 1024 },
    { first: 128, blocks: 47, offset: 2048, bytes: 768 },
  ]);
  expect(blockWindows(narrow, 0)).toEqual([]);
});

test.each<[string, (on: Device) => Tensor[]]>([
  [
    "random",
    (on) => {
      const output = empty(device, [count], "u32");
      random(on, "bits", {}, stream.storage, output.storage, count);
      return [output];
    },
  ],
  [
    "dropout",
    (on) => {
      const output = empty(device, [count]);
      dropout(on, storage(1).storage, stream.storage, output.storage, { count, rate: 0.5 });
      return [output];
    },
  ],
  [
    "sgd",
    (on) => {
      const [parameter, gradient, buffer] = [1, 2, 3].map(storage) as [Tensor, Tensor, Tensor];
      const buffers = {
        scalars: scalars.storage,
        gradient: gradient.storage,
        buffer: buffer.storage,
        parameter: parameter.storage,
      };
      sgd(on, buffers, { count, row: 1, momentum: 0.9, nesterov: true, weightDecay: 0.1 });
      return [parameter, buffer];
    },
  ],
  [
    "adam",
    (on) => {
      const [parameter, gradient, mean, variance, largest] = [1, 2, 3, 4, 5].map(storage) as Tensor[] as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const buffers = {
        scalars: scalars.storage,
        gradient: gradient.storage,
        mean: mean.storage,
        variance: variance.storage,
        largest: largest.storage,
        parameter: parameter.storage,
      };
      adam(on, buffers, { count, row: 1, betas: [0.9, 0.99], weightDecay: 0.1 });
      return [parameter, mean, variance, largest];
    },
  ],
])("%s in windows gives the same bits as in one piece", async (_name, run) => {
  const [whole, parts] = [run(device), run(narrow)];
  for (const [i, tensor] of parts.entries()) expect([...(await tensor.data())]).toEqual([...(await whole[i]!.data())]);
});
