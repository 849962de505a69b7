import { expect, test } from "vitest";
import { cosine, piecewiseConstant, stepDecay, warmUp } from "../../src/nn/schedules.js";

test("stepDecay", () => {
  const schedule = stepDecay({ lr: 1, factor: 0.2, every: 30 });
  expect([0, 29, 30, 59, 60].map(schedule)).toEqual([1, 1, 0.2, 0.2, 0.2 ** 2]);
  expect(() => stepDecay({ lr: 1, factor: 1, every: 0 })).toThrow("stepDecay: every must be above 0, got 0");
});

test("piecewiseConstant", () => {
  const schedule = piecewiseConstant([
    [0, 0.1],
    [21, 0.01],
    [36, 1e-3],
  ]);
  expect([0, 20, 21, 35, 36, 1000].map(schedule)).toEqual([0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3]);
  expect(() => piecewiseConstant([])).toThrow("must start at epoch 0 and rise, got epochs none");
  expect(() => piecewiseConstant([[1, 1]])).toThrow("got epochs 1");
  expect(() =>
    piecewiseConstant([
      [0, 1],
      [5, 1],
      [5, 1],
    ]),
  ).toThrow("got epochs 0, 5, 5");
});

test("cosine", () => {
  const schedule = cosine({ lr: 1, epochs: 10, final: 0.2 });
  expect(schedule(0)).toBe(1);
  expect(schedule(5)).toBeCloseTo(0.6, 12);
  expect(schedule(10)).toBeCloseTo(0.2, 12);
  expect(schedule(99)).toBeCloseTo(0.2, 12);
});

test("warmUp", () => {
  const schedule = warmUp(() => 2, { epochs: 4, from: 0.5 });
  expect([0, 2, 4, 9].map(schedule)).toEqual([1, 1.5, 2, 2]);
});
