/** einsum. */
import { describe, expect, test } from "vitest";
import { gradcheck } from "../../src/tensor/gradcheck.js";
import { einsum } from "../../src/tensor/ops/einsum.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";
import { expectClose, randomTensor, testDevice } from "../device.js";
import { einsumReference } from "../reference/einsum.js";
import { checkSecondGradient } from "../second.js";

const device = await testDevice();
/** Sums of up to 180 products. */
const tolerance = 2e-6;

const cases: [equation: string, ...shapes: number[][]][] = [
  ["ij,jk->ik", [3, 5], [5, 7]],
  ["bij,bkj->bki", [2, 3, 4], [2, 5, 4]],
  ["ij->ji", [3, 4]],
  ["ij->", [3, 4]],
  ["hwc->c", [3, 4, 5]],
  ["ii->i", [5, 5]],
  ["iji->j", [3, 4, 3]],
  ["iij,jk->ik", [3, 3, 4], [4, 2]],
  ["i,j->ij", [3], [4]],
  ["i,i->", [67], [67]],
  ["ij,ij,ij->i", [3, 4], [3, 4], [3, 4]],
  ["ij,jk,kl->li", [3, 4], [4, 5], [5, 2]],
  ["bqhd,bkhd->bhqk", [2, 3, 2, 4], [2, 5, 2, 4]],
  ["ijk,jil->kl", [3, 4, 5], [4, 3, 2]],
  ["ij,kl->jl", [3, 4], [2, 5]],
  ["ab,cb->ac", [3, 1], [2, 4]],
  ["ab,ab->b", [1, 4], [3, 4]],
  ["ab,bc->ca", [0, 3], [3, 2]],
  ["ab,bc->ac", [2, 0], [0, 3]],
  ["abcd,bcef->adef", [2, 3, 1, 2], [3, 1, 2, 2]],
];

describe("einsum", () => {
  test.each(cases)("%s of %j", async (equation, ...shapes) => {
    using _scope = device.scope();
    const tensors = shapes.map((shape, i) => randomTensor(device, shape, i + 1));
    const given = await Promise.all(tensors.map(async (t) => ({ values: await t.data(), shape: t.shape })));
    const expected = einsumReference(equation, given);
    const y = einsum(tensors, { equation });
    expect(y.shape).toEqual(expected.shape);
    expectClose(await y.data(), expected.values, tolerance);
  });
  test.each<[string, string, ...number[][]]>([
    ["ij,jk", "ij,jk->ik", [3, 4], [4, 2]],
    ["ba", "ba->ab", [2, 3]],
    ["ii", "ii->", [3, 3]],
    ["...ij, ...jk -> ...ik", "aij,abjk->abik", [2, 3, 4], [1, 2, 4, 5]],
    ["...a,...a", "xya,ya->xy", [2, 3, 4], [3, 4]],
    ["a...->...a", "abc->bca", [2, 3, 4]],
  ])("%s is %s", async (short, long, ...shapes) => {
    using _scope = device.scope();
    const tensors = shapes.map((shape, i) => randomTensor(device, shape, i + 1));
    if (short.startsWith("...ij")) {
      // The axes of ... are lined up from the last one.
      const [x, y] = [tensors[0]!, tensors[1]!];
      const found = einsum([x, y], { equation: short });
      const own = [
        { values: await x.data(), shape: [1, 2, 3, 4] },
        { values: await y.data(), shape: [1, 2, 4, 5] },
      ];
      const expected = einsumReference("abij,abjk->abik", own);
      expect(found.shape).toEqual(expected.shape);
      expectClose(await found.data(), expected.values, tolerance);
      return;
    }
    const [found, expected] = [short, long].map((equation) => einsum(tensors, { equation }));
    expect(found!.shape).toEqual(expected!.shape);
    expect(await found!.data()).toEqual(await expected!.data());
  });
  test("gradients, first and second", async () => {
    const [a, b, c] = [
      [2, 3],
      [3, 4],
      [4, 2],
    ].map((shape, i) => randomTensor(device, shape, i + 1));
    for (const equation of ["ij,jk,kl->il", "ij,jk,ki->", "ij,jk,kl->j"]) {
      const f = (...all: (typeof a)[]) =>
        einsum(
          all.filter((t) => t !== undefined),
          { equation },
        );
      await gradcheck(f, [a!, b!, c!]);
      await checkSecondGradient(f, [a!, b!, c!]);
    }
    await gradcheck((x) => einsum([x!], { equation: "iij->ji" }), [randomTensor(device, [3, 3, 2], 4)]);
  });
  const [x, y] = [zeros(device, [2, 3]), zeros(device, [4, 5])];
  test.each<[string, () => unknown]>([
    [
      "einsum: axes called b must have one size, or 1, got 3 and 4\n  tensor 0 [2, 3]\n  tensor 1 [4, 5]",
      () => einsum([x, y], { equation: "ab,bc->ac" }),
    ],
    [
      "einsum: axes called i must have one size, got 2 and 3\n  tensor 0 [2, 3]",
      () => einsum([x], { equation: "ii->i" }),
    ],
    ['einsum: "abc" must name each axis of tensor 0, which has 2', () => einsum([x], { equation: "abc->a" })],
    ['einsum: "a" must name each axis of tensor 0, which has 2', () => einsum([x], { equation: "a->a" })],
    ["einsum: the equation must name each tensor, got 1 for 2", () => einsum([x, y], { equation: "ab->a" })],
    ["einsum: the equation must have at most one ->", () => einsum([x], { equation: "ab->a->b" })],
    [
      'einsum: the result must name axes of the tensors, each once, got "ac"',
      () => einsum([x], { equation: "ab->ac" }),
    ],
    [
      'einsum: the result must name axes of the tensors, each once, got "aa"',
      () => einsum([x], { equation: "ab->aa" }),
    ],
    ['einsum: "a1" must be letters, with at most one ...', () => einsum([x], { equation: "a1->a" })],
    ["einsum: equation must be a string, got 5", () => einsum([x], { equation: 5 as never })],
    ["einsum: tensors must be a list of at least one, got []", () => einsum([], { equation: "" })],
    [
      "einsum: tensors must be f32, got i32",
      () => einsum([tensor(device, [1], [1], { dtype: "i32" })], { equation: "a" }),
    ],
  ])("rejects: %s", (text, call) => {
    expect(call).toThrow(text);
  });
});
