import { expect, test } from "vitest";
import type { Device } from "../../src/kernels/device.js";
import { updateParameters } from "../../src/kernels/optimizer-update.js";
import { dropout, random } from "../../src/kernels/random.js";
import { blockWindows } from "../../src/kernels/windows.js";
import { empty, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { testDevice, uniform } from "../device.js";
import { type UpdateKernel, updateKernels } from "../update-kernels.js";

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
/** Two rows of the longest of the kernels' tables, none of them a first step. */
const scalars = tensor(device, [...new Array(24).fill(0.25), 0], [25]);

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
  ...(Object.keys(updateKernels) as UpdateKernel[]).map((kernel): [string, (on: Device) => Tensor[]] => [
    kernel,
    (on) => {
      const shared = ["scalars", "gradient", "parameter"];
      const slots = Object.keys(updateKernels[kernel].buffers).filter((name) => !shared.includes(name));
      const [parameter, gradient, ...state] = ["p", "g", ...slots].map((_, i) => storage(i + 1)) as [
        Tensor,
        Tensor,
        ...Tensor[],
      ];
      updateParameters(on, {
        kernel: updateKernels[kernel],
        scalars: scalars.storage,
        constants: {},
        updates: [
          {
            row: 1,
            count,
            gradient: gradient.storage,
            parameter: parameter.storage,
            state: Object.fromEntries(slots.map((name, i) => [name, state[i]!.storage])),
          },
        ],
      });
      return [parameter, ...state];
    },
  ]),
])("%s in windows gives the same bits as in one piece", async (_name, run) => {
  const [whole, parts] = [run(device), run(narrow)];
  for (const [i, tensor] of parts.entries()) expect([...(await tensor.data())]).toEqual([...(await whole[i]!.data())]);
});
