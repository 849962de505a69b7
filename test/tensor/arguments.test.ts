/** Every public op with arguments that only plain JavaScript can give: a typed error that names the op, or a result; never a TypeError. */
import { describe, expect, test } from "vitest";
import * as vp from "../../src/index.js";
import { activations, elementwise, logic } from "../coverage/elementwise-calls.js";
import { convolutions, normalisation, pooling, resizing } from "../coverage/image-calls.js";
import { losses, random } from "../coverage/loss-calls.js";
import { indexing, products, reductions, shapes } from "../coverage/shape-calls.js";
import { publicOps } from "../coverage/signatures.js";
import { testDevice } from "../device.js";
import { expectTypedError, wrong } from "../wrong.js";

const device = await testDevice();
type Loose = (...args: unknown[]) => unknown;
const js = vp as unknown as Record<string, Loose>;

/** Fails unless `run` returns, or throws a typed error that begins with the name of the op. */
function expectTyped(name: string, what: string, run: () => unknown): void {
  using _scope = device.scope();
  try {
    run();
  } catch (error) {
    expectTypedError(error, [name], what);
  }
}

const entries = {
  ...{ ...elementwise, ...activations, ...logic, ...reductions, ...indexing, ...shapes, ...products },
  ...{ ...convolutions, ...pooling, ...resizing, ...normalisation, ...losses, ...random },
};
const ops = [...publicOps().values()];

/** The arguments of a call that works, as a coverage call makes them. */
function argumentsOf(name: string): unknown[] {
  const own = entries[name as keyof typeof entries]?.calls[0];
  if (!own) throw new vp.GradError(`no call of ${name}`);
  const tensors: unknown[] = own.inputs.map(({ shape, low, high }, i) =>
    vp.full(device, shape, (low + high) / 2 + 0.1 * i),
  );
  const options = own.text.startsWith("{") ? [JSON.parse(own.text) as unknown] : [];
  return [...tensors, ...options];
}

describe("every public op", () => {
  test.each(ops)("$name: each argument wrong, or missing", ({ name }) => {
    const call = js[name] as Loose;
    const good = argumentsOf(name);
    for (let count = 0; count < good.length; count++)
      expectTyped(name, `${count} arguments`, () => call(...good.slice(0, count)));
    for (const [what, value] of wrong) {
      for (let i = 0; i <= good.length; i++) {
        const args = [...good];
        args[i] = value;
        expectTyped(name, `${what} as argument ${i}`, () => call(...args));
      }
    }
  });

  test.each(ops.filter(({ options }) => options.length > 0))(
    "$name: each option wrong",
    ({ name, inputs, options }) => {
      const call = js[name] as Loose;
      const good = argumentsOf(name);
      const tensors = good.slice(0, inputs.length);
      const given = (good[inputs.length] ?? {}) as object;
      for (const option of options) {
        const key = option.replace(/[?:].*/, "");
        for (const [what, value] of wrong)
          expectTyped(name, `${key} ${what}`, () => call(...tensors, { ...given, [key]: value }));
      }
    },
  );

  test.each(ops.filter(({ name }) => name !== "cast"))("$name: an unknown option is refused", ({ name, inputs }) => {
    using _scope = device.scope();
    const good = argumentsOf(name);
    const options = good[inputs.length];
    // Of a list of tensors the second follows the first.
    const given = options instanceof vp.Tensor ? {} : ((options ?? {}) as object);
    const tensors = inputs.map((_, i) => good[i] ?? null);
    expect(() => (js[name] as Loose)(...tensors, { ...given, nonsense: 1 })).toThrow(
      new RegExp(`^${name}: .*(got nonsense|must be|needs|axes|list)`),
    );
  });
});

describe("makers of tensors", () => {
  const makers: [string, unknown[]][] = [
    ["tensor", [device, [1, 2], [2], {}]],
    ["full", [device, [2], 1, {}]],
    ["zeros", [device, [2], {}]],
    ["ones", [device, [2], {}]],
    ["eye", [device, 2, {}]],
    ["arange", [device, { end: 3 }]],
    ["linspace", [device, { start: 0, end: 1, count: 3 }]],
    ["fullLike", [vp.ones(device, [2]), 1, {}]],
    ["zerosLike", [vp.ones(device, [2]), {}]],
    ["onesLike", [vp.ones(device, [2]), {}]],
  ];
  test.each(makers)("%s", (name, good) => {
    const call = js[name] as Loose;
    for (let count = 0; count < good.length; count++)
      expectTyped(name, `${count} arguments`, () => call(...good.slice(0, count)));
    for (const [what, value] of wrong)
      for (let i = 0; i < good.length; i++) {
        const args = [...good];
        args[i] = value;
        expectTyped(name, `${what} as argument ${i}`, () => call(...args));
      }
    const options = good.at(-1) as object;
    for (const option of [{ dtype: "f64" }, { dtype: 3 }, { requiresGrad: 1 }, { shap: 1 }])
      expect(() => call(...good.slice(0, -1), { ...options, ...option })).toThrow(new RegExp(`^${name}: `));
  });

  const refused: [string, unknown[], string][] = [
    ["tensor", [device, "abc"], 'tensor: values must be numbers, or arrays of them, got "abc"'],
    ["tensor", [device, [1, "2"]], 'tensor: values must be numbers or booleans, got "2" at index 1'],
    ["tensor", [device, [1n]], "tensor: values must be numbers or booleans, got 1n at index 0"],
    ["tensor", [device, new BigInt64Array(2)], "tensor: values must be numbers or booleans, got 0n at index 0"],
    ["tensor", [device, new Array(2)], "tensor: values must be numbers or booleans, got undefined at index 0"],
    ["tensor", [device, [1, [2]]], "tensor: nested arrays must have the same shape, got a number beside an array"],
    ["tensor", [undefined, [1]], "tensor: device must be one that openDevice gives, got undefined"],
    ["tensor", [device, [1], [1], { dtype: "f64" }], 'tensor: dtype must be f32, f16, i32, u32 or bool, got "f64"'],
    ["tensor", [device, [1], [1.5]], "tensor: sizes must be whole numbers >= 0, got [1.5]"],
    ["zeros", [device, 3], "zeros: shape must be a list of sizes, got 3"],
    ["zeros", [device, [2n]], "zeros: sizes must be whole numbers >= 0, got [2n]"],
    ["cast", [vp.ones(device, [1]), "int"], 'cast: dtype must be f32, f16, i32, u32 or bool, got "int"'],
  ];
  test.each(refused)("%s is refused: $2", (name, args, message) => {
    expect(() => (js[name] as Loose)(...args)).toThrow(message);
  });
  test("nested typed arrays, and numbers among booleans, are what they look like", async () => {
    using _scope = device.scope();
    const nested = vp.tensor(device, [new Float32Array([1, 2]), new Float32Array([3, 4])]);
    expect(nested.shape).toEqual([2, 2]);
    expect([...(await nested.data())]).toEqual([1, 2, 3, 4]);
    const mixed = vp.tensor(device, [true, 2.5] as unknown as number[]);
    expect([...(await mixed.data())]).toEqual([1, 2.5]);
  });
});

describe("options", () => {
  const x = vp.ones(device, [1, 4, 4, 2]);
  const w = vp.ones(device, [2, 2, 2, 3]);
  const cases: [string, unknown[], string][] = [
    [
      "conv2d",
      [x, w, null, { strides: 2 }],
      "conv2d: options are stride, padding, dilation, groups, got strides; did you mean stride?",
    ],
    ["conv2d", [x, w, { stride: 2 }], "conv2d: bias must be a tensor, got object"],
    ["maxPool2d", [x, { kernel_size: 2 }], "did you mean kernelSize?"],
    ["sum", [x, { axis: 0 }], "sum: options are axes, keepDims, got axis; did you mean axes?"],
    ["sum", [x, { dim: 0 }], "sum: options are axes, keepDims, got dim"],
    ["sum", [x, 0], "sum: options must be an object, such as { axes }, got 0"],
    ["sum", [x, { axes: "0" }], 'sum: axes must be an axis, or a list of axes, got "0"'],
    ["sum", [x, { keepDims: 1 }], "sum: keepDims must be true or false, got 1"],
    ["add", [x, x, { alpha: 2 }], "add: takes no options, got alpha"],
    ["add", [x, x, x], "add: options must be an object, got a tensor"],
    ["roll", [x, { shift: 1 }], "roll: axis must be a number, got undefined"],
    ["roll", [x], "roll: shift must be a number, got undefined"],
    ["squeeze", [undefined], "squeeze: x must be a tensor, got undefined"],
    ["unsqueeze", [x], "unsqueeze: axes must be an axis, or a list of axes, got undefined"],
    ["swapAxes", [x, { axes: [0] }], "swapAxes: axes must be two, got [0]"],
    ["tile", [x], "tile: repeats must be a list of numbers, got undefined"],
    ["take", [x, x], "take: axis must be a number, got undefined"],
    ["concat", [x, x], "concat: tensors must be in a list, got a tensor"],
  ];
  test.each(cases)("%s is refused: $2", (name, args, message) => {
    expect(() => (js[name] as Loose)(...args)).toThrow(message);
  });
  test("what takes no options goes into map and reduce", () => {
    using _scope = device.scope();
    expect([x, w].map(vp.relu)).toHaveLength(2);
    expect([x, x].reduce(vp.add).shape).toEqual(x.shape);
  });
});
