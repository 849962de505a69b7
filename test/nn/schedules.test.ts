import { expect, test } from "vitest";
import {
  cosine,
  cosineRestarts,
  linearRamp,
  multiStep,
  oneCycle,
  oneCycleMomentum,
  piecewiseConstant,
  polynomial,
  sequence,
  stepDecay,
  warmUp,
} from "../../src/nn/schedules.js";

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

test("what makes no sense is refused", () => {
  expect(() => multiStep({ milestones: [5, 3] })).toThrow("multiStep: milestones must rise, got 5, 3");
  expect(() => cosineRestarts({ epochs: 3, growth: 0.5 })).toThrow(
    "cosineRestarts: growth must be at least 1, got 0.5",
  );
  expect(() => cosineRestarts({ epochs: 0 })).toThrow("cosineRestarts: epochs must be above 0, got 0");
  expect(() => linearRamp({ epochs: -1 })).toThrow("linearRamp: epochs must be above 0, got -1");
  expect(() => polynomial({ epochs: 0 })).toThrow("polynomial: epochs must be above 0, got 0");
  expect(() => oneCycle({ steps: 1 })).toThrow("oneCycle: steps must be above 1, got 1");
  expect(() => oneCycle({ steps: 9, rise: 1 })).toThrow("oneCycle: rise must lie in (0, 1), got 1");
  expect(() => oneCycleMomentum({ steps: 9, rise: 0.6, threePhase: true })).toThrow(
    "oneCycleMomentum: rise must lie in (0, 0.5], got 0.6",
  );
  expect(() => sequence([[1, () => 1]])).toThrow("sequence: pieces must start at epoch 0 and rise, got epochs 1");
});

test("oneCycle stays at its end", () => {
  const schedule = oneCycle({ steps: 10 });
  expect(schedule(50)).toBe(schedule(9));
});
