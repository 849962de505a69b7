/** The train command: from a command line to a run folder. */
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { DataError } from "../data/errors.js";
import { identify, identifyDataset } from "../data/identify.js";
import { CheckpointError } from "../model/errors.js";
import { UsageError } from "./errors.js";
import { takeLock } from "./job-lock.js";
import { makeFolder } from "./make-folder.js";
import { completeConfig, datasetNames, describeDefaults, type RunConfig } from "./options.js";
import { defaultRunFolder, RunFolder } from "./run-folder.js";
import { runTraining } from "./run-training.js";

/** A whole number from 0, as an option's value. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("It must be a whole number from 0.");
  return value;
}

/** Three numbers, e.g. `0.75,0.25,0.25`. */
function lossWeights(text: string): [number, number, number] {
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (numbers.length !== 3 || numbers.some((value) => !(value >= 0))) {
    throw new InvalidArgumentError("It must be three numbers from 0, separated by commas.");
  }
  return numbers as [number, number, number];
}

/** `voxels=1000,noise=2` as an object; which names and values are allowed, the configuration's schema says. */
function simulateSettings(text: string): Record<string, number> {
  const pairs = text.split(",").map((part) => /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(part) ?? []);
  const settings = pairs.map(([, name, value]) => [name ?? "", Number(value)] as const);
  if (settings.some(([name, value]) => name === "" || Number.isNaN(value))) {
    throw new InvalidArgumentError("It must be name=number, several separated by commas.");
  }
  return Object.fromEntries(settings);
}

const examples = `
Examples:
  $ voxpix train
      the simulated subject on the photographs that come with the package; a few minutes without a GPU
  $ voxpix train --dataset digit69 --data digit69_28x28.mat --unlabeled mnist/
      real fMRI of handwritten digits, with MNIST digits as unlabeled images
  $ voxpix train --dataset digit69 --data digit69_28x28.mat --variant supervised --folds 10
      10-fold cross-validation over all images, training on pairs only
  $ voxpix train --data Subject3.h5 --stimuli imagenet/ --unlabeled ILSVRC2012_val/ --weights weights/
      'fMRI on ImageNet' as in the paper: visual cortex (--roi VC), 50,000 photographs read as they are needed
  $ voxpix train --dataset vim1 --data vim-1/ --subject 1 --roi V1+V2+V3 --unlabeled photos/
      vim-1: EstimatedResponses.mat and Stimuli.mat in one folder
  $ voxpix train --data kay_images.npz --variant supervised
      the open part of vim-1
  $ voxpix train --dataset folder --data my-study/ --unlabeled photos/ --weights weights/
      your own images and fMRI, features of trained networks
  $ voxpix train --resume runs/digit69-full-20260131-094500
      goes on where a run was stopped

Exit codes: 0 done, 2 usage or configuration, 3 data, 4 checkpoint or disk, 5 no usable GPU, 6 diverged (NaN),
75 interrupted (SIGTERM, SIGUSR2) but resumable, 130 Ctrl-C (resumable).`;

/** Options that an unknown one may be part of: `--epochs` of `--encoder-epochs`. Similar ones commander names itself. */
function partlyNamed(text: string, command: Command): string {
  const unknown = /unknown option '--([\w-]+)'/.exec(text)?.[1];
  if (unknown === undefined || text.includes("Did you mean")) return "";
  const found = command.options.flatMap(({ long }) => (long?.slice(2).split("-").includes(unknown) ? [long] : []));
  return found.length === 0 ? "" : `(Did you mean ${found.join(" or ")}?)\n`;
}

/** Adds the settings of a run to a command, but for its variant and seed. */
export function settingOptions(command: Command): Command {
  command.configureOutput({ outputError: (text, write) => write(text + partlyNamed(text, command)) });
  return command
    .addOption(new Option("--dataset <name>", "what to train on (default: simulate)").choices([...datasetNames]))
    .option("--data <path>", "file or folder of the dataset; without --dataset, what it is is told by its content")
    .option("--subject <n>", "god, vim1, ssfmri2im: which subject", wholeNumber)
    .option(
      "--stimuli <path>",
      "god, vim1, ssfmri2im: the pictures that were shown, where they are not beside the recordings",
    )
    .option(
      "--roi <regions>",
      "voxels of these regions: V1+V2, VC-FFA, /^V[1-4]/, all (default: all; god and ssfmri2im VC; vim1 and kay all that are named)",
    )
    .option("--voxels <n>", "the n voxels of the highest signal-to-noise ratio (default: all)", wholeNumber)
    .option("--unlabeled <path>", "unlabeled images: a folder of images, or MNIST files (idx, also .gz)")
    .option(
      "--weights <path>",
      "VGG19, AlexNet or CaffeNet: a .pth, .safetensors (also an address) or .mat, or a folder of them (default: a built-in filter bank)",
    )
    .addOption(
      new Option(
        "--preset <name>",
        "the released code, the paper's text, or what goes beyond both (default: authors; for digit69 paper)",
      ).choices(["authors", "paper", "best"]),
    )
    .option(
      "--target-groups <k>",
      "variant targetExcluded: groups of test images that a Decoder is trained without, one after the other; as many as test images, or more, leave out one at a time, as the paper did (default: 10)",
      wholeNumber,
    )
    .option("--test-repeats <n>", "repeats of each test image to use, drawn at random (default: all)", wholeNumber)
    .option("--folds <k>", "cross-validate over all images instead of the dataset's own split", wholeNumber)
    .option("--resolution <pixels>", "width and height of the images", wholeNumber)
    .option("--channels <n>", "1 for grey, 3 for colour", wholeNumber)
    .option("--encoder-epochs <n>", "epochs of the first phase", wholeNumber)
    .option("--decoder-epochs <n>", "epochs of the second phase", wholeNumber)
    .option(
      "--batch-size <n>",
      "rows of a batch: 60 % pairs, 20 % unlabeled images, 20 % unlabeled test fMRI",
      wholeNumber,
    )
    .option("--encoder-channels <n>", "channels of the Encoder's convolutions", wholeNumber)
    .option("--decoder-channels <n>", "channels of the Decoder's convolutions", wholeNumber)
    .option(
      "--max-shift <pixels>",
      "largest random shift of the images that the Encoder sees in training, 0 for none (default: 5 of 112 pixels)",
      wholeNumber,
    )
    .option("--loss-weights <D,ED,DE>", "weights of the three losses (default: the preset's)", lossWeights)
    .option(
      "--simulate <settings>",
      "another simulated subject: voxels, trainImages, testImages, unlabeledImages, testRepeats, noise, seed, e.g. voxels=1000,noise=2",
      simulateSettings,
    )
    .option("--config <file>", "a JSON file with any of these settings, by their names in config.json");
}

/** Adds the options of training to a command. */
export function trainOptions(command: Command): Command {
  return settingOptions(
    command.description("train the Encoder, then the Decoder, and reconstruct the images of the test set"),
  )
    .addOption(
      new Option(
        "--variant <name>",
        "unlabeled data to use: none, images, images and test fMRI, or the last without the target's own (default: full)",
      ).choices(["supervised", "images", "full", "targetExcluded"]),
    )
    .option("--seed <n>", "seed of every random number (default: 0)", wholeNumber)
    .option("--out <folder>", "the run folder (default: runs/<dataset>-<variant>-<time>)")
    .option("--resume <folder>", "go on with a run that was stopped")
    .option("--json", "one line of JSON on stdout at the end, nothing else")
    .option("--debug", "show where an error came from")
    .addHelpText("after", `\nDefaults by dataset (Encoder, then Decoder):\n${describeDefaults()}\n${examples}`);
}

type TrainArguments = Record<string, unknown> & {
  config?: string;
  out?: string;
  resume?: string;
  json?: boolean;
  debug?: boolean;
};

/**
 * Reads a file of settings.
 *
 * @throws {DataError} when it cannot be read.
 * @throws {UsageError} when it is not JSON.
 */
export function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new DataError(`${file} cannot be read`, "Give a JSON file of settings with --config.");
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * The settings with the dataset that `--data` is, where none is named. A folder of photographs is for the simulated subject to see.
 *
 * @throws {DataError} when it is none.
 */
export async function withDataset(settings: Record<string, unknown>): Promise<Record<string, unknown>> {
  const data = settings["data"];
  if (settings["dataset"] !== undefined || typeof data !== "string") return settings;
  const dataset = (await identify(data)) === "images" ? "simulate" : await identifyDataset(data);
  return { ...settings, dataset };
}

async function newRun(args: TrainArguments): Promise<{ config: RunConfig; out: string }> {
  const { config: file, out, resume: _resume, json: _json, debug: _debug, ...choices } = args;
  const fromFile = file ? readConfigFile(file) : {};
  const config = completeConfig(await withDataset({ ...fromFile, ...choices }), file ?? "command line");
  return { config, out: out ?? defaultRunFolder(config) };
}

/**
 * Keeps a run folder for this process.
 *
 * @returns What gives it back.
 * @throws {CheckpointError} when another process trains in it.
 */
function lockRun(path: string): () => void {
  const lock = takeLock(path);
  if (!("holder" in lock)) return lock.release;
  throw new CheckpointError(
    `${path} is in use by ${lock.holder}; wait for it, or remove ${path}/running.json if that is another program`,
  );
}

const allowedWithResume = new Set(["resume", "json", "debug"]);

/** Carries out the command. */
export async function train(args: TrainArguments): Promise<void> {
  const json = args.json === true;
  if (args.resume !== undefined) {
    const other = Object.keys(args).find((name) => !allowedWithResume.has(name));
    if (other)
      throw new UsageError(
        `--resume goes on with the settings of the run; it cannot be combined with --${other.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
      );
    const { folder, config } = RunFolder.open(args.resume);
    const release = lockRun(folder.path);
    await runTraining({ config, folder: () => Promise.resolve(folder), resume: true, json }).finally(release);
    return;
  }
  const { config, out } = await newRun(args);
  let release = () => {};
  // The folder is made only once the data is read and a device is open: an error before that leaves nothing behind.
  const folder = () => {
    makeFolder(out, "--out");
    release = lockRun(out);
    return RunFolder.create(out, config);
  };
  await runTraining({ config, folder, resume: false, json }).finally(() => release());
}
