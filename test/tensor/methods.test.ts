import { expect, test } from "vitest";
import "../../src/tensor/methods.js";
import { backward } from "../../src/tensor/backward.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectClose, testDevice } from "../device.js";

const device = await testDevice();
const values = [0.5, 2, 3, 1.5, 0.25, 4];

test.each<[string, (x: Tensor) => Tensor, (x: number) => number]>([
  ["add", (x) => x.add(x).add(2), (x) => x + x + 2],
  ["sub", (x) => x.sub(1).sub(x.mul(3)), (x) => x - 1 - 3 * x],
  ["mul", (x) => x.mul(x).mul(0.5), (x) => x * x * 0.5],
  ["div", (x) => x.div(4).div(x.add(1)), (x) => x / 4 / (x + 1)],
  ["pow", (x) => x.pow(3).pow(x.div(4)), (x) => (x ** 3) ** (x / 4)],
  ["neg", (x) => x.neg(), (x) => -x],
  ["abs", (x) => x.sub(2).abs(), (x) => Math.abs(x - 2)],
  ["exp", (x) => x.exp(), Math.exp],
  ["log", (x) => x.log(), Math.log],
  ["sqrt", (x) => x.sqrt(), Math.sqrt],
  ["square", (x) => x.square(), (x) => x * x],
  ["relu", (x) => x.sub(2).relu(), (x) => Math.max(x - 2, 0)],
  ["sigmoid", (x) => x.sigmoid(), (x) => 1 / (1 + Math.exp(-x))],
  ["tanh", (x) => x.tanh(), Math.tanh],
])("%s", async (_name, method, reference) => {
  using _scope = device.scope();
  expectClose(await method(tensor(device, values)).data(), values.map(reference), 2e-6);
});

test("sum, mean, max, min over axes and over all", async () => {
  using _scope = device.scope();
  const x = tensor(device, values, [2, 3]);
  const all = [x.sum(), x.mean(), x.max(), x.min()];
  expect(await Promise.all(all.map((t) => t.item()))).toEqual([11.25, 1.875, 4, 0.25]);
  expect(Array.from(await x.sum({ axes: 1 }).data())).toEqual([5.5, 5.75]);
  expect(x.mean({ axes: 0, keepDims: true }).shape).toEqual([1, 3]);
  expect(Array.from(await x.max({ axes: 0 }).data())).toEqual([1.5, 2, 4]);
  expect(Array.from(await x.min({ axes: 0 }).data())).toEqual([0.5, 0.25, 3]);
});

test("reshape and transpose", async () => {
  using _scope = device.scope();
  const x = tensor(device, values, [2, 3]);
  expect(x.reshape([3, -1]).shape).toEqual([3, 2]);
  expect(Array.from(await x.transpose().data())).toEqual([0.5, 1.5, 2, 0.25, 3, 4]);
  expect(x.reshape([1, 2, 3]).transpose([1, 0, 2]).shape).toEqual([2, 1, 3]);
});

test("methods are recorded like the functions", async () => {
  using _scope = device.scope();
  const x = tensor(device, values, undefined, { requiresGrad: true });
  const gradient = backward(x.square().mul(3).sum()).of(x);
  expectClose(
    await gradient.data(),
    values.map((v) => 6 * v),
    1e-6,
  );
});

test("methods do not show when a tensor is listed", () => {
  using _scope = device.scope();
  expect(Object.keys(Object.getPrototypeOf(tensor(device, 1)) as object)).not.toContain("add");
});
