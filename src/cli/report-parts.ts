/** Parts that the reports of a run and of a study share. */
import type { RegionAccuracy } from "../eval/index.js";
import { barChart } from "../report/bar-chart.js";
import type { Chart } from "../report/chart.js";
import { lineChart } from "../report/line-chart.js";
import type { Section } from "../report/page.js";
import { RunFolder } from "./run-folder.js";

const percent = (value: number) => `${Math.round(100 * value)} %`;

/** What the chart of identification needs of a method. */
export interface IdentificationBars {
  readonly method: string;
  /** Keyed by n. */
  readonly identification: Readonly<
    Record<number, { readonly mean: number | null; readonly interval: { low: number; high: number } | null } | null>
  >;
}

/** Bars of n-way identification over chance, 95 % intervals. */
export function identificationChart(methods: readonly IdentificationBars[]): Chart {
  const groups = [2, 5, 10].map((n) => ({
    label: `${n}-way`,
    chance: 1 / n,
    bars: methods.map(({ identification }) => {
      const way = identification[n];
      return way && way.mean !== null && way.interval !== null ? { value: way.mean, ...way.interval } : null;
    }),
  }));
  const told = methods.map(({ method, identification }) => `${method} ${percent(identification[2]?.mean ?? 0)}`);
  return barChart({
    groups,
    series: methods.map(({ method }) => method),
    top: 1,
    format: percent,
    description: `Identification among 2, 5 and 10 candidates with 95 % intervals, over chance. Among 2: ${told.join(", ")}.`,
  });
}

interface EpochLine {
  readonly event: string;
  readonly phase: string;
  readonly epoch: number;
  readonly fold: number;
  readonly losses: Readonly<Record<string, number>>;
}

/** Epochs of a run's log; where one was repeated after a kill, its last line. */
function epochsOf(log: string): EpochLine[] {
  const entries = RunFolder.logEntries(log).filter(({ event }) => event === "epoch") as unknown as EpochLine[];
  return [...new Map(entries.map((entry) => [`${entry.phase} ${entry.fold} ${entry.epoch}`, entry])).values()];
}

/** What losses are called, and the colour that each has in every chart. */
const lossTitles: Readonly<Record<string, { readonly label: string; readonly colour: number }>> = {
  D: { label: "L_D: pairs", colour: 0 },
  ED: { label: "L_ED: image to fMRI to image", colour: 1 },
  DE: { label: "L_DE: fMRI to image to fMRI", colour: 2 },
  fmri: { label: "L_r: pairs", colour: 3 },
  penalty: { label: "penalty on weights", colour: 5 },
};

/** What identification by features is, under its tables. */
export const featureNote =
  "By features: as by pixels, of the activations of a fixed network in place of pixels; bank is the built-in one of Gabor and colour filters, which stands in for VGG19 where no weights are given.";

/** A correlation under an image; the sign of what rounds to zero is not shown. */
export const correlationText = (r: number | null): string =>
  r === null ? "" : `r ${r.toFixed(2).replace(/^-(0\.00)$/, "$1")}`;

/** The losses of both phases over epochs, averaged over folds and groups. */
export function lossCharts(log: string, prefix = ""): { title: string; chart: Chart }[] {
  const epochs = epochsOf(log);
  return ["encoder", "decoder"].flatMap((phase) => {
    const own = epochs.filter((entry) => entry.phase === phase);
    const names = Object.keys(own[0]?.losses ?? {});
    if (names.length === 0) return [];
    const series = names.map((name) => {
      const byEpoch = new Map<number, number[]>();
      for (const { epoch, losses } of own) byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), losses[name] ?? 0]);
      const points = [...byEpoch].map(
        ([epoch, all]) => [epoch + 1, all.reduce((a, b) => a + b, 0) / all.length] as const,
      );
      return { ...(lossTitles[name] ?? { label: name }), points: points.sort((a, b) => a[0] - b[0]) };
    });
    const title = `${prefix}${phase === "encoder" ? "Encoder" : "Decoder"}`;
    const last = series.map(({ label, points }) => `${label} ${points.at(-1)?.[1].toPrecision(3) ?? ""}`);
    const description = `Losses of the ${phase} by epoch. At the end: ${last.join(", ")}.`;
    return [{ title, chart: lineChart({ series, xLabel: "epoch", whole: true, description }) }];
  });
}

/** How well the Encoder predicts voxels of test images, by region; nothing when it was not trained. */
export function encoderSections(encoder: readonly RegionAccuracy[] | null): Section[] {
  if (encoder === null || encoder.length === 0) return [];
  const chart = barChart({
    groups: encoder.map(({ region, mean, ceiling }) => ({
      label: region.replace(/^ROI_/, "").replace(/^all voxels$/, "all"),
      bars: [{ value: mean, ...(ceiling === null ? {} : { ceiling }) }],
    })),
    series: ["mean correlation"],
    top: 1,
    format: (value) => value.toFixed(2),
    description: `Mean correlation of predicted with recorded fMRI by region: ${encoder.map(({ region, mean }) => `${region} ${mean.toFixed(2)}`).join(", ")}.`,
  });
  const rows = encoder.map(({ region, voxels, mean, quartiles: [q1, median, q3], ceiling }) => [
    region,
    String(voxels),
    mean.toFixed(3),
    `${q1.toFixed(2)} / ${median.toFixed(2)} / ${q3.toFixed(2)}`,
    ceiling === null ? "-" : ceiling.toFixed(3),
  ]);
  return [
    {
      kind: "charts",
      title: "Encoder: fMRI of the test images",
      charts: [{ title: "Correlation by region, and ceiling", chart }],
    },
    {
      kind: "table",
      title: "Encoder by region",
      rows: [["region", "voxels", "mean r", "quartiles", "noise ceiling"], ...rows],
      notes: [
        "Pearson correlation over test images of predicted with repeat-averaged fMRI, for each voxel. The ceiling is what a perfect prediction would reach, from the repeats; it needs repeats.",
      ],
    },
  ];
}
