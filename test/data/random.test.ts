import { describe, expect, test } from "vitest";
import { HostRandom, philox4x32 } from "../../src/data/random.js";
import { expectDataError } from "./helpers.js";

const F = 0xffffffff;

describe("random", () => {
  test.each<[string, Parameters<typeof philox4x32>, number[]]>([
    [
      "zeros",
      [
        [0, 0, 0, 0],
        [0, 0],
      ],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      "ones",
      [
        [F, F, F, F],
        [F, F],
      ],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      "pi",
      [
        [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
        [0xa4093822, 0x299f31d0],
      ],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("philox4x32-10: known answer of Random123, %s", (_, [counter, key], expected) => {
    expect(philox4x32(counter, key)).toEqual(expected);
  });

  test("the same seed gives the same numbers, another seed others", () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 9 },
        (
          (random) => () =>
            random.uniform()
        )(new HostRandom(seed)),
      );
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    expect(draw(3)).not.toEqual(draw(3 + 2 ** 32));
  });

  test("a fork depends on its name, not on what was drawn before", () => {
    const parent = new HostRandom(5);
    const early = parent.fork("noise").uniform();
    const first = parent.uniform();
    expect(parent.fork("noise").uniform()).toBe(early);
    expect(parent.fork("other").uniform()).not.toBe(early);
    expect(early).not.toBe(first);
  });

  test("uniform and normal have their moments", () => {
    const random = new HostRandom(1);
    const moments = (draw: () => number) => {
      const values = Array.from({ length: 20_000 }, draw);
      const mean = values.reduce((a, b) => a + b) / values.length;
      return [mean, values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length] as const;
    };
    const [mean, variance] = moments(() => random.uniform());
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.003);
    const [normalMean, normalVariance] = moments(() => random.normal());
    expect(Math.abs(normalMean)).toBeLessThan(0.03);
    expect(Math.abs(normalVariance - 1)).toBeLessThan(0.05);
  });

  test("integer stays in its range and reaches all of it, permutation holds every number once", () => {
    const random = new HostRandom(2);
    expect(new Set(Array.from({ length: 200 }, () => random.integer(7)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    const order = random.permutation(100);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
    expect(random.permutation(0)).toEqual([]);
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])("rejects seed %s", async (seed) => {
    await expectDataError(() => new HostRandom(seed), /seed .* is not a whole number from 0 to 2\^53 - 1/);
  });

  test.each([0, 1.5, 2 ** 32 + 1])("rejects integer(%s)", async (n) => {
    await expectDataError(() => new HostRandom(0).integer(n), /n is .*, expected a whole number from 1 to 2\^32/);
  });
});
