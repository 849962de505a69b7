/** Training in two phases: the Encoder on pairs, then the Decoder on pairs, unlabeled images and unlabeled test fMRI. */
import type { Dataset, ImageSet } from "../data/dataset.js";
import { selectImages, selectRows } from "../data/dataset.js";
import type { FeatureWeights } from "../data/feature-weights.js";
import { HostRandom } from "../data/random.js";
import { Adam, createRng, type Device, Sgd, type Tensor, tensor } from "../index.js";
import { drawIndices, epochOrder, stepRows, variants } from "./batches.js";
import { presetOf, type TrainingConfig } from "./config.js";
import { Decoder } from "./decoder.js";
import { makeDecoderStep } from "./decoder-step.js";
import { Encoder } from "./encoder.js";
import { makeEncoderStep, type Pairs, type TrainingStep } from "./encoder-step.js";
import { DivergedError } from "./errors.js";
import { makeImageFeatures } from "./features.js";
import { channelScales } from "./image-scales.js";
import { ImageLoss } from "./losses.js";
import type { Preset } from "./presets.js";

/** The two phases, in order. */
export type Phase = "encoder" | "decoder";

/** What happened in an epoch. */
export interface EpochReport {
  readonly phase: Phase;
  /** Counted from 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the epoch of each loss, unweighted, by name. */
  readonly losses: Readonly<Record<string, number>>;
  readonly lr: number;
  /** Wall time of this epoch. */
  readonly seconds: number;
  /** Estimate for all that is left of both phases. */
  readonly secondsLeft: number;
}

/** Where a run stands: the next step to take. */
export interface Position {
  readonly phase: Phase | "done";
  readonly epoch: number;
  readonly step: number;
}

/** What a training needs beside its configuration. */
export interface TrainingInputs {
  readonly device: Device;
  readonly dataset: Dataset;
  readonly weights: FeatureWeights;
  readonly config: TrainingConfig;
}

/** A training that can be stopped after any step and continued from there with the same bits. */
export class Training {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly encoderOptimizer: Sgd | Adam;
  readonly decoderOptimizer: Adam;
  readonly preset: Preset;
  position: Position = { phase: "encoder", epoch: 0, step: 0 };
  readonly #inputs: TrainingInputs;
  /** How the phase that is under way takes its steps. */
  #stepping: { readonly phase: Phase; readonly step: TrainingStep } | null = null;
  #secondsPerStep = { encoder: 0, decoder: 0 };

  constructor(inputs: TrainingInputs) {
    const { device, dataset, weights, config } = inputs;
    const { images, fmri } = dataset.train;
    this.#inputs = inputs;
    this.preset = presetOf(config, this.#stepsPerEpoch() * config.decoderEpochs);
    const channels = images.channels === 1 ? 1 : 3;
    const options = { preset: this.preset, resolution: images.height, channels, voxels: fmri.columns } as const;
    this.encoder = new Encoder(device, createRng(device, config.seed).fork("encoder"), { ...options, weights });
    this.decoder = new Decoder(device, createRng(device, config.seed).fork("decoder"), options);
    const { encoderMomentum: momentum, adamBetas: betas, adamEps: eps } = this.preset;
    const adam = { lr: 1e-3, betas, eps, amsgrad: true };
    this.encoderOptimizer =
      this.preset.encoderOptimizer === "adam"
        ? new Adam(this.encoder.parameters(), adam)
        : new Sgd(this.encoder.parameters(), { lr: 0.1, momentum, nesterov: true });
    this.decoderOptimizer = new Adam(this.decoder.parameters(), adam);
  }

  /** Frees both networks and both optimizers. */
  dispose(): void {
    this.#endStepping();
    for (const part of [this.encoder, this.decoder, this.encoderOptimizer, this.decoderOptimizer]) part.dispose();
  }

  /** Rows of a batch that are pairs, in a phase. */
  #pairs(phase: Phase): number {
    const { batchSize } = this.#inputs.config;
    const share = this.preset.pairedShare;
    const rows = phase === "encoder" ? batchSize : Math.max(1, Math.round(batchSize * share));
    return Math.min(rows, this.#inputs.dataset.train.fmri.rows);
  }

  #stepsPerEpoch(): number {
    return epochOrder(new HostRandom(0), this.#inputs.dataset.train.fmri.rows, this.#inputs.config.batchSize).steps;
  }

  /** Host random numbers of one epoch or step, whatever was drawn before. */
  #stream(name: string): HostRandom {
    return new HostRandom(this.#inputs.config.seed).fork(name);
  }

  /**
   * Trains on from `position` to the end, or until `stop` says so after a step.
   *
   * @returns One report an epoch.
   * @throws {DivergedError} when a loss is no longer finite, naming it.
   */
  async *run(stop: () => boolean = () => false): AsyncGenerator<EpochReport> {
    for (const phase of ["encoder", "decoder"] as const) {
      if (this.position.phase !== phase) continue;
      const epochs = this.#epochs(phase);
      while (this.position.phase === phase && this.position.epoch < epochs) {
        const report = await this.#epoch(phase, epochs, stop);
        if (report) yield report;
        if (stop()) return;
      }
      this.#endStepping();
      this.position = { phase: phase === "encoder" ? "decoder" : "done", epoch: 0, step: 0 };
    }
  }

  #epochs(phase: Phase): number {
    return phase === "encoder" ? this.#inputs.config.encoderEpochs : this.#inputs.config.decoderEpochs;
  }

  /** The rest of one epoch; `null` when it was stopped before its end. */
  async #epoch(phase: Phase, epochs: number, stop: () => boolean): Promise<EpochReport | null> {
    const { device, dataset, config } = this.#inputs;
    const { epoch } = this.position;
    const { order, steps } = epochOrder(
      this.#stream(`${phase} epoch ${epoch}`),
      dataset.train.fmri.rows,
      config.batchSize,
    );
    const lr = this.#lr(phase, epoch, epochs);
    const start = performance.now();
    const first = this.position.step;
    const collected: Record<string, Tensor>[] = [];
    for (let step = first; step < steps; step++) {
      const rows = stepRows(order, step, this.#pairs(phase));
      const unlabeled = phase === "decoder" ? await this.#unlabeled(epoch, step, steps) : null;
      const random = this.#stream(`${phase} epoch ${epoch} step ${step}`);
      collected.push(await this.#step(phase, lr, rows, random, unlabeled));
      this.position = { phase, epoch, step: step + 1 };
      // Waiting bounds how far the host runs ahead, and lets signals through.
      await device.finish();
      if (stop() && step + 1 < steps) return null;
    }
    const seconds = (performance.now() - start) / 1000;
    if (steps > first) this.#secondsPerStep[phase] = seconds / (steps - first);
    const losses = await averageLosses(collected, phase, epoch);
    this.position = { phase, epoch: epoch + 1, step: 0 };
    return { phase, epoch, epochs, losses, lr, seconds, secondsLeft: this.#secondsLeft(phase, epoch + 1, steps) };
  }

  #lr(phase: Phase, epoch: number, epochs: number): number {
    if (phase === "decoder") return this.preset.decoderLr(epoch, epochs);
    const lr = this.preset.encoderLr(epoch, epochs);
    // Adam's steps do not depend on the size of the gradient.
    if (this.preset.encoderOptimizer === "adam") return lr;
    const [inputs, voxels] = this.encoder.dense.weight.shape as [number, number];
    return lr * Math.min(1, voxels / inputs / this.preset.encoderVoxelsPerInput);
  }

  /**
   * The unlabeled images of a step where they are on the disk; `null` where they are in memory, or not used. Which ones depends on the
   * seed and the step alone, so those of the next steps can be read while this one runs.
   */
  async #unlabeled(epoch: number, step: number, steps: number): Promise<ImageSet | null> {
    const { dataset, config } = this.#inputs;
    const stream = dataset.unlabeledStream;
    if (stream === undefined || !variants[config.variant].images) return null;
    const drawn = Array.from({ length: 3 }, (_, ahead) => {
      const [at, of] = [(step + ahead) % steps, epoch + Math.floor((step + ahead) / steps)];
      return drawIndices(this.#stream(`decoder epoch ${of} step ${at} unlabeled`), stream.count, this.#unpaired());
    });
    for (const indices of drawn) stream.prefetch(indices);
    return stream.load(drawn[0] as number[]);
  }

  /** Rows of a batch of the second phase that are unlabeled. */
  #unpaired(): number {
    return Math.max(1, this.#inputs.config.batchSize - this.#pairs("decoder"));
  }

  async #step(
    phase: Phase,
    lr: number,
    rows: readonly number[],
    random: HostRandom,
    unlabeled: ImageSet | null,
  ): Promise<Record<string, Tensor>> {
    const { dataset } = this.#inputs;
    const pairs = {
      images: selectImages(dataset.train.images, rows),
      fmri: selectRows(dataset.train.fmri, rows),
      ...(unlabeled && { unlabeled }),
    };
    if (phase === "encoder") this.encoderOptimizer.lr = lr;
    else this.decoderOptimizer.lr = lr;
    return (await this.#stepOf(phase, pairs)).run(pairs, random);
  }

  /** The phase's step; a new one is made ready for batches like `pairs`. */
  async #stepOf(phase: Phase, pairs: Pairs): Promise<TrainingStep> {
    if (this.#stepping?.phase === phase) return this.#stepping.step;
    this.#endStepping();
    const { device } = this.#inputs;
    const { encoder, encoderOptimizer: optimizer, preset } = this;
    const step =
      phase === "encoder" ? makeEncoderStep({ device, encoder, optimizer, preset }) : await this.#prepareDecoder();
    this.#stepping = { phase, step };
    await step.prepare(pairs);
    return step;
  }

  #endStepping(): void {
    this.#stepping?.step.dispose();
    this.#stepping = null;
  }

  /** What the second phase needs once: a frozen Encoder, the image loss with its scales, and the voxels' weights. */
  async #prepareDecoder(): Promise<TrainingStep> {
    const { device, dataset, weights, config } = this.#inputs;
    this.encoder.freeze();
    const channels = dataset.train.images.channels === 1 ? 1 : 3;
    const features = makeImageFeatures(device, { weights, preset: this.preset, channels });
    const scales = await channelScales(device, features, dataset.train.images);
    const imageLoss = new ImageLoss(features, this.preset.imageLoss, scales);
    const snr = dataset.snr ? device.unscoped(() => tensor(device, relativeSnr(dataset.snr as Float32Array))) : null;
    const { encoder, decoder, decoderOptimizer: optimizer, preset } = this;
    const use = variants[config.variant];
    const context = { device, encoder, decoder, optimizer, preset, dataset, imageLoss, snr, use };
    return makeDecoderStep(context, this.#unpaired());
  }

  #secondsLeft(phase: Phase, nextEpoch: number, steps: number): number {
    const { encoder } = this.#secondsPerStep;
    // Until the second phase has run, its steps are taken to cost three of the first: two networks, forward twice and back.
    const decoder = this.#secondsPerStep.decoder || 3 * encoder;
    const { encoderEpochs, decoderEpochs } = this.#inputs.config;
    if (phase === "decoder") return (decoderEpochs - nextEpoch) * steps * decoder;
    return (encoderEpochs - nextEpoch) * steps * encoder + decoderEpochs * steps * decoder;
  }
}

/** Weights of mean 1; negative or missing ratios count as 0. */
function relativeSnr(snr: Float32Array): Float32Array {
  const usable = snr.map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  const mean = usable.reduce((a, b) => a + b, 0) / usable.length;
  return mean > 0 ? usable.map((value) => value / mean) : usable.fill(1);
}

/** The mean of each loss over the steps of an epoch; frees the tensors. */
async function averageLosses(
  steps: readonly Record<string, Tensor>[],
  phase: Phase,
  epoch: number,
): Promise<Record<string, number>> {
  const totals: Record<string, number> = {};
  for (const losses of steps) {
    for (const [name, loss] of Object.entries(losses)) {
      const value = await loss.item();
      loss.dispose();
      if (!Number.isFinite(value)) {
        throw new DivergedError(
          `training diverged: the ${phase}'s loss ${name} is ${value} in epoch ${epoch + 1}; look for outliers in the fMRI and images of one colour, or try another --seed or a larger --batch-size`,
        );
      }
      totals[name] = (totals[name] ?? 0) + value / steps.length;
    }
  }
  return totals;
}
