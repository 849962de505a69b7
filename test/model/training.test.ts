import { describe, expect, test } from "vitest";
import { noFeatureWeights } from "../../src/data/feature-weights.js";
import { createRng, readState, slice } from "../../src/index.js";
import { decodeCheckpoint, encodeCheckpoint, restoreTraining, trainingEntries } from "../../src/model/checkpoint.js";
import { trainingConfig } from "../../src/model/config.js";
import { Decoder } from "../../src/model/decoder.js";
import { Encoder } from "../../src/model/encoder.js";
import { type Preset, presets } from "../../src/model/presets.js";
import { reconstruct } from "../../src/model/reconstruct.js";
import { Training } from "../../src/model/training.js";
import { collectLeftovers, randomTensor, testDevice } from "../device.js";
import { tinyDataset } from "./tiny.js";

const device = await testDevice();

const config = trainingConfig({
  encoderEpochs: 2,
  decoderEpochs: 2,
  batchSize: 8,
  encoderChannels: 4,
  decoderChannels: 4,
  seed: 3,
});
const make = (dataset = tinyDataset(16), choices = {}) =>
  new Training({ device, dataset, weights: noFeatureWeights, config: { ...config, ...choices } });
const makeWith = (preset: Preset["name"]) => make(tinyDataset(16), { preset });

async function runAll(training: Training) {
  const reports = [];
  for await (const report of training.run()) reports.push(report);
  return reports;
}

describe("networks", () => {
  test.each([
    { preset: "authors", resolution: 28, channels: 1 },
    { preset: "paper", resolution: 30, channels: 3 },
    { preset: "authors", resolution: 27, channels: 3 },
    { preset: "best", resolution: 29, channels: 3 },
  ] as const)(
    "$preset at $resolution pixels, $channels channels: shapes fit both ways",
    ({ preset, resolution, channels }) => {
      using _scope = device.scope();
      const options = {
        preset: { ...presets[preset], encoderChannels: 4, decoderChannels: 4 },
        resolution,
        channels,
        voxels: 11,
      };
      const encoder = new Encoder(device, createRng(device, 1), { ...options, weights: noFeatureWeights });
      const decoder = new Decoder(device, createRng(device, 2), options);
      const images = randomTensor(device, [2, resolution, resolution, channels], 1, [0, 1]);
      const fmri = encoder.forward(images);
      expect(fmri.shape).toEqual([2, 11]);
      expect(decoder.forward(fmri).shape).toEqual(images.shape);
      encoder.dispose();
      decoder.dispose();
    },
  );
});

describe("training", () => {
  test("reports every epoch of both phases, and the losses fall", async () => {
    const training = make(tinyDataset(16), { encoderEpochs: 6, decoderEpochs: 6 });
    const reports = await runAll(training);
    expect(reports.map(({ phase, epoch }) => `${phase} ${epoch}`)).toEqual(
      [..."012345"].map((e) => `encoder ${e}`).concat([..."012345"].map((e) => `decoder ${e}`)),
    );
    expect(Object.keys(reports.at(-1)!.losses).sort()).toEqual(["D", "DE", "ED", "penalty"]);
    expect(reports.at(-1)!.losses["D"]).toBeLessThan(reports[6]!.losses["D"]!);
    expect(training.position.phase).toBe("done");
    training.dispose();
  });

  test.each([
    ["supervised", ["D", "penalty"]],
    ["images", ["D", "ED", "penalty"]],
  ] as const)("variant %s has the losses %j", async (variant, names) => {
    const training = make(tinyDataset(16), { variant, decoderEpochs: 1, encoderEpochs: 1 });
    const reports = await runAll(training);
    expect(Object.keys(reports.at(-1)!.losses).sort()).toEqual(names);
    training.dispose();
  });

  test("frees what a step makes: buffers and bytes do not grow from epoch to epoch", async () => {
    const training = make(tinyDataset(16), { encoderEpochs: 1, decoderEpochs: 5 });
    const counts: string[] = [];
    await collectLeftovers();
    const before = device.memory().capturedBytes;
    for await (const { phase } of training.run()) {
      const { tensors, buffers, bytes, capturedBytes } = device.memory();
      if (phase === "decoder") counts.push(`${tensors} ${buffers} ${bytes}`);
      expect(capturedBytes).toBeGreaterThan(before);
    }
    expect(new Set(counts.slice(1)).size).toBe(1);
    // What the phases recorded is freed when they end.
    expect(device.memory().capturedBytes).toBe(before);
    training.dispose();
  });

  test("the Encoder's weights do not change while the Decoder trains", async () => {
    const training = make();
    const weights: number[][] = [];
    for await (const { phase } of training.run())
      if (phase === "encoder" || weights.length > 0) weights.push([...(await training.encoder.dense.weight.data())]);
    expect(weights.at(-1)).toEqual(weights[config.encoderEpochs - 1]);
    training.dispose();
  });

  test("preset best: the Encoder is in evaluation mode while the Decoder trains, and nothing of it changes", async () => {
    const training = make(tinyDataset(16), { preset: "best" });
    const states: string[] = [];
    for await (const { phase } of training.run()) {
      const entries = await readState(training.encoder.stateDict());
      states.push(JSON.stringify([...entries].map(([name, { values }]) => [name, [...values]])));
      if (phase === "decoder") expect(training.encoder.training).toBe(false);
    }
    expect(new Set(states.slice(config.encoderEpochs - 1)).size).toBe(1);
    training.dispose();
  });

  test("preset best: what the Decoder makes of one row does not depend on the others", async () => {
    using _scope = device.scope();
    const options = { preset: presets.best, resolution: 28, channels: 3, voxels: 11 } as const;
    const decoder = new Decoder(device, createRng(device, 2), options);
    const fmri = randomTensor(device, [3, 11], 1);
    const all = await decoder.forward(fmri).data();
    const last = await decoder.forward(slice(fmri, { start: [2, 0], end: [3, 11] })).data();
    expect(Math.max(...last.map((v, i) => Math.abs(v - (all[2 * last.length + i] as number))))).toBeLessThan(1e-6);
    decoder.dispose();
  });

  test.each([
    { question: 1, preset: "authors" },
    { question: 2, preset: "best" },
    { question: 3, preset: "authors" },
    { question: 5, preset: "authors" },
    { question: 6, preset: "best" },
  ] as const)(
    "$preset, stopped after $question steps, saved and resumed: the same bits as without the stop",
    async ({ question, preset }) => {
      const make = () => makeWith(preset);
      const whole = make();
      await runAll(whole);
      const expected = await reconstruct(device, whole.decoder, tinyDataset(16).test.fmri);
      whole.dispose();

      const first = make();
      let taken = 0;
      for await (const _report of first.run(() => ++taken >= question)) void _report;
      expect(first.position.phase).not.toBe("done");
      const bytes = encodeCheckpoint({
        header: { format: "voxpix-checkpoint-1", position: first.position, fold: 0 },
        entries: await trainingEntries(first),
      });
      first.dispose();

      const second = make();
      restoreTraining(second, decodeCheckpoint(bytes, "memory"));
      await runAll(second);
      const actual = await reconstruct(device, second.decoder, tinyDataset(16).test.fmri);
      second.dispose();
      expect(Buffer.from(actual.pixels.buffer).equals(Buffer.from(expected.pixels.buffer))).toBe(true);
    },
  );

  test("a damaged checkpoint is refused by name", async () => {
    const training = make();
    const bytes = encodeCheckpoint({
      header: { format: "voxpix-checkpoint-1", position: training.position, fold: 0 },
      entries: await trainingEntries(training),
    });
    expect(() => decodeCheckpoint(bytes.slice(0, bytes.length - 5), "run/checkpoint.safetensors")).toThrow(
      "run/checkpoint.safetensors cannot be used",
    );
    const other = make(tinyDataset(16), { decoderChannels: 5 });
    const text = Buffer.from(bytes).toString("latin1");
    const of = (format: string) => Buffer.from(text.replace("voxpix-checkpoint-1", format), "latin1");
    expect(() => decodeCheckpoint(of("voxpix-checkpoint-9"), "x")).toThrow(
      /it is voxpix-checkpoint-9, of another version of voxpix; this one reads voxpix-checkpoint-1/,
    );
    expect(() => decodeCheckpoint(of("someone-elses-form1"), "x")).toThrow(/it is no voxpix checkpoint/);
    expect(() => restoreTraining(other, decodeCheckpoint(bytes, "x"))).toThrow(
      "the checkpoint does not fit this configuration",
    );
    training.dispose();
    other.dispose();
  });
});
