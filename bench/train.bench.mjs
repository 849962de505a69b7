// Speed of training: steps of both phases, and the paper's whole schedule projected from them.
//
//   npm run bench:train -- [--resolution 112] [--batch 64] [--voxels 4500] [--preset paper|authors] [--steps 5] [--kernels]
//
// Random images and fMRI, features from random VGG19 and CaffeNet filters of the real shapes. "GPU" is the wait for the GPU
// after a step was handed over, "driver CPU" a software driver's CPU time spread over the cores (which other load does not
// lengthen), "replay" the host's part of a replayed step, "data" drawing and uploading a batch. --kernels
// adds where the time of a step goes, each recorded dispatch timed by itself. --quick: the smallest run that works.

import { availableParallelism } from "node:os";
import { selectImages, selectRows } from "../dist/data/dataset.js";
import { HostRandom } from "../dist/data/random.js";
import { Decoder } from "../dist/model/decoder.js";
import { makeDecoderStep } from "../dist/model/decoder-step.js";
import { Encoder } from "../dist/model/encoder.js";
import { makeEncoderStep } from "../dist/model/encoder-step.js";
import { makeImageFeatures } from "../dist/model/features.js";
import { ImageLoss } from "../dist/model/losses.js";
import { presets } from "../dist/model/presets.js";
import { Adam } from "../dist/nn/adam.js";
import { Sgd } from "../dist/nn/sgd.js";
import { createRng } from "../dist/tensor/random.js";
import { ones } from "../dist/tensor/tensor.js";
import { environment, heading, open, options, summary, table, uniform, workerMs, writeJson } from "./common.mjs";

const { values } = options({
  resolution: { type: "string", default: "112" },
  batch: { type: "string", default: "64" },
  voxels: { type: "string", default: "4500" },
  preset: { type: "string", default: "paper" },
  steps: { type: "string", default: "5" },
  kernels: { type: "boolean", default: false },
});
const { quick } = values;
const resolution = quick ? 32 : Number(values.resolution);
const batch = quick ? 8 : Number(values.batch);
const voxels = quick ? 100 : Number(values.voxels);
const steps = quick ? 1 : Number(values.steps);
const preset = presets[values.preset];
if (!preset) throw new Error(`--preset must be paper or authors, got ${values.preset}`);
const device = await open(values);

const conv = (size, inputs, outputs, seed) => {
  const scale = Math.sqrt(2 / (size * size * inputs));
  const hwio = uniform(size * size * inputs * outputs, seed, -scale, scale);
  return { hwio, shape: [size, size, inputs, outputs], bias: new Float32Array(outputs) };
};
const weights = {
  conv1: conv(11, 3, 96, 1),
  vgg19: {
    conv1_1: conv(3, 3, 64, 2),
    conv1_2: conv(3, 64, 64, 3),
    conv2_1: conv(3, 64, 128, 4),
    conv2_2: conv(3, 128, 128, 5),
  },
};

const images = (count, seed) => ({
  count,
  height: resolution,
  width: resolution,
  channels: 3,
  pixels: uniform(count * resolution * resolution * 3, seed, 0, 1),
});
const matrix = (rows, seed) => ({ rows, columns: voxels, values: uniform(rows * voxels, seed) });
const recordings = (count, seed) => ({ images: images(count, seed), fmri: matrix(count, seed + 1), labels: [] });
const dataset = {
  name: "random",
  train: recordings(2 * batch, 10),
  test: recordings(4, 20),
  testRepeats: Array.from({ length: 4 }, (_, i) => matrix(35, 30 + i)),
  unlabeledImages: images(2 * batch, 50),
  snr: null,
  notes: [],
};

const rng = createRng(device, 0);
const network = { preset, resolution, channels: 3, voxels };
const encoder = new Encoder(device, rng.fork("encoder"), { ...network, weights });
const decoder = new Decoder(device, rng.fork("decoder"), network);
const sgd = new Sgd(encoder.parameters(), { lr: 1e-3, momentum: 0.9, nesterov: true });
const adam = new Adam(decoder.parameters(), { lr: 1e-3, amsgrad: true });
const pairs = Math.round(batch * preset.pairedShare);

function decoderPhase() {
  encoder.freeze();
  const features = makeImageFeatures(device, { weights, preset, channels: 3 });
  const layers = device.noGrad(() => features.forward(ones(device, [1, 16, 16, 3])));
  const scales = [3, ...layers.map(({ shape }) => shape[3])].map((channels) => ones(device, [channels]));
  for (const layer of layers) layer.dispose();
  const context = {
    device,
    encoder,
    decoder,
    optimizer: adam,
    preset,
    dataset,
    imageLoss: new ImageLoss(features, preset.imageLoss, scales),
    snr: ones(device, [voxels]),
    use: { images: true, testFmri: true },
  };
  return makeDecoderStep(context, batch - pairs);
}

/** Host time spent in replays. */
let replayMs = 0;
/** The recording that ran last. */
let recording = null;
const replay = device.replay.bind(device);
device.replay = (recorded, copies) => {
  recording = recorded;
  const start = performance.now();
  replay(recorded, copies);
  replayMs += performance.now() - start;
};

async function phase(name, step, rows) {
  const random = new HostRandom(1);
  const take = () => {
    const chosen = Array.from({ length: rows }, () => random.integer(dataset.train.fmri.rows));
    const batchPairs = {
      images: selectImages(dataset.train.images, chosen),
      fmri: selectRows(dataset.train.fmri, chosen),
    };
    for (const loss of Object.values(step.run(batchPairs, random))) loss.dispose();
  };
  const timed = async () => {
    replayMs = 0;
    const cpu = workerMs();
    const start = performance.now();
    take();
    const handed = performance.now();
    await device.finish();
    const gpu = performance.now() - handed;
    return {
      data: handed - start - replayMs,
      replay: replayMs,
      gpu,
      driver: (workerMs() - cpu) / availableParallelism(),
    };
  };
  await device.finish();
  const first = await timed();
  const samples = [];
  for (let i = 0; i < steps; i++) samples.push(await timed());
  const before = device.commandCounts();
  await timed();
  const after = device.commandCounts();
  const columns = Object.fromEntries(
    ["data", "replay", "gpu", "driver"].map((part) => [part, summary(samples.map((s) => s[part]))]),
  );
  const total = summary(samples.map((s) => s.data + s.replay + s.gpu));
  return {
    name,
    firstMs: first.data + first.gpu,
    stepMs: total.median,
    spread: total.spread,
    dataMs: columns.data.median,
    replayMs: columns.replay.median,
    gpuMs: columns.gpu.median,
    driverMs: columns.driver.median,
    dispatches: after.dispatches - before.dispatches,
    submits: after.submits - before.submits,
    capturedMiB: device.memory().capturedBytes / 2 ** 20,
    kernels: values.kernels ? await kernelTimes(recording.commands) : undefined,
  };
}

/** Time and number of the dispatches of each kernel, every one timed by itself. */
async function kernelTimes(commands) {
  const kernels = new Map();
  const run = async (list) => {
    const cpu = workerMs();
    const start = performance.now();
    replay({ commands: list, touch: () => undefined }, { before: [], after: [] });
    await device.finish();
    return device.adapter.software ? (workerMs() - cpu) / availableParallelism() : performance.now() - start;
  };
  for (const command of commands.filter(({ kind }) => kind !== "host")) {
    const name = command.kind === "copy" ? "copy" : command.kernel.replace(/^fused-.*/, "fused elementwise");
    let ms = await run([command]);
    const repeats = Math.min(16, Math.ceil(4 / Math.max(ms, 0.1)));
    if (repeats > 1) ms = (await run(new Array(repeats).fill(command))) / repeats;
    const entry = kernels.get(name) ?? { count: 0, ms: 0 };
    kernels.set(name, { count: entry.count + 1, ms: entry.ms + ms });
  }
  return [...kernels].map(([name, entry]) => ({ name, ...entry })).sort((a, b) => b.ms - a.ms);
}

console.log(heading(device));
console.log(
  `${resolution} x ${resolution}, batch ${batch}, ${voxels} voxels, preset ${preset.name}, seed 0; ms a step`,
);
const phases = [];
const encoderStep = makeEncoderStep({ device, encoder, optimizer: sgd, preset });
phases.push(await phase("Encoder", encoderStep, batch));
encoderStep.dispose();
const decoderStep = decoderPhase();
phases.push(await phase("Decoder", decoderStep, pairs));
decoderStep.dispose();

const fixed = (value, digits = 1) => value.toFixed(digits);
table(
  ["phase", "first", "step", "spread", "GPU", "driver CPU", "replay", "data", "dispatches", "submits", "captured MiB"],
  phases.map((p) => [
    p.name,
    fixed(p.firstMs, 0),
    fixed(p.stepMs),
    `${fixed(100 * p.spread, 0)} %`,
    fixed(p.gpuMs),
    fixed(p.driverMs),
    fixed(p.replayMs, 2),
    fixed(p.dataMs),
    p.dispatches,
    p.submits,
    fixed(p.capturedMiB),
  ]),
);
for (const { name, kernels } of phases) {
  if (!kernels) continue;
  const all = kernels.reduce((sum, { ms }) => sum + ms, 0);
  console.log(`\n${name}: dispatches by kernel`);
  table(
    ["kernel", "number", "ms", "share"],
    kernels.map(({ name: kernel, count, ms }) => [kernel, count, fixed(ms), `${fixed((100 * ms) / all)} %`]),
  );
}
const stepsPerEpoch = Math.floor(1200 / batch);
const projected = (80 * phases[0].stepMs + 150 * phases[1].stepMs) * stepsPerEpoch;
console.log(
  `\nProjected for the paper's schedule, 80 + 150 epochs of ${stepsPerEpoch} steps (1,200 pairs): ${fixed(projected / 60000)} min`,
);
writeJson(values.json, {
  ...environment(device),
  setting: { resolution, batch, voxels, preset: preset.name, steps, seed: 0 },
  phases,
  projectedMinutes: projected / 60000,
});
device.destroy();
process.exit(0);
