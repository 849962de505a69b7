/** `report.html` of a run. */
import type { RegionAccuracy } from "../eval/index.js";
import { variants } from "../model/batches.js";
import { imageBytes } from "../report/image-files.js";
import { reportPage, type Section } from "../report/page.js";
import { imageSection } from "../report/strips.js";
import { type Environment, environmentRows } from "./environment.js";
import type { RunConfig } from "./options.js";
import { formatSeconds } from "./progress.js";
import { correlationText, encoderSections, featureNote, identificationChart, lossCharts } from "./report-parts.js";
import {
  featureRows,
  type MethodResult,
  missingNotes,
  type Reconstructions,
  resultRows,
  settingOf,
} from "./results.js";
import { type RunFolder, runFiles } from "./run-folder.js";

/** What the report of a run shows. */
export interface RunReport {
  readonly config: RunConfig;
  readonly environment: Environment;
  readonly seconds: number;
  readonly folder: RunFolder;
  readonly reconstructions: Reconstructions;
  readonly results: readonly MethodResult[];
  readonly encoder: readonly RegionAccuracy[] | null;
  /** What the data's reader noted. */
  readonly notes: readonly string[];
}

/** What a setting means, for people. */
export const settingTexts = {
  transductive: "Transductive: the test fMRI, without its images, was used in training.",
  inductive: "Inductive: neither test images nor test fMRI were used in training.",
  "not stated": "",
} as const;

async function images({ reconstructions, results, config }: RunReport): Promise<Section> {
  const { stimuli, labels, methods } = reconstructions;
  const shown = methods
    .map((method, m) => ({ ...method, result: results[m] }))
    .filter(({ method }) => method !== "mean training image");
  const contents = labels.map((label, i) => ({
    label,
    images: [
      { method: "seen", caption: "", image: imageBytes(stimuli, i) },
      ...shown.flatMap(({ method, images: made, positions, result }) => {
        const at = positions.indexOf(i);
        if (at < 0) return [];
        const r = result?.pooled.images[at]?.pixelCorrelation ?? null;
        return [{ method, caption: correlationText(r), image: imageBytes(made, at) }];
      }),
    ],
  }));
  return imageSection("Reconstructions", contents, {
    side: config.resolution,
    where: `${runFiles.stimuli}/ and ${runFiles.images}/`,
  });
}

/** Writes `report.html`. */
export async function writeRunReport(report: RunReport): Promise<void> {
  const { config, environment, folder, results, encoder, seconds, notes } = report;
  const features = featureRows(results);
  const losses = lossCharts(folder.file("log"));
  const sections: Section[] = [
    {
      kind: "charts",
      title: "Identification",
      charts: [
        {
          title: "By pixel correlation, 95 % intervals",
          chart: identificationChart(
            results.map(({ method, pooled }) => ({ method, identification: pooled.identification })),
          ),
        },
      ],
    },
    {
      kind: "table",
      title: "Scores",
      rows: resultRows(results),
      notes: [
        "n-way: share of reconstructions whose stimulus correlates best among n candidates, exact over all choices; in brackets 95 % over images.",
        ...missingNotes(results),
      ],
    },
    await images(report),
    ...(losses.length > 0 ? [{ kind: "charts", title: "Losses", charts: losses } as const] : []),
    ...encoderSections(encoder),
    ...(features.length > 0
      ? [
          {
            kind: "table",
            title: "Identification by features",
            rows: [["", "test fMRI", "2-way", "5-way", "10-way"], ...features],
            notes: [featureNote],
          } as const,
        ]
      : []),
    {
      kind: "table",
      title: "Environment",
      rows: [...environmentRows(environment), ["seed", String(config.seed)], ["time", formatSeconds(seconds)]],
    },
    ...(notes.length > 0 ? [{ kind: "text", title: "Data", paragraphs: notes } as const] : []),
    { kind: "details", title: "Settings", text: JSON.stringify(config, null, 2) },
  ];
  const title = `${config.dataset}: ${variants[config.variant].title}, preset ${config.preset}`;
  await folder.writeText("report", reportPage(title, [settingTexts[settingOf(config.variant)]], sections));
}
