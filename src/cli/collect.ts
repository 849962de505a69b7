/** A study's runs into one table and its files. */
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Study } from "./study-plan.js";
import { collectResults, type StudyResults } from "./study-results.js";
import { studyCsv, studyMarkdown, studyText } from "./study-tables.js";

/** Writes `results.json`, `results.csv`, `results.md` and `results.txt` of what is finished. */
export async function collect(study: Study, root: string): Promise<StudyResults> {
  const { finished: _finished, ...results } = collectResults(study, root);
  const text = studyText(results);
  const files: Readonly<Record<string, string>> = {
    "results.json": `${JSON.stringify(results, null, 2)}\n`,
    "results.csv": studyCsv(results),
    "results.md": studyMarkdown(results),
    "results.txt": `${text}\n`,
  };
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(root, name), content);
  return results;
}
