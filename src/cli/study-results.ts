/** From the metrics of a study's runs to one table. */
import { readFileSync } from "node:fs";
import type { RegionAccuracy } from "../eval/index.js";
import {
  compareSeeds,
  correctComparisons,
  type Evaluation,
  mean,
  type ScoreComparison,
  type ScoreSummary,
  type SeedScores,
  summariseSeeds,
} from "../eval/index.js";
import type { Environment } from "./environment.js";
import { jobState } from "./job.js";
import type { MethodResult, Setting } from "./results.js";
import { RunFolder } from "./run-folder.js";
import { type Job, jobsOf, type Study, type SweepPoint, sweepPoints, variantTitle } from "./study-plan.js";

/** Numbers of candidates that identification is reported for. */
export const ways = [2, 5, 10] as const;

/** A row of the study's table: a method, or a variant of voxpix, at one point of the sweeps. */
export interface StudyRow {
  readonly point: SweepPoint;
  readonly method: string;
  readonly setting: Setting;
  readonly seeds: readonly number[];
  /** Keyed by n; `null` where an image has too few distractors. */
  readonly identification: Readonly<Record<number, ScoreSummary | null>>;
  /** Distractors from the same fold only; `null` without folds. */
  readonly withinFold: Readonly<Record<number, ScoreSummary | null>> | null;
  /** By features: mean over seeds, keyed by layer, then n. */
  readonly features: Readonly<Record<string, Readonly<Record<number, number | null>>>>;
  readonly pixelCorrelation: number;
  readonly ssim: number | null;
}

/** Two rows of the same point compared, n candidates. */
export interface StudyComparison extends ScoreComparison {
  readonly point: SweepPoint;
  readonly first: string;
  readonly second: string;
  readonly n: number;
  /** Holm's, over all comparisons of the study. */
  readonly correctedPValue: number;
}

/** Everything that `results.json` of a study holds. */
export interface StudyResults {
  readonly study: Study;
  readonly rows: readonly StudyRow[];
  readonly comparisons: readonly StudyComparison[];
  /** Adapters that the runs used. */
  readonly adapters: readonly string[];
  /** Seconds of all runs together. */
  readonly seconds: number;
  /** Jobs without results. */
  readonly missing: readonly string[];
}

/** What a run's metrics.json holds. */
export interface RunMetrics {
  readonly adapter: string;
  readonly software: boolean;
  readonly environment: Environment;
  readonly seconds: number;
  readonly results: readonly MethodResult[];
  readonly encoder: readonly RegionAccuracy[] | null;
}

/** A finished job and its numbers. */
export interface FinishedJob {
  readonly job: Job;
  readonly metrics: RunMetrics;
}

/** Reads the finished jobs of a study, and names the others. */
export function readJobs(study: Study, root: string): { finished: FinishedJob[]; missing: string[] } {
  const finished: FinishedJob[] = [];
  const missing: string[] = [];
  for (const job of jobsOf(study, root)) {
    if (jobState(job) !== "done") missing.push(job.key);
    else {
      const text = readFileSync(new RunFolder(job.folder).file("metrics"), "utf8");
      finished.push({ job, metrics: JSON.parse(text) as RunMetrics });
    }
  }
  return { finished, missing };
}

/** A method's results, one per seed. */
interface Runs {
  readonly method: string;
  readonly seeds: readonly number[];
  readonly results: readonly MethodResult[];
}

/** Scores by image; images of one name are told apart by their place. */
function scoresOf({ images }: Evaluation, n: number): SeedScores | null {
  const names = images.map(({ label }) => label);
  const unique = new Set(names).size === names.length;
  const scores = images.map(
    ({ label, identification }, i) => [unique ? label : `${i} ${label}`, identification[n]] as const,
  );
  const known = scores.flatMap(([name, score]) =>
    score === null || score === undefined ? [] : [[name, score] as const],
  );
  return known.length === scores.length ? new Map(known) : null;
}

/** One map per seed, or `null` when n candidates cannot be had in one of them. */
function seedScores(evaluations: readonly (Evaluation | null)[], n: number): SeedScores[] | null {
  const scores = evaluations.map((evaluation) => evaluation && scoresOf(evaluation, n));
  const known = scores.flatMap((score) => (score ? [score] : []));
  return known.length > 0 && known.length === scores.length ? known : null;
}

function summaries(evaluations: readonly (Evaluation | null)[]): Record<number, ScoreSummary | null> {
  return Object.fromEntries(
    ways.map((n) => {
      const scores = seedScores(evaluations, n);
      return [n, scores && summariseSeeds(scores)];
    }),
  );
}

function featureMeans(results: readonly MethodResult[]): Record<string, Record<number, number | null>> {
  const layers = results[0]?.features ?? [];
  return Object.fromEntries(
    layers.map(({ layer }, l) => [
      layer,
      Object.fromEntries(
        ways.map((n) => {
          const known = results.map(({ features }) => features[l]?.identification[n]?.mean ?? null);
          return [n, known.some((value) => value === null) ? null : mean(known.map((value) => value ?? 0))];
        }),
      ),
    ]),
  );
}

function rowOf({ method, seeds, results }: Runs, point: SweepPoint): StudyRow {
  const folded = results.every(({ withinFold }) => withinFold !== null);
  const ssims = results.map(({ pooled }) => pooled.ssim?.mean ?? null);
  return {
    point,
    method,
    setting: results[0]?.setting ?? "not stated",
    seeds,
    identification: summaries(results.map(({ pooled }) => pooled)),
    withinFold: folded ? summaries(results.map(({ withinFold }) => withinFold)) : null,
    features: featureMeans(results),
    pixelCorrelation: mean(results.map(({ pooled }) => pooled.pixelCorrelation.mean)),
    ssim: ssims.includes(null) ? null : mean(ssims.map((value) => value ?? 0)),
  };
}

/** The variants at a point, then the other methods. Those do not depend on the variant: each seed's first finished run has them. */
function runsAt(study: Study, finished: readonly FinishedJob[], point: SweepPoint): Runs[] {
  const here = finished.filter(({ job }) => JSON.stringify(job.point) === JSON.stringify(point));
  const pick = (method: string, jobs: readonly FinishedJob[], name: string): Runs[] => {
    const found = jobs.flatMap(({ job, metrics }) => {
      const result = metrics.results.find((one) => one.method === name);
      return result ? [{ seed: job.seed, result }] : [];
    });
    if (found.length === 0) return [];
    return [{ method, seeds: found.map(({ seed }) => seed), results: found.map(({ result }) => result) }];
  };
  const own = study.variants.flatMap((variant) =>
    pick(
      variantTitle(variant),
      here.filter(({ job }) => job.variant === variant),
      "voxpix",
    ),
  );
  const firsts = study.seeds.flatMap((seed) => here.find(({ job }) => job.seed === seed) ?? []);
  const names = (firsts[0]?.metrics.results ?? []).map(({ method }) => method).filter((method) => method !== "voxpix");
  return [...own, ...names.flatMap((name) => pick(name, firsts, name))];
}

/** Every pair of methods but for the mean image, whose scores are chance by construction. */
function comparisonsAt(runs: readonly Runs[], point: SweepPoint): Omit<StudyComparison, "correctedPValue">[] {
  const compared = runs.filter(({ method }) => method !== "mean training image");
  return compared.flatMap((second, i) =>
    compared.slice(i + 1).flatMap((first) =>
      ways.flatMap((n) => {
        const seeds = first.seeds.filter((seed) => second.seeds.includes(seed));
        const of = ({ seeds: all, results }: Runs) =>
          seedScores(
            seeds.map((seed) => results[all.indexOf(seed)]?.pooled ?? null),
            n,
          );
        const [a, b] = [of(first), of(second)];
        if (!a || !b) return [];
        return [{ point, first: first.method, second: second.method, n, ...compareSeeds(a, b) }];
      }),
    ),
  );
}

/** The study's results so far. */
export function collectResults(
  study: Study,
  root: string,
): StudyResults & { readonly finished: readonly FinishedJob[] } {
  const { finished, missing } = readJobs(study, root);
  const points = sweepPoints(study).map((point) => ({ point, runs: runsAt(study, finished, point) }));
  return {
    study,
    rows: points.flatMap(({ point, runs }) => runs.map((one) => rowOf(one, point))),
    comparisons: correctComparisons(points.flatMap(({ point, runs }) => comparisonsAt(runs, point))),
    adapters: [...new Set(finished.map(({ metrics }) => metrics.adapter))],
    seconds: finished.reduce((sum, { metrics }) => sum + metrics.seconds, 0),
    missing,
    finished,
  };
}
