/** The networks of Beliy et al. 2019, Fig. 3c and section 2.3, at 112 pixels: every weight counted. */
import { describe, expect, test } from "vitest";
import { completeConfig } from "../../src/cli/options.js";
import { noFeatureWeights } from "../../src/data/feature-weights.js";
import { createRng } from "../../src/index.js";
import { Decoder } from "../../src/model/decoder.js";
import { Encoder } from "../../src/model/encoder.js";
import { presets } from "../../src/model/presets.js";
import { testDevice, uniform } from "../device.js";

const device = await testDevice();
const voxels = 3;
const conv1 = { hwio: uniform(11 * 11 * 3 * 96, 1, -0.1, 0.1), shape: [11, 11, 3, 96] as const, bias: null };
const weights = { ...noFeatureWeights, conv1: { ...conv1, network: "CaffeNet" as const } };

/** Trained numbers of a module, by the shape of each parameter. */
const shapes = (module: Encoder | Decoder) => module.parameters().map(({ shape }) => shape.join("x"));
const conv = (inputs: number, outputs: number) => [`3x3x${inputs}x${outputs}`, `${outputs}`];

describe("preset paper at 112 pixels", () => {
  const options = { preset: presets.paper, resolution: 112, channels: 3, voxels } as const;

  test("Decoder: dense to 14 x 14 x 64, three blocks of 64 channels, three colours", () => {
    const decoder = new Decoder(device, createRng(device, 1), options);
    const norm = ["64", "64"];
    expect(shapes(decoder).sort()).toEqual(
      [
        `${voxels}x${14 * 14 * 64}`,
        `${14 * 14 * 64}`,
        ...[1, 2, 3].flatMap(() => [...conv(64, 64), ...norm]),
        ...conv(64, 3),
      ].sort(),
    );
    decoder.dispose();
  });

  test("Encoder: conv1 fixed, its norm, three blocks of 32 channels at stride 2, dense from 7 x 7", () => {
    const encoder = new Encoder(device, createRng(device, 1), { ...options, weights });
    const blocks = [...conv(96, 32), ...conv(32, 32), ...conv(32, 32), ...["32", "32", "32", "32", "32", "32"]];
    expect(shapes(encoder).sort()).toEqual(["96", "96", ...blocks, `${7 * 7 * 32}x${voxels}`, `${voxels}`].sort());
    encoder.dispose();
  });
});

describe("the text's numbers", () => {
  const { paper } = presets;

  test("alpha 0.9; 80 and 150 epochs; batches of 48 pairs, 16 images, 16 test fMRI", () => {
    expect(paper.encoderLoss).toEqual({ error: "meanSquare", errorWeight: 0.9, cosineWeight: 0.1 });
    expect(paper.cycleFmriLoss).toEqual(paper.encoderLoss);
    expect([paper.encoderEpochs, paper.decoderEpochs]).toEqual([80, 150]);
    const pairs = paper.batchSize * paper.pairedShare;
    const unpaired = paper.batchSize - pairs;
    const rows = pairs + 2 * unpaired;
    expect([pairs / rows, unpaired / rows]).toEqual([0.6, 0.2]);
    expect(Object.values(paper.lossWeights)).toEqual([1, 1, 1]);
  });

  test("learning rates: 0.1 at first; 1e-3 with an 80 % drop after every 30 epochs", () => {
    expect(paper.encoderLr(0, 80)).toBe(0.1);
    const rates = [0, 29, 30, 59, 60, 149].map((epoch) => paper.decoderLr(epoch, 150));
    [1e-3, 1e-3, 2e-4, 2e-4, 4e-5, 1.6e-6].forEach((rate, i) => {
      expect(rates[i]! / rate).toBeCloseTo(1, 12);
    });
  });

  test("one set of hyperparameters for both datasets, but for grey pictures", () => {
    const { dataset: _god, stimuli: _s, ...god } = completeConfig({ dataset: "god", data: "x", stimuli: "y" }, "test");
    const { dataset: _vim, stimuli: _t, ...vim1 } = completeConfig({ dataset: "vim1", data: "x" }, "test");
    expect({ ...vim1, channels: 3 }).toEqual(god);
    expect(god).toMatchObject({ resolution: 112, encoderEpochs: 80, decoderEpochs: 150, batchSize: 64 });
  });
});
