/** A study: which runs it is made of. Everything follows from `study.json`, so that any machine can carry out any of its jobs. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Variant, variants } from "../model/batches.js";
import { CheckpointError } from "../model/errors.js";
import { writeWhole } from "../report/write-whole.js";
import { UsageError } from "./errors.js";
import { makeFolder } from "./make-folder.js";
import { completeConfig, type RunConfig } from "./options.js";

/** What `--sweep` can vary, and how a value of it changes a run's settings. */
export const sweeps: Readonly<Record<string, (value: string) => Readonly<Record<string, unknown>>>> = {
  "test-repeats": (value) => ({ testRepeats: Number(value) }),
  "loss-weights": (value) => ({ lossWeights: value.split(":").map(Number) }),
  preset: (value) => ({ preset: value }),
  "max-shift": (value) => ({ maxShift: Number(value) }),
  // A factor on every voxel's signal-to-noise ratio, which goes with the inverse square of the noise.
  snr: (value) => ({ simulate: { noise: 1 / Math.sqrt(Number(value)) } }),
};

const studySchema = z.strictObject({
  format: z.literal("voxpix-study-1"),
  /** Settings of every run, as in a `config.json`; what is left out takes the dataset's defaults. */
  base: z.record(z.string(), z.unknown()),
  variants: z.array(z.enum(["supervised", "images", "full", "targetExcluded"])).min(1),
  seeds: z.array(z.number().int().min(0)).min(1),
  /** Every combination of their values is run. */
  sweep: z.array(z.strictObject({ name: z.string(), values: z.array(z.string()).min(1) })),
  others: z.array(z.strictObject({ name: z.string(), folder: z.string() })),
  keepCheckpoints: z.boolean(),
});

/** What a study was asked to be. */
export type Study = z.infer<typeof studySchema>;

/** Settings that a study varies, by the name of the sweep; empty without sweeps. */
export type SweepPoint = Readonly<Record<string, string>>;

/** One run of a study. */
export interface Job {
  /** Names its folder: variant, sweep values and seed. */
  readonly key: string;
  readonly variant: Variant;
  readonly point: SweepPoint;
  readonly seed: number;
  readonly config: RunConfig;
  readonly folder: string;
}

/** Every combination of the sweeps' values. */
export function sweepPoints(study: Study): SweepPoint[] {
  return study.sweep.reduce<SweepPoint[]>(
    (points, { name, values }) => points.flatMap((point) => values.map((value) => ({ ...point, [name]: value }))),
    [{}],
  );
}

/** `test-repeats 5, snr 2`. */
export function describePoint(point: SweepPoint): string {
  return Object.entries(point)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** Title of a variant in tables. */
export function variantTitle(variant: Variant): string {
  return variants[variant].title;
}

function jobConfig(study: Study, variant: Variant, point: SweepPoint, seed: number): RunConfig {
  const changes = Object.entries(point).map(([name, value]) => sweeps[name]?.(value) ?? {});
  const simulated = (study.base["dataset"] ?? "simulate") === "simulate";
  const simulate = {
    // One subject whatever the training's seed, so that seeds see the same test images.
    ...(simulated ? { seed: study.seeds[0] } : {}),
    ...(study.base["simulate"] as object | undefined),
    ...Object.assign({}, ...changes.map((change) => change["simulate"] ?? {})),
  };
  // Pairs alone do not need the Encoder.
  const encoder = variant === "supervised" ? { encoderEpochs: 0 } : {};
  return completeConfig(
    { ...study.base, ...Object.assign({}, ...changes), ...encoder, simulate, variant, seed },
    "study",
  );
}

/**
 * The runs of a study, seed by seed, so that a study that is stopped early has whole seeds.
 *
 * @param root - The study's folder.
 * @throws {UsageError} when a setting is wrong.
 */
export function jobsOf(study: Study, root: string): Job[] {
  return study.seeds.flatMap((seed) =>
    sweepPoints(study).flatMap((point) =>
      study.variants.map((variant) => {
        const settings = Object.entries(point).map(([name, value]) => `${name}-${value.replaceAll(":", "_")}`);
        const key = [variant, ...settings, `seed${seed}`].join("-");
        return {
          ...{ key, variant, point, seed },
          config: jobConfig(study, variant, point, seed),
          folder: join(root, "runs", key),
        };
      }),
    ),
  );
}

const studyFile = (root: string) => join(root, "study.json");

/**
 * Reads the study in a folder.
 *
 * @throws {CheckpointError} when there is none, or it is damaged.
 */
export function openStudy(root: string): Study {
  const file = studyFile(root);
  if (!existsSync(file))
    throw new CheckpointError(
      `${root} holds no study (there is no study.json); start one with voxpix ablate --out ${root}`,
    );
  try {
    return studySchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new CheckpointError(
      `${file} cannot be used: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
    );
  }
}

/**
 * Writes a study into its folder. One that is there may grow or shrink in variants, seeds and sweeps; its runs keep their folders.
 *
 * @throws {UsageError} when the folder holds a study with other settings.
 */
export async function saveStudy(study: Study, root: string): Promise<void> {
  if (existsSync(studyFile(root))) {
    const before = openStudy(root);
    const names = new Set([...Object.keys(before.base), ...Object.keys(study.base)]);
    const other = [...names].find((name) => JSON.stringify(before.base[name]) !== JSON.stringify(study.base[name]));
    if (other !== undefined) {
      throw new UsageError(
        `${root} holds a study with ${other} ${JSON.stringify(before.base[other]) ?? "left out"}, now it is ${JSON.stringify(study.base[other]) ?? "left out"}; choose another --out`,
      );
    }
  }
  makeFolder(root, "--out");
  await writeWhole(studyFile(root), `${JSON.stringify(study, null, 2)}\n`);
}
