import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { logSoftmax, softmax } from "../../src/tensor/ops/softmax.js";
import { tensor } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { withBindingLimit } from "../gemm.js";
import { softmaxReference } from "../reference/softmax.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
const tolerance = 1e-6;
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const shapes: [number[], number][] = [
  [[7], 0],
  [[1], 0],
  [[3, 5, 2], 1],
  [[3, 5, 2], 0],
  [[5, 131], -1],
  [[3, 64], 1],
  [[2, 65], 1],
  [[300, 3], 0],
  [[131, 67], 0],
  [[2, 20_011], 1],
  [[0, 3], 1],
  [[3, 0], 1],
];

describe.each([
  ["softmax", softmax, false],
  ["logSoftmax", logSoftmax, true],
] as const)("%s", (name, op, log) => {
  test.each(shapes)("forward: %o along %i", async (shape, axis) => {
    using _scope = device.scope();
    const x = randomTensor(device, shape, 5, [-9, 9]);
    const y = op(x, { axis });
    expect(y.shape).toEqual(shape);
    expectClose(await y.data(), softmaxReference(await x.data(), shape, axis, log), tolerance);
  });
  test.each<[string, number[], number[]]>([
    ["large", [1000, 1000], [0.5, 0.5]],
    ["far apart", [0, 200], [0, 1]],
    ["-infinity", [-inf, 0, 0], [0, 0.5, 0.5]],
    ["-infinity alone", [-inf, -inf], [nan, nan]],
    ["infinity", [inf, 0], [nan, nan]],
    ["NaN", [0, nan, 1], [nan, nan, nan]],
  ])("forward: %s", async (_name, values, expected) => {
    const rows = op(tensor(device, values));
    const wanted = log
      ? expected.map((v, i) =>
          v === 0 && Number.isFinite(values[i]!) ? values[i]! - Math.max(...values) : Math.log(v),
        )
      : expected;
    expectClose(await rows.data(), wanted, tolerance);
    // The same through the kernel of long rows, in which a whole workgroup works on one.
    const long = [...values, ...new Array<number>(100).fill(-inf)];
    const padded = await op(tensor(device, long, [1, long.length])).data();
    expectClose(padded.slice(0, values.length), wanted, tolerance);
  });
  test("gradients, first and second", async () => {
    for (const axis of [0, 1, -1]) {
      await gradcheck((x) => op(x!, { axis }), [randomTensor(device, [3, 4, 2], 1)]);
      await checkSecondGradient((x) => op(x!, { axis }), [randomTensor(device, [3, 4, 2], 1)]);
    }
  });
  test("in windows", async () => {
    using _scope = device.scope();
    const x = randomTensor(device, [300, 7, 5], 3);
    const long = randomTensor(device, [130, 300, 2], 3);
    const expected = [await op(x, { axis: 1 }).data(), await op(long, { axis: 1 }).data()];
    await withBindingLimit(device, 16_384, async () => expect(await op(x, { axis: 1 }).data()).toEqual(expected[0]));
    await withBindingLimit(device, 262_144, async () =>
      expect(await op(long, { axis: 1 }).data()).toEqual(expected[1]),
    );
  });
  test("rejects", () => {
    expect(() => op(tensor(device, [1]), { axis: 1 })).toThrow(`${name}: axis must lie in [-1, 0]`);
    expect(() => op(tensor(device, [1], [1], { dtype: "i32" }))).toThrow(`${name}: x must be f32, got i32`);
  });
});
