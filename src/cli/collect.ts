/** A study's runs into one table and its files. */
import { join } from "node:path";
import { writeWhole } from "../report/write-whole.js";
import type { Study } from "./study-plan.js";
import { writeStudyReport } from "./study-report.js";
import { collectResults, type StudyResults } from "./study-results.js";
import { studyCsv, studyMarkdown, studyText } from "./study-tables.js";

/** Writes `results.json`, `.csv`, `.md` and `.txt`, `report.html` and the figure `identification.svg` and `.png` of what is finished. */
export async function collect(study: Study, root: string): Promise<StudyResults> {
  const collected = collectResults(study, root);
  const { finished: _finished, ...results } = collected;
  const text = studyText(results);
  const files: Readonly<Record<string, string>> = {
    "results.json": `${JSON.stringify(results, null, 2)}\n`,
    "results.csv": studyCsv(results),
    "results.md": studyMarkdown(results),
    "results.txt": `${text}\n`,
  };
  for (const [name, content] of Object.entries(files)) await writeWhole(join(root, name), content);
  await writeStudyReport(collected, root);
  return results;
}
