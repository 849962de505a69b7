// Speed of training: steps of both phases, and the paper's whole schedule projected from them.
//
//   npm run bench:train -- [--resolution 112] [--batch 64] [--voxels 4500] [--preset paper|authors] [--steps 18] [--kernels] [--clock cpu|gpu|wall]
//
// Random images and fMRI, features from random VGG19 and CaffeNet filters of the real shapes. What is measured are the steps of an
// epoch of each phase (1,200 pairs), or `--steps` of them, five on a software driver, from which the epoch follows. "GPU" is the
// time by timestamp queries where they are the clock, else the wait after a step was handed over; "driver CPU" a software driver's
// CPU time spread over the cores (which other load does not lengthen); "host" the replay of a step, "data" drawing and uploading
// its batch; "first" is preparing (compiling) and the first step. --kernels adds where the time of a step goes, each recorded
// dispatch timed by itself. --quick: the smallest run that works.

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
import {
  clockName,
  environment,
  heading,
  open,
  options,
  readClock,
  stampsOf,
  summary,
  table,
  time,
  uniform,
  workerMs,
  writeJson,
} from "./common.mjs";

const { values } = options({
  resolution: { type: "string", default: "112" },
  batch: { type: "string", default: "64" },
  voxels: { type: "string", default: "4500" },
  preset: { type: "string", default: "paper" },
  steps: { type: "string" },
  kernels: { type: "boolean", default: false },
});
const { quick } = values;
const resolution = quick ? 32 : Number(values.resolution);
const batch = quick ? 8 : Number(values.batch);
const voxels = quick ? 100 : Number(values.voxels);
const preset = presets[values.preset];
if (!preset) throw new Error(`--preset must be paper or authors, got ${values.preset}`);
const device = await open(values);
/** Pairs and epochs of the paper's schedule. */
const [pairsInAll, encoderEpochs, decoderEpochs] = [1200, 80, 150];
const stepsPerEpoch = Math.max(1, Math.floor(pairsInAll / batch));
const steps = quick ? 1 : Number(values.steps ?? (device.adapter.software ? 5 : stepsPerEpoch));
const stamps = stampsOf(device);

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
  const draw = () => {
    const chosen = Array.from({ length: rows }, () => random.integer(dataset.train.fmri.rows));
    return {
      images: selectImages(dataset.train.images, chosen),
      fmri: selectRows(dataset.train.fmri, chosen),
    };
  };
  const timed = async () => {
    replayMs = 0;
    const cpu = workerMs();
    stamps?.begin();
    const start = performance.now();
    for (const loss of Object.values(step.run(draw(), random))) loss.dispose();
    const handed = performance.now();
    stamps?.end();
    await device.finish();
    const end = performance.now();
    return {
      wall: end - start,
      data: handed - start - replayMs,
      host: replayMs,
      gpu: stamps ? await stamps.read() : end - handed,
      driver: (workerMs() - cpu) / availableParallelism(),
    };
  };
  await device.finish();
  const start = performance.now();
  const made = device.commandCounts().pipelines;
  await step.prepare(draw());
  const prepareMs = performance.now() - start;
  await timed();
  const firstMs = performance.now() - start;
  const { pipelines } = device.commandCounts();
  const samples = [];
  for (let i = 0; i < steps; i++) samples.push(await timed());
  const before = device.commandCounts();
  await timed();
  const after = device.commandCounts();
  const columns = Object.fromEntries(
    ["wall", "data", "host", "gpu", "driver"].map((part) => [part, summary(samples.map((s) => s[part]))]),
  );
  return {
    name,
    prepareMs,
    firstMs,
    pipelines: pipelines - made,
    stepMs: columns.wall.median,
    spread: columns.wall.spread,
    dataMs: columns.data.median,
    hostMs: columns.host.median,
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
    const took = await time(device, () =>
      replay({ commands: list, touch: () => undefined }, { before: [], after: [] }),
    );
    return readClock(device, took);
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
  `GPU: ${stamps ? clockName(device) : "the wait after a step was handed over"}; kernels: ${clockName(device)}`,
);
console.log(
  `${resolution} x ${resolution}, batch ${batch}, ${voxels} voxels, preset ${preset.name}, seed 0; ms a step, median of ${steps}`,
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
  [
    ...["phase", "first", "pipelines", "step", "spread", "GPU", "driver CPU", "host", "data"],
    ...["dispatches", "submits", "captured MiB"],
  ],
  phases.map((p) => [
    p.name,
    fixed(p.firstMs, 0),
    p.pipelines,
    fixed(p.stepMs),
    `${fixed(100 * p.spread, 0)} %`,
    fixed(p.gpuMs),
    fixed(p.driverMs),
    fixed(p.hostMs, 2),
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
const seconds = (ms) => `${fixed(ms / 1000, ms < 100 ? 3 : 1)} s`;
console.log(`\nAn epoch is ${stepsPerEpoch} steps (1,200 pairs, batch ${batch}):`);
for (const p of phases) {
  const [all, gpu, onHost, data] = [p.stepMs, p.gpuMs, p.hostMs, p.dataMs].map((ms) => seconds(ms * stepsPerEpoch));
  console.log(`  ${p.name}: ${all}, of it GPU ${gpu}, host ${onHost}, data ${data}`);
}
const [encoderMs, decoderMs] = phases.map((p) => p.stepMs * stepsPerEpoch);
const projected = encoderEpochs * encoderMs + decoderEpochs * decoderMs;
console.log(
  `The paper's schedule, projected: ${encoderEpochs} x ${seconds(encoderMs)} + ${decoderEpochs} x ${seconds(decoderMs)} = ${fixed(projected / 60000)} min`,
);
writeJson(values.json, {
  ...environment(device),
  setting: { resolution, batch, voxels, preset: preset.name, steps, stepsPerEpoch, clock: clockName(device), seed: 0 },
  phases,
  projectedMinutes: projected / 60000,
});
device.destroy();
process.exit(0);
