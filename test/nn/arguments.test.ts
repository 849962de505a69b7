/**
 * Everything of `voxpix` that is no op, with arguments that only plain JavaScript can give: each is refused by a typed error that
 * names what was called, or is one of the few that `taken` lists; and nothing that was taken gives NaN.
 */
import { afterAll, describe, expect, test } from "vitest";
import * as vp from "../../src/index.js";
import { testDevice } from "../device.js";
import { expectTypedError, typedErrors, wrong } from "../wrong.js";

const device = await testDevice();
const rng = device.rng(0);
afterAll(() => rng.dispose());

type Loose = (...args: unknown[]) => unknown;
const js = vp as unknown as Record<string, Loose & (new (...args: unknown[]) => unknown)>;

/** A call: what it is named in errors, how it is made, and arguments that work. */
interface Entry {
  readonly name: string;
  readonly call: Loose;
  readonly good: () => unknown[];
}

const made = (name: string, ...good: unknown[]): Entry => ({
  name,
  call: (...args) => new (js[name] as (typeof js)[string])(...args),
  good: () => [...good],
});
const called = (name: string, ...good: unknown[]): Entry => ({ name, call: js[name] as Loose, good: () => [...good] });
const method = (name: string, on: () => object, ...good: unknown[]): Entry => ({
  name,
  call: (...args) => (on() as Record<string, Loose>)[name.split(".").at(-1) as string]?.(...args),
  good: () => [...good],
});

const parameter = () => vp.Parameter.from(vp.ones(device, [2]));
class Net extends vp.Module {
  readonly weight = parameter();
}
const net = new Net();
const owned = parameter();
const optimizer = () => new vp.Sgd([owned], { lr: 0.1 });
const gradients = () => new Map([[owned, vp.ones(device, [2])]]);
const ones = (...shape: number[]) => vp.ones(device, shape);
const square = (x: vp.Tensor) => vp.square(x);
const total = (x: vp.Tensor) => vp.sum(vp.square(x));

const adamOptions = { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0, maximize: false };
const weights = { bias: true, init: vp.heNormal, biasInit: vp.zerosInit };
const channels = { inChannels: 2, outChannels: 2, kernelSize: 3, ...weights };
const windows = { stride: 1, padding: 0, dilation: 1, groups: 1 };
const norm = { channels: 4, eps: 1e-5, affine: true };
const pool = { kernelSize: 2, stride: 1, padding: 0, ceilMode: false };
const cycle = { steps: 10, rise: 0.3, shape: "cosine", threePhase: false };

const layers = [
  made("Linear", rng, { inFeatures: 2, outFeatures: 3, ...weights }),
  made("Conv1d", rng, { ...channels, ...windows }),
  made("Conv2d", rng, { ...channels, ...windows, paddingMode: "zeros" }),
  made("ConvTranspose1d", rng, { ...channels, ...windows, outputPadding: 0 }),
  made("ConvTranspose2d", rng, { ...channels, ...windows, outputPadding: 0 }),
  made("Embedding", rng, { numEmbeddings: 4, embeddingDim: 2, paddingIdx: 0, init: vp.heNormal }),
  made("Dropout", rng, { rate: 0.5 }),
  made("BatchNorm1d", device, { ...norm, momentum: 0.1, unbiased: true, freezeStatistics: false }),
  made("BatchNorm2d", device, { ...norm, momentum: 0.1, unbiased: true, freezeStatistics: false }),
  made("InstanceNorm1d", device, { ...norm, trackRunningStats: true, momentum: 0.1 }),
  made("InstanceNorm2d", device, { ...norm, trackRunningStats: true, momentum: 0.1 }),
  made("GroupNorm", device, { ...norm, groups: 2 }),
  made("LayerNorm", device, { shape: [4], eps: 1e-5, affine: true, bias: true }),
  made("RmsNorm", device, { shape: [4], eps: 1e-5, affine: true }),
  made("AvgPool1d", { ...pool, countIncludePad: true }),
  made("AvgPool2d", { ...pool, countIncludePad: true, divisorOverride: 2 }),
  made("MaxPool1d", { ...pool, dilation: 1 }),
  made("MaxPool2d", { ...pool, dilation: 1 }),
  made("AdaptiveAvgPool2d", { size: 2 }),
  made("AdaptiveMaxPool2d", { size: 2 }),
  made("GlobalAvgPool2d", { keepDims: true }),
  made("GlobalMaxPool2d", { keepDims: true }),
  made("Flatten", { startAxis: 1, endAxis: -1 }),
  made("PixelShuffle", { factor: 2 }),
  made("PixelUnshuffle", { factor: 2 }),
  made("Upsample2d", { scale: 2, mode: "bilinear", alignCorners: false, antialias: false }),
  made("Sequential", [new vp.Identity(), vp.relu]),
];

const optimizers = [
  made("Sgd", [owned], {
    ...{ lr: 0.1, momentum: 0.9, nesterov: false },
    dampening: 0,
    weightDecay: 0,
    maximize: false,
  }),
  made("Adam", [owned], { ...adamOptions, amsgrad: false, epsBeforeCorrection: false }),
  made("AdamW", [owned], { ...adamOptions, amsgrad: false }),
  made("Adamax", [owned], adamOptions),
  made("NAdam", [owned], { ...adamOptions, momentumDecay: 4e-3 }),
  made("RAdam", [owned], adamOptions),
  made("RmsProp", [owned], { ...{ lr: 0.1, alpha: 0.9, eps: 1e-8 }, momentum: 0, centered: false, weightDecay: 0 }),
  made("Adagrad", [owned], { ...{ lr: 0.1, lrDecay: 0, eps: 1e-8 }, initialAccumulatorValue: 0, weightDecay: 0 }),
  made("Adadelta", [owned], { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0 }),
  method("Sgd.step", optimizer, new Map([[owned, ones(2)]])),
  method("Sgd.loadStateDict", optimizer, new Map([["steps", { shape: [1], values: [0] }]])),
  { ...method("Sgd.set", () => optimizer().groups[0] as object, { lr: 0.1 }), name: "Sgd" },
];

const around = [
  made("Ema", net, { decay: 0.9, warmUp: false }),
  made("GradScaler", device, { scale: 1, growth: 2, backoff: 0.5, growthInterval: 10 }),
  made("GradientAccumulator", [owned]),
  called("clipByGlobalNorm", gradients(), { maxNorm: 1, p: 2, eps: 1e-6 }),
  called("clipByValue", gradients(), { limit: 1 }),
  called("globalNorm", gradients(), { p: 2 }),
  method("GradScaler.scale", () => new vp.GradScaler(device), ones()),
  method("GradScaler.unscale", () => new vp.GradScaler(device), gradients()),
  method("GradScaler.restore", () => new vp.GradScaler(device), { scale: 1, goodSteps: 0 }),
  method("GradientAccumulator.add", () => new vp.GradientAccumulator([owned]), gradients(), { weight: 1 }),
  method("Ema.loadStateDict", () => new vp.Ema(net), new Map([["updates", { shape: [1], values: [1] }]])),
  method("loadStateDict", () => net, new Map([["weight", { shape: [2], values: [1, 2] }]])),
  { ...called("Parameter", ones(1)), call: (...args: unknown[]) => vp.Parameter.from(...(args as [vp.Tensor])) },
  called(
    "restore",
    { net: { tensors: new Map([["weight", { shape: [2], values: [1, 2] }]]), state: null, rates: [] } },
    { net },
  ),
];

const factors = vp.cosine({ epochs: 3 });
const schedules = [
  called("cosine", { lr: 1, epochs: 3, final: 0 }),
  called("cosineRestarts", { lr: 1, epochs: 3, growth: 1, final: 0 }),
  called("exponential", { lr: 1, factor: 0.1 }),
  called("linearRamp", { lr: 1, epochs: 3, from: 0.1, to: 1 }),
  called("multiStep", { lr: 1, factor: 0.1, milestones: [1, 2] }),
  called("oneCycle", { ...cycle, lr: 1, startDivisor: 25, finalDivisor: 1e4 }),
  called("oneCycleMomentum", { ...cycle, low: 0.8, high: 0.9 }),
  called("polynomial", { lr: 1, epochs: 3, power: 1 }),
  called("stepDecay", { lr: 1, factor: 0.1, every: 2 }),
  called("warmUp", factors, { epochs: 2, from: 0 }),
  called("piecewiseConstant", [
    [0, 0.1],
    [2, 0.01],
  ]),
  called("sequence", [[0, factors]]),
  called("chained", factors, factors),
  made("LrScheduler", optimizer(), factors),
  made("ReduceOnPlateau", optimizer(), {
    mode: "min",
    factor: 0.1,
    patience: 1,
    threshold: 1e-4,
    cooldown: 0,
    minLr: 0,
  }),
  method("LrScheduler.step", () => new vp.LrScheduler(optimizer(), factors), 1),
  method("LrScheduler.restore", () => new vp.LrScheduler(optimizer(), factors), { step: 1, base: [0.1] }),
  method("ReduceOnPlateau.step", () => new vp.ReduceOnPlateau(optimizer()), 1),
  method("ReduceOnPlateau.restore", () => new vp.ReduceOnPlateau(optimizer()), {
    ...{ best: 1, badSteps: 0, cooldown: 0, lrs: [0.1] },
  }),
];

const leaf = vp.ones(device, [2], { requiresGrad: true });
const source = `@group(0) @binding(1) var<storage, read_write> x: array<f32>;
   @compute @workgroup_size(64) fn own(@builtin(global_invocation_id) id: vec3u) { if (id.x < arrayLength(&x)) { x[id.x] = 1; } }`;
const kernel = vp.defineKernel(source);
const engine = [
  called("backward", total(leaf), { wrt: [leaf], createGraph: false, gradOutput: ones() }),
  called("capture", device, square, { limit: 2 }),
  called("constant", device, 1, "f32"),
  called("defineOp", { name: "own", inputs: ["x"], plan: () => ({ shape: [1] }), forward: () => ({}), vjp: null }),
  called("defineKernel", source),
  { name: "own", call: kernel as unknown as Loose, good: () => [{ x: ones(2) }, { threads: 2 }] },
  called("grad", total, { argument: 0 }),
  { name: "grad", call: vp.grad(total) as Loose, good: () => [ones(2)] },
  called("hessianVectorProduct", total, [ones(2)], [ones(2)]),
  called("jvp", square, [ones(2)], [ones(2)]),
  called("vjp", square, [ones(2)]),
  { name: "vjp", call: vp.vjp(square, [ones(2)]).pullback as Loose, good: () => [ones(2)] },
  called("stopGradient", ones(2)),
  {
    ...called(
      "readSafetensors",
      vp.writeSafetensors(new Map([["a", { dtype: "f32" as const, shape: [1], values: new Float32Array(1) }]])),
    ),
    name: "safetensors",
  },
  called("writeSafetensors", new Map([["a", { dtype: "f32" as const, shape: [1], values: new Float32Array(1) }]])),
  called("tensorFromBuffer", device, { size: 256, usage: 255 }, [2], { dtype: "f32", offset: 0 }),
  { ...called("createRng", device, 1), name: "rng" },
  called("fansOf", [2, 3]),
  called("glorotNormal", rng, [2, 3], { fanIn: 2, fanOut: 2 }),
  called("glorotUniform", rng, [2, 3], { fanIn: 2, fanOut: 2 }),
  called("heNormal", rng, [2, 3], { fanIn: 2, fanOut: 2 }),
  called("constantInit", 1),
  method("rng.uniform", () => rng, [2], { low: 0, high: 1 }),
  method("rng.normal", () => rng, [2], { mean: 0, std: 1 }),
  method("rng.truncatedNormal", () => rng, [2], { mean: 0, std: 1 }),
  method("rng.integers", () => rng, [2], { low: 0, high: 3 }),
  method("rng.bernoulli", () => rng, [2], 0.5),
  method("rng.bits", () => rng, [2]),
  method("rng.take", () => rng, 4),
  method("rng.fork", () => rng, "name"),
  method("rng.restore", () => device.rng(5), { seed: 1, counter: 0 }),
  method("write", () => ones(2), [1, 2]),
  method("fill", () => ones(2), 1),
  method("view", () => ones(2), [2, 1]),
  method("reshape", () => ones(2), [-1, 1]),
  method("transpose", () => ones(2, 2), [1, 0]),
];

const isOptions = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Every way of putting a wrong value into the arguments: in the place of one, of an option, of an item of a list. */
function* variants(good: readonly unknown[]): Generator<[what: string, args: unknown[]]> {
  for (let count = 0; count < good.length; count++) yield [`${count} arguments`, good.slice(0, count)];
  for (const [what, value] of wrong) {
    for (const [i, own] of good.entries()) {
      yield [`${what} as argument ${i}`, good.with(i, value)];
      if (Array.isArray(own))
        for (const j of own.keys()) yield [`${what} in argument ${i}`, good.with(i, own.with(j, value))];
      if (isOptions(own))
        for (const key of Object.keys(own)) yield [`${key} ${what}`, good.with(i, { ...own, [key]: value })];
    }
  }
}

/** Runs a call. A function that it gives (a schedule) runs too, and must not give NaN. */
function attempt({ name, call }: Entry, what: string, args: readonly unknown[]): boolean {
  using _scope = device.scope();
  try {
    const result = call(...args);
    if (typeof result === "function" && schedules.some((own) => own.name === name)) {
      const rate: unknown = result(1);
      expect(Number.isFinite(rate), `${name} with ${what} gives ${String(rate)}`).toBe(true);
    }
    return true;
  } catch (error) {
    if (typedErrors.some((own) => error instanceof own) && /used after it was freed/.test(String(error))) throw error;
    const base = name.split(".")[0] as string;
    expectTypedError(error, name === "LrScheduler.step" ? [name, "Sgd: lr"] : [name, base], what);
    return false;
  }
}

const groups = { layers, optimizers, around, schedules, engine };

describe.each(Object.entries(groups))("%s", (_group, entries) => {
  test.each(entries)("$name: what is wrong or missing is refused by name", (entry) => {
    expect(attempt(entry, "good arguments", entry.good())).toBe(entry.name !== "Ema.loadStateDict");
    for (const [what, args] of variants(entry.good())) attempt(entry, what, args);
  });
  test.each(entries.filter(({ good }) => good().some(isOptions)))(
    "$name: no number, list or unknown option",
    (entry) => {
      const good = entry.good();
      const i = good.findLastIndex(isOptions);
      for (const given of [1, "text", null, true, [1], new Map()])
        expect(attempt(entry, String(given), good.with(i, given)), String(given)).toBe(false);
      if (entry.name === "own" || entry.name === "defineOp") return;
      const options = good[i] as object;
      expect(attempt(entry, "nonsense", good.with(i, { ...options, nonsense: 1 }))).toBe(false);
    },
  );
});
