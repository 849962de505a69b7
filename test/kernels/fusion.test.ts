import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RecordedCommand } from "../../src/kernels/dispatcher.js";
import { planMemory } from "../../src/kernels/memory-plan.js";
import { Storage } from "../../src/kernels/storage.js";
import { backward } from "../../src/tensor/backward.js";
import { capture } from "../../src/tensor/capture.js";
import { convTranspose2d } from "../../src/tensor/ops/conv-transpose2d.js";
import { conv2d } from "../../src/tensor/ops/conv2d.js";
import {
  abs,
  add,
  clampBetween,
  div,
  exp,
  greater,
  maximum,
  mul,
  neg,
  pow,
  relu,
  sigmoid,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from "../../src/tensor/ops/elementwise.js";
import { pad } from "../../src/tensor/ops/pad.js";
import { reshape } from "../../src/tensor/ops/reshape.js";
import { slice } from "../../src/tensor/ops/slice.js";
import { broadcastTo, mean, sum } from "../../src/tensor/ops/sum.js";
import { transpose } from "../../src/tensor/ops/transpose.js";
import { constant, full, type Tensor, tensor } from "../../src/tensor/tensor.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();

/** Dispatches of the recording, and whether two replays have the bits of the function itself. */
async function check(fn: (...inputs: Tensor[]) => Tensor[], shapes: readonly (readonly number[])[]) {
  const run = capture(device, fn);
  for (const seed of [1, 2, 3]) {
    using _scope = device.scope();
    const inputs = shapes.map((shape, i) => randomTensor(device, shape, 10 * seed + i, [-2, 2]));
    const [eager, captured] = [fn(...inputs), run(...inputs)];
    for (const [i, result] of eager.entries()) {
      const [a, b] = [await result.data(), await captured[i]!.data()];
      expect(Buffer.from(b.buffer).equals(Buffer.from(a.buffer)), `result ${i}: ${b} is not ${a}`).toBe(true);
    }
  }
  const { dispatches } = run.report();
  run.dispose();
  return dispatches;
}

describe("fusion", () => {
  test("a chain is one dispatch", async () => {
    expect(await check((x, w, b) => [relu(add(mul(x!, w!), b!))], [[6, 7], [7], [6, 1]])).toBe(1);
  });
  test("slices of an input are read where they lie: steps, backwards, two axes of it, whole axes", async () => {
    const differences = (x: Tensor) => {
      const here = slice(x, { start: [0, 0, 1], end: [null, 6] });
      const below = slice(x, { start: [0, 1, 1] });
      const back = slice(x, { start: [null, 6, 4], end: [null, 0, 0], step: [1, -1, -1] });
      return [square(sub(below, here)), abs(sub(back, here))];
    };
    expect(await check((x) => differences(x!), [[2, 7, 5]])).toBe(1);
    expect(await check((x) => [neg(slice(x!, { start: [null, 6], end: [null, 0], step: [1, -3] }))], [[2, 7, 5]])).toBe(
      1,
    );
    expect(await check((x) => [neg(slice(x!, { start: [3] }))], [[5, 3]])).toBe(1);
  });
  test("a slice of what the kernel itself makes waits for it", async () => {
    expect(
      await check(
        (x) => {
          const y = square(x!);
          return [add(slice(y, { start: [0, 1] }), slice(y, { start: [0, 0], end: [null, 6] }))];
        },
        [[5, 7]],
      ),
    ).toBe(2);
  });
  test("the gradients of slices and of padding are read where they lie, and 0 around it", async () => {
    const gradient = (x: Tensor) => {
      const y = mul(x, x);
      const right = slice(y, { start: [0, 2, 0], end: [null, 7, 3] });
      const left = slice(y, { start: [0, 0, 2], end: [null, 5, 5] });
      return [backward(sum(mul(right, left))).of(x)];
    };
    const leaf = randomTensor(device, [2, 7, 5], 5, [-1, 1], { requiresGrad: true });
    expect(await check((x) => [mul(gradient(leaf)[0]!, x!)], [[2, 7, 5]])).toBe(3);
    expect(
      await check(
        (x) => [
          add(
            square(
              pad(x!, {
                padding: [
                  [1, 2],
                  [0, 0],
                  [3, 0],
                ],
              }),
            ),
            constant(device, 1),
          ),
        ],
        [[2, 3, 5]],
      ),
    ).toBe(1);
  });
  test("repeating what a sum took together is no dispatch of its own", async () => {
    expect(
      await check(
        (x, y) => [mul(broadcastTo(x!, { shape: [6, 5, 7] }), y!), mul(broadcastTo(x!, { shape: [6, 5, 7] }), y!)],
        [
          [5, 1],
          [6, 5, 7],
        ],
      ),
    ).toBe(1);
    expect(await check((x, y) => [mul(broadcastTo(x!, { shape: [6, 5] }), y!)], [[], [6, 5]])).toBe(1);
  });
  test("moved elements keep their type and their bits", async () => {
    const run = (x: Tensor) => {
      const bits = greater(x, constant(device, 0));
      const part = slice(bits, { start: [1, 1] });
      return [where(part, slice(x, { start: [0, 0], end: [4, 3] }), slice(x, { start: [1, 1] })), part];
    };
    expect(await check((x) => run(x!), [[5, 4]])).toBeLessThanOrEqual(3);
  });
  test.each([
    { name: "product", x: [2, 7, 6, 12], weight: [3, 3, 12, 20], options: { padding: 1 } },
    { name: "few channels", x: [2, 7, 6, 18], weight: [3, 2, 18, 3], options: { padding: 1 } },
    { name: "depthwise", x: [1, 7, 6, 5], weight: [3, 3, 1, 5], options: { groups: 5, stride: 2 } },
  ])("relu after a convolution is its last step: $name", async ({ x, weight, options }) => {
    const shapes = [x, weight, [weight[3]!]];
    const counted = (step: (y: Tensor) => Tensor[]) =>
      check((...[a, b, c]: Tensor[]) => step(conv2d(a!, b!, c!, options)), shapes);
    const plain = await counted((y) => [sum(y)]);
    expect(await counted((y) => [sum(relu(y))])).toBe(plain);
    expect(await counted((y) => [sum(abs(y))])).toBe(plain + 1);
    // Where the convolution itself is read too, and where relu's result is the function's, both are stored.
    expect(await counted((y) => [sum(relu(y)), mean(y)])).toBeGreaterThan(plain + 1);
    expect(await counted((y) => [relu(y), y])).toBe(plain);
  });
  test("relu after a transposed convolution is its last step, and its gradients are as before", async () => {
    const weight = randomTensor(device, [3, 3, 11, 9], 7, [-1, 1], { requiresGrad: true });
    const step = (x: Tensor) => {
      const y = relu(convTranspose2d(x, weight, null, { stride: 2 }));
      return [backward(sum(square(y))).of(weight)];
    };
    expect(await check((x) => step(x!), [[2, 4, 5, 9]])).toBeGreaterThan(2);
    const forward = (end: (y: Tensor) => Tensor) => (x: Tensor) => [
      sum(end(convTranspose2d(x, weight, null, { stride: 2 }))),
    ];
    const plain = await check((x) => forward((y) => y)(x!), [[2, 4, 5, 9]]);
    expect(await check((x) => forward(relu)(x!), [[2, 4, 5, 9]])).toBe(plain);
  });
  test("relu keeps NaN and zeros as they are in a convolution's last step", async () => {
    const run = capture(device, (x: Tensor, w: Tensor) => {
      const y = relu(conv2d(x, w, null));
      return [add(slice(y, { start: [0] }), constant(device, 0)), y];
    });
    using _scope = device.scope();
    const x = tensor(device, [Number.NaN, -0, 0, -1, 2, Infinity], [1, 2, 3, 1]);
    const w = full(device, [1, 1, 1, 16], 1);
    const eager = await relu(conv2d(x, w, null)).data();
    run(x, w);
    expect(await run(x, w)[0]!.data()).toEqual(eager);
    run.dispose();
  });
  test("a result that is read outside is stored, and what is read in place is not read again", async () => {
    expect(
      await check(
        (x, y) => {
          const difference = sub(x!, y!);
          return [difference, sum(square(difference))];
        },
        [
          [5, 9],
          [5, 9],
        ],
      ),
    ).toBe(2);
  });
  test("two results of one input go together; scalars of any origin too", async () => {
    expect(await check((x) => [exp(x!), tanh(x!)], [[33]])).toBe(1);
    expect(
      await check((x, y) => [add(mul(sum(x!), constant(device, 3)), mul(sum(y!), constant(device, 2)))], [[7], [8]]),
    ).toBe(3);
  });
  test("what is read broadcast is complete before", async () => {
    expect(await check((x, y) => [mul(square(x!), y!)], [[5], [4, 5]])).toBe(2);
  });
  test("what nobody reads is left out", async () => {
    expect(
      await check(
        (x) => {
          sum(exp(square(x!)));
          transpose(x!);
          return [neg(x!)];
        },
        [[5, 3]],
      ),
    ).toBe(1);
  });
  test("a result through reshape, a large grid, and more inputs than one kernel binds", async () => {
    expect(await check((x, b) => [add(reshape(abs(x!), { shape: [6, 4] }), b!)], [[2, 3, 4], [4]])).toBe(1);
    expect(
      await check(
        (x, y) => [square(add(x!, y!))],
        [
          [3, 70000],
          [3, 1],
        ],
      ),
    ).toBe(1);
    const shapes = Array.from({ length: 24 }, () => [3, 5]);
    expect(await check((...inputs) => [inputs.reduce((a, b) => add(mul(a, a), b))], shapes)).toBeLessThan(10);
  });
  test("filled tensors, and rounding between formulas", async () => {
    await check((x) => [add(full(device, [4, 1], 0.1), mul(x!, x!)), sub(mul(x!, x!), mul(x!, x!))], [[4, 3000]]);
  });

  const unary = [neg, abs, exp, square, relu, sigmoid, tanh, (x: Tensor) => sqrt(abs(x))];
  const binary = [add, sub, mul, div, maximum, (x: Tensor, y: Tensor) => pow(abs(x), y)];
  const ternary = [
    (x: Tensor, y: Tensor, z: Tensor) => where(greater(x, y), y, z),
    (x: Tensor, y: Tensor, z: Tensor) => clampBetween(x, y, z),
  ];
  test("random programs: replays have the bits of eager runs", async () => {
    const step = fc.record({
      kind: fc.constantFrom("unary", "unary", "binary", "binary", "binary", "ternary", "sum", "transpose"),
      op: fc.nat(100),
      from: fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 25 }),
        fc.array(fc.nat(100), { maxLength: 4 }),
        async (steps, wanted) => {
          await check(
            (...inputs) => {
              const values = [...inputs];
              for (const { kind, op, from } of steps) {
                const [a, b, c] = from.map((i) => values[i % values.length]!) as [Tensor, Tensor, Tensor];
                if (kind === "unary") values.push(unary[op % unary.length]!(a));
                else if (kind === "binary") values.push(binary[op % binary.length]!(a, b));
                else if (kind === "ternary") values.push(ternary[op % ternary.length]!(a, b, c));
                else if (kind === "sum") values.push(sum(a, { axes: op % 2 === 0 ? 0 : -1, keepDims: true }));
                else values.push(transpose(transpose(a)));
              }
              return [values.at(-1)!, ...wanted.map((i) => values[i % values.length]!)];
            },
            [
              [4, 5],
              [1, 5],
              [4, 1],
              [1, 1],
              [4, 5],
            ],
          );
        },
      ),
      { numRuns: 12, seed: 5 },
    );
  });
});

describe("memory plan", () => {
  const storage = (bytes: number) => new Storage(0, null as never, bytes, null as never);
  const copy = (from: Storage, to: Storage): RecordedCommand => ({
    kind: "copy",
    from,
    fromOffset: 0,
    to,
    toOffset: 0,
    bytes: 4,
  });
  const plan = (commands: RecordedCommand[], results: Storage[] = []) => {
    const all = new Set(
      commands.flatMap((c) => (c.kind === "copy" ? [c.from, c.to] : c.kind === "host" ? [c.storage] : [])),
    );
    return planMemory(commands, all, new Set(results));
  };

  test("storages share a block when one is done before the other begins", () => {
    const [a, b, c, d] = [storage(512), storage(256), storage(512), storage(256)] as const;
    const blocks = plan([copy(a, b), copy(b, c), copy(c, d)]);
    expect(blocks.map(({ bytes }) => bytes)).toEqual([512, 256]);
    expect(blocks.map(({ storages }) => storages)).toEqual([
      [a, c],
      [b, d],
    ]);
  });
  test("one that is read while another is written is in use", () => {
    const [a, b] = [storage(256), storage(256)];
    expect(plan([copy(a!, b!)])).toHaveLength(2);
  });
  test("results outlast all commands", () => {
    const [a, b, c, d] = [storage(256), storage(256), storage(256), storage(256)] as const;
    expect(plan([copy(a, b), copy(b, c), copy(c, d)])).toHaveLength(2);
    expect(plan([copy(a, b), copy(b, c), copy(c, d)], [a])).toHaveLength(3);
  });
  test("what the host writes early is in use from the start", () => {
    const [a, b, c] = [storage(256), storage(256), storage(256)] as const;
    const write = (early: boolean): RecordedCommand => ({ kind: "host", storage: c, write: () => undefined, early });
    expect(plan([copy(a, b), copy(b, a), write(true), copy(c, storage(256))]).length).toBe(3);
    expect(plan([copy(a, b), copy(b, a), write(false), copy(c, storage(256))]).length).toBe(2);
  });
  test("no two storages of a block are ever in use together, in random recordings", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(15), fc.nat(15)), { maxLength: 40 }), (pairs) => {
        const storages = Array.from({ length: 16 }, (_, i) => storage(256 * (1 + (i % 3))));
        const commands = pairs.filter(([i, j]) => i !== j).map(([i, j]) => copy(storages[i]!, storages[j]!));
        const uses = (s: Storage) =>
          commands.flatMap((c, at) => (c.kind === "copy" && (c.from === s || c.to === s) ? [at] : []));
        for (const { bytes, storages: shared } of plan(commands)) {
          for (const s of shared) expect(s.bytes).toBeLessThanOrEqual(bytes);
          const lives = shared
            .map((s) => [Math.min(...uses(s)), Math.max(...uses(s))] as const)
            .sort((a, b) => a[0] - b[0]);
          for (let i = 1; i < lives.length; i++) expect(lives[i]![0]).toBeGreaterThan(lives[i - 1]![1]);
        }
      }),
    );
  });
});
