/** The report and the figure of a study. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { type Chart, chartPng, outlinedSvg } from "../report/chart.js";
import { lineChart } from "../report/line-chart.js";
import { reportPage, type Section } from "../report/page.js";
import { imageSection } from "../report/strips.js";
import { writeWhole } from "../report/write-whole.js";
import { environmentRows } from "./environment.js";
import { formatSeconds } from "./progress.js";
import { correlationText, encoderSections, identificationChart, lossCharts } from "./report-parts.js";
import { RunFolder, runFiles } from "./run-folder.js";
import { describePoint, type SweepPoint, sweepPoints, variantTitle } from "./study-plan.js";
import type { FinishedJob, StudyResults, StudyRow } from "./study-results.js";
import { studyNotes, studySections } from "./study-tables.js";

type Collected = StudyResults & { readonly finished: readonly FinishedJob[] };

/** Titles that fit under an image. */
const shortTitles = {
  supervised: "pairs only",
  images: "+ images",
  full: "full",
  targetExcluded: "target excluded",
} as const;

const same = (a: SweepPoint, b: SweepPoint) => JSON.stringify(a) === JSON.stringify(b);

function pointChart(rows: readonly StudyRow[]): Chart {
  return identificationChart(rows.map(({ method, identification }) => ({ method, identification })));
}

/** 2-way identification with its intervals over the values of a sweep that are numbers, one line a method. */
function sweepChart(results: StudyResults): Chart | null {
  const [sweep, ...others] = results.study.sweep;
  if (
    sweep === undefined ||
    others.length > 0 ||
    sweep.values.length < 2 ||
    sweep.values.some((value) => Number.isNaN(Number(value)))
  )
    return null;
  const methods = [...new Set(results.rows.map(({ method }) => method))];
  const series = methods.map((label) => ({
    label,
    points: results.rows.flatMap(({ method, point, identification }) => {
      const summary = identification[2];
      return method === label && summary ? [[Number(point[sweep.name]), summary.mean, summary.interval] as const] : [];
    }),
  }));
  const values = sweep.values.map(Number);
  return lineChart({
    series,
    xLabel: sweep.name,
    chance: 0.5,
    bottom: 0.4,
    // Values that lie far apart, 1, 5 and 35 repeats, are factors rather than steps.
    logarithmic: Math.min(...values) > 0 && Math.max(...values) >= 8 * Math.min(...values),
    format: (value) => `${Math.round(100 * value)} %`,
    description: `2-way identification by ${sweep.name}: ${series.map(({ label, points }) => `${label} ${points.map(([x, y]) => `${x}: ${Math.round(100 * y)} %`).join(", ")}`).join("; ")}.`,
  });
}

/** The charts of identification: one a point of the sweeps, and one over the sweep's values. */
function charts(results: StudyResults): { title: string; chart: Chart }[] {
  const over = sweepChart(results);
  const points = sweepPoints(results.study).flatMap((point) => {
    const rows = results.rows.filter((row) => same(row.point, point));
    if (rows.length === 0) return [];
    const place = describePoint(point);
    return [{ title: `By pixel correlation${place ? `, ${place}` : ""}`, chart: pointChart(rows) }];
  });
  return [...(over ? [{ title: `2-way by ${results.study.sweep[0]?.name}`, chart: over }] : []), ...points];
}

const pngs = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".png"))
    .sort();

/** Stimuli and what each variant made of them, in the first seed and at the first point of the sweeps. */
async function imagesOf({ finished, study }: Collected): Promise<Section[]> {
  const point = sweepPoints(study)[0] ?? {};
  const first = finished.find(({ job }) => same(job.point, point));
  if (!first) return [];
  const shown = finished.filter(({ job }) => same(job.point, point) && job.seed === first.job.seed);
  const stimuli = new RunFolder(first.job.folder).file("stimuli");
  const labels = first.metrics.results[0]?.pooled.images.map(({ label }) => label) ?? [];
  const contents = pngs(stimuli).map((name, i) => ({
    label: labels[i] ?? name,
    images: [
      { method: "seen", caption: "", image: sharp(join(stimuli, name)) },
      ...shown.map(({ job, metrics }) => {
        const r = metrics.results[0]?.pooled.images[i]?.pixelCorrelation ?? null;
        const image = sharp(join(new RunFolder(job.folder).file("images"), name));
        return { method: shortTitles[job.variant], caption: correlationText(r), image };
      }),
    ],
  }));
  const title = `Reconstructions, seed ${first.job.seed}${describePoint(point) ? `, ${describePoint(point)}` : ""}`;
  return [
    await imageSection(title, contents, { side: first.job.config.resolution, where: `runs/*/${runFiles.images}/` }),
  ];
}

function losses({ finished, study }: Collected): Section[] {
  const firsts = study.variants.flatMap((variant) => finished.find(({ job }) => job.variant === variant) ?? []);
  const drawn = firsts.flatMap(({ job }) =>
    lossCharts(new RunFolder(job.folder).file("log"), `${variantTitle(job.variant)}: `),
  );
  return drawn.length > 0 ? [{ kind: "charts", title: "Losses, first run of each variant", charts: drawn }] : [];
}

/** Writes `report.html`, `identification.svg` and `identification.png`; the figures show the first point of the sweeps, or the sweep. */
export async function writeStudyReport(results: Collected, root: string): Promise<void> {
  const drawn = charts(results);
  const [main] = drawn;
  const [first] = results.finished;
  if (!main || !first) return;
  await writeWhole(join(root, "identification.svg"), outlinedSvg(main.chart));
  await writeWhole(join(root, "identification.png"), await chartPng(main.chart));
  const encoder = results.finished.find(({ metrics }) => metrics.encoder !== null)?.metrics.encoder ?? null;
  const { study, seconds, missing } = results;
  const [byPixels, ...others] = studySections(results);
  const sections: Section[] = [
    { kind: "charts", title: "Identification", charts: drawn },
    ...(byPixels ? [byPixels] : []),
    ...(await imagesOf(results)),
    ...losses(results),
    ...encoderSections(encoder),
    ...others,
    {
      kind: "table",
      title: "Environment",
      rows: [...environmentRows(first.metrics.environment), ["all runs", formatSeconds(seconds)]],
    },
    { kind: "details", title: "Study", text: JSON.stringify(study, null, 2) },
  ];
  const runs = `${results.finished.length} runs${missing.length > 0 ? `, ${missing.length} not finished` : ""}; seeds ${study.seeds.join(", ")}.`;
  await writeWhole(
    join(root, "report.html"),
    reportPage(
      `${first.job.config.dataset}: ${study.variants.length} variants, preset ${first.job.config.preset}`,
      [runs, ...studyNotes(results)],
      sections,
    ),
  );
}
