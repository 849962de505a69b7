/** A study's results as tables: rows of text for the terminal, Markdown and CSV. */
import { csvTable, markdownTable, type ScoreSummary, textTable } from "../eval/index.js";
import type { Section } from "../report/page.js";
import { featureNote } from "./report-parts.js";
import { describePoint } from "./study-plan.js";
import { type StudyComparison, type StudyResults, type StudyRow, ways } from "./study-results.js";

const percent = (value: number) => (100 * value).toFixed(1);

function summaryCell(summary: ScoreSummary | null | undefined): string {
  if (!summary) return "-";
  const { mean, interval, seedSd } = summary;
  const spread = seedSd === null ? "" : `, sd ${percent(seedSd)}`;
  return `${percent(mean)} (${percent(interval.low)} to ${percent(interval.high)}${spread})`;
}

const swept = ({ study }: StudyResults) => study.sweep.length > 0;

function methodRow(row: StudyRow, results: StudyResults): string[] {
  return [
    ...(swept(results) ? [describePoint(row.point)] : []),
    row.method,
    row.setting,
    String(row.seeds.length),
    ...ways.map((n) => summaryCell(row.identification[n])),
    row.pixelCorrelation.toFixed(3),
    row.ssim === null ? "-" : row.ssim.toFixed(3),
  ];
}

/** The main table, its head first. */
function methodRows(results: StudyResults): string[][] {
  const place = swept(results) ? ["at"] : [];
  const head = [...place, "", "test fMRI", "seeds", ...ways.map((n) => `${n}-way %`), "correlation", "SSIM"];
  const chance = [...place.map(() => ""), "chance", "", "", ...ways.map((n) => percent(1 / n)), "0", "-"];
  const within = results.rows.flatMap((row) =>
    row.withinFold
      ? [methodRow({ ...row, method: `${row.method}, within fold`, identification: row.withinFold }, results)]
      : [],
  );
  return [head, ...results.rows.map((row) => methodRow(row, results)), ...within, chance];
}

function featureRows(results: StudyResults): string[][] {
  const place = swept(results) ? ["at"] : [];
  const layers = Object.keys(results.rows[0]?.features ?? {});
  const rows = layers.flatMap((layer) =>
    results.rows.map((row) => [
      ...(swept(results) ? [describePoint(row.point)] : []),
      row.method,
      row.setting,
      layer,
      ...ways.map((n) => {
        const value = row.features[layer]?.[n];
        return value === null || value === undefined ? "-" : percent(value);
      }),
    ]),
  );
  return rows.length === 0 ? [] : [[...place, "", "test fMRI", "by", ...ways.map((n) => `${n}-way %`)], ...rows];
}

const pText = (p: number) => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));

function comparisonRow(results: StudyResults, comparison: StudyComparison): string[] {
  const { point, first, second, n, difference, interval, pValue, correctedPValue, seedsBetter, seeds } = comparison;
  return [
    ...(swept(results) ? [describePoint(point)] : []),
    `${first} minus ${second}`,
    `${n}-way`,
    `${percent(difference)} (${percent(interval.low)} to ${percent(interval.high)})`,
    `${seedsBetter} of ${seeds}`,
    pText(pValue),
    pText(correctedPValue),
  ];
}

function comparisonRows(results: StudyResults): string[][] {
  const place = swept(results) ? ["at"] : [];
  const head = [...place, "", "", "difference in points", "seeds above 0", "p", "p, Holm"];
  return [head, ...results.comparisons.map((comparison) => comparisonRow(results, comparison))];
}

/** What the tables mean, line by line. */
export function studyNotes(results: StudyResults): string[] {
  const { missing, adapters, study } = results;
  const excluded = study.variants.includes("targetExcluded");
  return [
    "Identification by pixel correlation: mean over seeds and test images, 95 % interval over both, standard deviation over seeds.",
    "p: Wilcoxon signed-rank over test images, each averaged over seeds; corrected over all comparisons here.",
    "Transductive: test fMRI, without its images, was used in training. Inductive: it was not.",
    ...(excluded
      ? [
          "Target excluded: each test image was reconstructed by a Decoder that did not see its own test fMRI, only that of others.",
        ]
      : []),
    ...(adapters.length > 0 ? [`Adapter: ${adapters.join("; ")}.`] : []),
    ...(missing.length > 0 ? [`Not finished, and not in the tables: ${missing.join(", ")}.`] : []),
  ];
}

function tables(results: StudyResults): { title: string; rows: string[][]; notes?: string[] }[] {
  return [
    { title: "Identification by pixels", rows: methodRows(results) },
    { title: "Identification by features", rows: featureRows(results), notes: [featureNote] },
    { title: "Comparisons", rows: comparisonRows(results) },
  ].filter(({ rows }) => rows.length > 1);
}

/** For the report. */
export function studySections(results: StudyResults): Section[] {
  return tables(results).map((table) => ({ kind: "table", ...table }));
}

/** For the terminal. */
export function studyText(results: StudyResults): string {
  return [...tables(results).map(({ rows }) => textTable(rows)), studyNotes(results).join("\n")].join("\n\n");
}

/** For a document. */
export function studyMarkdown(results: StudyResults): string {
  const parts = tables(results).map(({ title, rows }) => `## ${title}\n\n${markdownTable(rows)}`);
  const bullets = studyNotes(results).map((note) => `- ${note}`);
  return `${[...parts, bullets.join("\n")].join("\n\n")}\n`;
}

/** Every number, one line a row and n. */
export function studyCsv(results: StudyResults): string {
  const { sweep } = results.study;
  const head = [
    ...sweep.map(({ name }) => name),
    ...[
      "method",
      "test fMRI",
      "candidates",
      "distractors",
      "chance",
      "mean",
      "low",
      "high",
      "sd over seeds",
      "seeds",
      "images",
    ],
  ];
  const lines = results.rows.flatMap((row) =>
    [
      { distractors: "all test images", found: row.identification },
      ...(row.withinFold ? [{ distractors: "same fold", found: row.withinFold }] : []),
    ].flatMap(({ distractors, found }) =>
      ways.map((n) => {
        const summary = found[n];
        const numbers = summary
          ? [summary.mean, summary.interval.low, summary.interval.high, summary.seedSd, summary.seeds, summary.images]
          : [null, null, null, null, row.seeds.length, null];
        const point = sweep.map(({ name }) => row.point[name] ?? null);
        return [...point, row.method, row.setting, n, distractors, 1 / n, ...numbers];
      }),
    ),
  );
  return csvTable([head, ...lines]);
}
