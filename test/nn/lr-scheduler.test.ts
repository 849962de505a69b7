/** Schedules against PyTorch (scripts/make-torch-optimizer-fixtures.py), and the objects that apply them. */
import { describe, expect, test } from "vitest";
import { LrScheduler, ReduceOnPlateau } from "../../src/nn/lr-scheduler.js";
import * as schedules from "../../src/nn/schedules.js";
import { Sgd } from "../../src/nn/sgd.js";
import { tensor } from "../../src/tensor/tensor.js";
import { testDevice } from "../device.js";
import { load } from "../torch.js";

const device = await testDevice();
const { chained, exponential, linearRamp, piecewiseConstant, sequence } = schedules;

interface Fixture {
  cases: { name: string; options: object; lr: number; rates: number[]; momenta?: number[] }[];
  plateau: { measures: number[]; cases: { options: object; rates: number[] }[] };
}
const { cases, plateau } = load<Fixture>("schedules");

/** Schedules that are made of others. */
const composed: Record<string, schedules.Schedule> = {
  chained: chained(linearRamp({ from: 0.25, epochs: 5 }), exponential({ factor: 0.9 })),
  sequence: sequence([
    [0, piecewiseConstant([[0, 0.1]])],
    [7, exponential({ factor: 0.9 })],
  ]),
};
const byName = Object.entries(schedules);
const make = (name: string, options: object) =>
  composed[name] ?? (byName.find(([own]) => own === name)![1] as (options: object) => schedules.Schedule)(options);
const optimizer = (...lrs: number[]) =>
  new Sgd(
    lrs.map((lr) => ({ parameters: [tensor(device, [1])], lr })),
    { lr: 1 },
  );

describe("torch: the rate of each step", () => {
  test.each(cases)("$name $options", ({ name, options, lr, rates, momenta }) => {
    const trained = optimizer(lr, 2 * lr);
    const scheduler = new LrScheduler(trained, make(name, options));
    for (const [step, rate] of rates.entries()) {
      expect(trained.groups[0]!.lr, `step ${step}`).toBeCloseTo(rate, 12);
      expect(trained.groups[1]!.lr, `step ${step}`).toBeCloseTo(2 * rate, 12);
      scheduler.step();
    }
    if (!momenta) return;
    const momentum = schedules.oneCycleMomentum(options as schedules.OneCycleOptions);
    for (const [step, value] of momenta.entries()) expect(momentum(step), `step ${step}`).toBeCloseTo(value, 12);
  });
  test.each(plateau.cases)("ReduceOnPlateau $options", ({ options, rates }) => {
    const trained = optimizer(0.05);
    const scheduler = new ReduceOnPlateau(trained, options);
    const seen = plateau.measures.map((measure) => {
      scheduler.step(measure);
      return trained.lr;
    });
    for (const [i, rate] of rates.entries()) expect(seen[i], `measure ${i}`).toBeCloseTo(rate, 12);
  });
});

describe("LrScheduler", () => {
  test("saved and restored, goes on where it was", () => {
    const [first, second] = [optimizer(0.1, 0.3), optimizer(1, 1)];
    const scheduler = new LrScheduler(first, exponential({ factor: 0.5 }));
    scheduler.step();
    scheduler.step();
    const resumed = new LrScheduler(second, exponential({ factor: 0.5 }));
    resumed.restore(JSON.parse(JSON.stringify(scheduler.state())));
    scheduler.step();
    resumed.step();
    expect(second.groups.map(({ lr }) => lr)).toEqual([0.0125, 0.0375]);
    expect(resumed.state()).toEqual(scheduler.state());
  });
  test("a schedule of its own for each group, and a step by number", () => {
    const trained = optimizer(1, 1);
    const scheduler = new LrScheduler(trained, [exponential({ factor: 0.5 }), (step) => 1 + step]);
    scheduler.step(3);
    expect(trained.groups.map(({ lr }) => lr)).toEqual([0.125, 4]);
  });
  test("rejects what does not fit", () => {
    expect(() => new LrScheduler(optimizer(1, 1), [() => 1])).toThrow(
      "LrScheduler: needs a schedule for each group, got 1 for 2",
    );
    expect(() => new LrScheduler(optimizer(1), () => 1).restore({ step: 1, base: [1, 2] })).toThrow(
      "LrScheduler: the state must have 1 groups, got 2",
    );
    expect(() => new LrScheduler(optimizer(1), () => -1)).toThrow("Sgd: lr must be a finite number >= 0, got -1");
    expect(() => new ReduceOnPlateau(optimizer(1), { factor: 1 })).toThrow(
      "ReduceOnPlateau: factor must lie in (0, 1), got 1",
    );
  });
});

test("ReduceOnPlateau: NaN is no progress; saved and restored with its rates", () => {
  const [first, second] = [optimizer(1), optimizer(1)];
  const scheduler = new ReduceOnPlateau(first, { mode: "max", patience: 1, factor: 0.5 });
  for (const measure of [1, 2, Number.NaN]) scheduler.step(measure);
  const resumed = new ReduceOnPlateau(second, { mode: "max", patience: 1, factor: 0.5 });
  resumed.restore(JSON.parse(JSON.stringify(scheduler.state())));
  for (const one of [scheduler, resumed]) one.step(2);
  expect([first.lr, second.lr]).toEqual([0.5, 0.5]);
});
