import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { argSort, sort, topK } from "../../src/tensor/ops/sort.js";
import { tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice, uniform } from "../device.js";
import { groupsOf } from "../reference/reduce.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();

/** Places in stable sorted order; NaN counts as the largest. */
function order(values: readonly number[], descending: boolean): number[] {
  const key = (v: number) => (Number.isNaN(v) ? Infinity : v);
  const nan = (v: number) => (Number.isNaN(v) ? 1 : 0);
  const sign = descending ? -1 : 1;
  return values
    .map((_, i) => i)
    .sort((i, j) => {
      const [a, b] = [values[i]!, values[j]!];
      const difference = key(a) === key(b) ? nan(a) - nan(b) : key(a) - key(b);
      return sign * difference || i - j;
    });
}

describe.each([false, true])("sort, descending %s", (descending) => {
  test.each([[[1]], [[7]], [[32]], [[33]], [[64]], [[65]], [[97]], [[1000]], [[3, 131]], [[2, 0]]])(
    "last axis of %o, with ties",
    async (shape) => {
      using _scope = device.scope();
      const list = Array.from(
        uniform(
          shape.reduce((a, b) => a * b, 1),
          3,
          -20,
          20,
        ),
        Math.floor,
      );
      for (const dtype of ["f32", "i32"] as const) {
        const { values, indices } = sort(tensor(device, list, shape, { dtype }), { descending });
        expect(indices.dtype).toBe("i32");
        const rows = groupsOf(list, shape, -1);
        const expected = list.length === 0 ? [] : rows.map((row) => order(row, descending));
        expect(Array.from(await indices.data())).toEqual(expected.flat());
        expect(Array.from(await values.data())).toEqual(expected.flatMap((row, r) => row.map((i) => rows[r]![i]!)));
      }
    },
  );
  test("another axis", async () => {
    const x = tensor(device, [3, 1, 2, 2, 1, 3], [3, 2]);
    const { values } = sort(x, { axis: 0, descending });
    expect(Array.from(await values.data())).toEqual(descending ? [3, 3, 2, 2, 1, 1] : [1, 1, 2, 2, 3, 3]);
  });
  test("NaN counts as the largest, infinities are numbers", async () => {
    const list = [1, Number.NaN, -Infinity, Infinity, Number.NaN, -0, 0];
    expect(Array.from(await argSort(tensor(device, list), { descending }).data())).toEqual(order(list, descending));
  });
});

test("topK: values, indices, gradients", async () => {
  const x = tensor(device, [1, 5, 3, 9, 2, 7], [2, 3]);
  const best = topK(x, { k: 2 });
  expect(Array.from(await best.values.data())).toEqual([5, 3, 9, 7]);
  expect(Array.from(await best.indices.data())).toEqual([1, 2, 0, 2]);
  expect(Array.from(await topK(x, { k: 1, axis: 0, largest: false }).values.data())).toEqual([1, 2, 3]);
  const inputs = [
    tensor(
      device,
      Array.from({ length: 30 }, (_, i) => ((i * 7) % 30) / 10),
      [3, 2, 5],
    ),
  ];
  await gradcheck((t) => topK(t!, { k: 3 }).values, inputs);
  await gradcheck((t) => sort(t!, { axis: 0 }).values, inputs);
  await checkSecondGradient((t) => topK(t!, { k: 3 }).values, inputs);
});

test("rejects", () => {
  const x = randomTensor(device, [2, 3], 1);
  expect(() => topK(x, { k: 4 })).toThrow("topK: k must lie in [0, 3] on axis 1, got 4\n  x [2, 3]");
  expect(() => topK(x, { k: 1, axis: 2 })).toThrow("topK: axis must lie in [-2, 1]");
  expect(() => sort(x, { axis: 2 })).toThrow("sort: axis must lie in [-2, 1]");
  expect(() => argSort(tensor(device, 1))).toThrow("argSort: axis must lie in [0, -1]");
});
