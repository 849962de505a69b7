/** What a finished run leaves in its folder: scores, images and figures. */
import type { ImageSet, RawDataset } from "../data/dataset.js";
import type { FeatureWeights } from "../data/feature-weights.js";
import { loadReconstructions } from "../data/reconstruction-folder.js";
import { csvTable } from "../eval/index.js";
import type { Device } from "../index.js";
import { writeReconstructionGrid } from "../report/grid.js";
import { writeImages } from "../report/image-files.js";
import { environmentOf } from "./environment.js";
import { featureSets } from "./feature-scores.js";
import type { RunConfig } from "./options.js";
import type { OtherFolder } from "./others.js";
import { formatSeconds } from "./progress.js";
import { writeRunReport } from "./report.js";
import { correlationText } from "./report-parts.js";
import {
  encoderAccuracy,
  type FoldImages,
  type MethodResult,
  type Reconstructions,
  reconstructionsOf,
  resultTable,
  scoreMethods,
} from "./results.js";
import type { RunFolder } from "./run-folder.js";

/** What is needed to score a run and to say how it was made. */
export interface FinishedRun {
  readonly config: RunConfig;
  readonly json: boolean;
  readonly device: Device;
  readonly raw: RawDataset;
  readonly weights: FeatureWeights;
  readonly folder: RunFolder;
  readonly others?: readonly OtherFolder[];
  readonly seconds: number;
}

/** Other people's images of the same stimuli. Numbers count the test images in the order of the recordings, whatever the fold. */
async function loadOthers(others: readonly OtherFolder[], folds: readonly FoldImages[]) {
  const stimuli = folds[0]?.stimuli;
  const tested = folds.flatMap(({ test, labels }) => test.map((image, i) => ({ image, label: labels[i] ?? "" })));
  const order = tested.map((_, i) => i).sort((a, b) => (tested[a]?.image ?? 0) - (tested[b]?.image ?? 0));
  const labels = order.map((i) => tested[i]?.label ?? "");
  const { height = 1, width = 1, channels = 3 } = stimuli ?? {};
  const shape = { height, width, channels: channels === 1 ? 1 : 3 } as const;
  const found = [];
  for (const { name, folder } of others) {
    const loaded = await loadReconstructions(folder, labels, shape);
    found.push({ name, found: { ...loaded, positions: loaded.positions.map((position) => order[position] ?? 0) } });
  }
  return found;
}

/** One line an image and method: every score that is defined. */
function scoresCsv(results: readonly MethodResult[]): string {
  const ways = Object.keys(results[0]?.pooled.identification ?? {});
  const folded = results.some(({ withinFold }) => withinFold !== null);
  const head = ["method", "test fMRI", "image", "pixel correlation", "SSIM", "mean squared error"];
  const names = [...ways.map((n) => `${n}-way`), ...(folded ? ways.map((n) => `${n}-way within fold`) : [])];
  const rows = results.flatMap(({ method, setting, pooled, withinFold }) =>
    pooled.images.map((image, i) => [
      method,
      setting,
      image.label,
      image.pixelCorrelation,
      image.ssim,
      image.mse,
      ...ways.map((n) => image.identification[Number(n)] ?? null),
      ...(folded ? ways.map((n) => withinFold?.images[i]?.identification[Number(n)] ?? null) : []),
    ]),
  );
  return csvTable([[...head, ...names], ...rows]);
}

const shown = 50;

/** Writes the figure: stimuli over reconstructions, each captioned with its pixel correlation; the first 50 images. */
async function writeFigure(path: string, { stimuli, methods }: Reconstructions, results: readonly MethodResult[]) {
  const take = (set: ImageSet): ImageSet => {
    const count = Math.min(shown, set.count);
    return { ...set, count, pixels: set.pixels.subarray(0, count * set.height * set.width * set.channels) };
  };
  const title =
    stimuli.count > shown ? `Test images 1 to ${shown} of ${stimuli.count}` : `All ${stimuli.count} test images`;
  // A method with images missing has no place in a figure of whole rows; the report shows it.
  const whole = methods.flatMap((made, m) =>
    made.positions.length === stimuli.count && made.method !== "mean training image" ? [{ made, m }] : [],
  );
  await writeReconstructionGrid(path, {
    title,
    rows: [
      { label: "seen", images: take(stimuli) },
      ...whole.map(({ made: { method, images }, m }) => ({
        label: method === "voxpix" ? "reconstructed" : method,
        images: take(images),
        captions: (results[m]?.pooled.images ?? [])
          .slice(0, shown)
          .map((score) => correlationText(score.pixelCorrelation ?? 0)),
      })),
    ],
  });
}

/** Writes all outputs, and prints the table. */
export async function finishRun(run: FinishedRun, folds: readonly FoldImages[]): Promise<MethodResult[]> {
  const { config, device, folder, seconds, raw, weights } = run;
  const others = await loadOthers(run.others ?? [], folds);
  const reconstructions = reconstructionsOf(folds, config.variant, others);
  const features = featureSets(device, weights, config.channels);
  const results = await scoreMethods(reconstructions, { seed: config.seed, features });
  const environment = environmentOf(device);
  const encoder = encoderAccuracy(folds, raw);
  const { adapter, software } = environment;
  const metrics = { config, adapter, software, environment, seconds, results, encoder };
  await folder.writeJson("metrics", metrics);
  await folder.writeText("scores", scoresCsv(results));
  await writeFigure(folder.file("reconstructions"), reconstructions, results);
  await writeImages(reconstructions.stimuli, folder.file("stimuli"));
  const own = reconstructions.methods[0];
  if (own) await writeImages(own.images, folder.file("images"));
  const { notes } = raw;
  await writeRunReport({ config, environment, seconds, folder, reconstructions, results, encoder, notes });
  folder.log({ event: "done", seconds });
  if (run.json) process.stdout.write(`${JSON.stringify({ folder: folder.path, ...metrics })}\n`);
  else process.stdout.write(`\n${resultTable(results)}\n\nRun folder: ${folder.path}  (${formatSeconds(seconds)})\n`);
  return results;
}
