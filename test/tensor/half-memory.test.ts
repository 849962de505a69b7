/** f16 at the edges of its memory: odd counts and offsets, nothing at all, more than one binding, missing features. */
import { describe, expect, test } from "vitest";
import {
  add,
  backward,
  broadcastTo,
  cast,
  concat,
  DeviceError,
  type DType,
  defineKernel,
  flip,
  linear,
  matmul,
  pad,
  relu,
  reshape,
  slice,
  split,
  sum,
  type Tensor,
  tensor,
  transpose,
  zeros,
} from "../../src/index.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";

const device = await testDevice();
const half = { dtype: "f16" } as const;
const up = (count: number) => Float32Array.from({ length: count }, (_, i) => i + 1);

/** Ops that only move elements, on [3, 5] or, flattened, [15]. */
const moving: [name: string, f: (x: Tensor) => Tensor][] = [
  ["slice from an odd place", (x) => slice(x, { start: [1, 1], end: [3, 4] })],
  ["slice of one element", (x) => slice(x, { start: [2, 3], end: [3, 4] })],
  ["slice with steps", (x) => slice(x, { start: [0, 1], step: [2, 3] })],
  ["slice backwards", (x) => slice(x, { start: [null, 3], step: [-1, -2] })],
  ["slice of nothing", (x) => slice(x, { start: [1, 2], end: [1, 2] })],
  ["the middle of three parts", (x) => split(reshape(x, { shape: [15] }), { sizes: [3, 5, 7] })[1] as Tensor],
  ["concat of odd parts", (x) => concat([x, slice(x, { start: [0, 0], end: [3, 1] }), x], { axis: 1 })],
  ["concat with nothing", (x) => concat([slice(x, { start: [0, 0], end: [0, 5] }), x])],
  ["transpose", (x) => transpose(x)],
  ["flip", (x) => flip(x)],
  ["broadcastTo", (x) => broadcastTo(x, { shape: [3, 3, 5] })],
  [
    "pad",
    (x) =>
      pad(x, {
        padding: [
          [1, 0],
          [0, 2],
        ],
        value: -0.5,
      }),
  ],
  [
    "pad, mirrored",
    (x) =>
      pad(x, {
        padding: [
          [1, 0],
          [2, 2],
        ],
        mode: "reflect",
      }),
  ],
];

describe("f16 elements keep their places", () => {
  test.each(moving)("%s", async (_name, f) => {
    using _scope = device.scope();
    const run = (dtype: DType) => {
      const x = tensor(device, up(15), [3, 5], { dtype, requiresGrad: true });
      return { x, y: f(x) };
    };
    const [own, judge] = [run("f16"), run("f32")];
    expect(own.y.dtype).toBe("f16");
    expect(own.y.shape).toEqual(judge.y.shape);
    expect(await own.y.data()).toEqual(await judge.y.data());
    const gradOutput = randomTensor(device, own.y.shape, 3);
    const gradient = (by: Tensor, y: Tensor) => backward(y, { gradOutput }).of(by).data();
    expect(await gradient(own.x, own.y)).toEqual(await gradient(judge.x, judge.y));
  });
  test.each([1, 2, 3, 5])("what lies behind an odd number of elements is never read: sums of %i", async (count) => {
    using _scope = device.scope();
    // The memory of what was freed before is used again.
    tensor(device, new Float32Array(64).fill(60000), [64], half).dispose();
    const x = tensor(device, up(count), [count], half);
    expect(await sum(x).item()).toBe((count * (count + 1)) / 2);
    expect(Array.from(await add(x, x).data())).toEqual(Array.from(up(count), (value) => 2 * value));
  });
  test.each<[string, (x: Tensor) => Tensor]>([
    ["add", (x) => add(x, 1)],
    ["matmul", (x) => matmul(x, transpose(x))],
    ["sum", (x) => sum(x)],
    ["cast", (x) => cast(cast(x, "f32"), "f16")],
  ])("%s of nothing", async (_name, f) => {
    using _scope = device.scope();
    const [own, judge] = [f(zeros(device, [0, 3], half)), f(zeros(device, [0, 3]))];
    expect(own.dtype).toBe("f16");
    expect(await own.data()).toEqual(await judge.data());
  });
});

describe("f16 tensors over one binding", () => {
  test.each<[string, () => Tensor]>([
    ["cast", () => cast(randomTensor(device, [9001], 1), "f16")],
    ["add", () => add(randomTensor(device, [9001], 1, [-1, 1], half), 1)],
    ["relu of rows", () => relu(randomTensor(device, [701, 13], 2, [-1, 1], half))],
    ["sum", () => sum(randomTensor(device, [701, 13], 2, [-1, 1], half), { axes: 0 })],
    ["slice", () => slice(randomTensor(device, [701, 13], 3, [-1, 1], half), { start: [1, 1] })],
    ["transpose", () => transpose(randomTensor(device, [701, 13], 3, [-1, 1], half))],
  ])("%s gives the same bits in windows", async (_name, f) => {
    using _scope = device.scope();
    const whole = await f().data();
    expect(await withBindingLimit(device, 16_384, () => f().data())).toEqual(whole);
  });
  test("linear, which adds up in another order there, rounds once in windows too", async () => {
    using _scope = device.scope();
    const [x, weight] = [randomTensor(device, [3, 129], 4, [-1, 1], half), randomTensor(device, [129, 67], 5)];
    const exact = await linear(cast(x, "f32"), weight, null).data();
    const found = await withBindingLimit(device, 16_384, () => linear(x, weight, null).data());
    expectClose(found, exact, 2 ** -11);
  });
});

test("a kernel that enables f16 is refused by name where the adapter has no shader-f16", () => {
  using _scope = device.scope();
  const copy = defineKernel(`enable f16;
    @group(0) @binding(1) var<storage, read> x: array<f16>;
    @group(0) @binding(2) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(1) fn copy(@builtin(global_invocation_id) id: vec3u) { y[id.x] = f32(x[id.x]); }`);
  const tensors = { x: zeros(device, [2], half), y: zeros(device, [2]) };
  const open = device as { adapter: typeof device.adapter };
  const { adapter } = device;
  open.adapter = { ...adapter, name: "an adapter", features: ["subgroups"] };
  try {
    expect(() => copy(tensors, { threads: 2 })).toThrow(
      new DeviceError("copy: the WGSL needs the feature shader-f16, but an adapter has subgroups"),
    );
  } finally {
    open.adapter = adapter;
  }
});
