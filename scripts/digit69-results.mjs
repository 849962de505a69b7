// Trains every row of the digit69 tables in docs/results.md and prints them as Markdown. Finished runs are not trained again.
//   npm run build && node scripts/digit69-results.mjs DATA UNLABELED [SEEDS=0,1,2] [FOLD_SEEDS=0]
// DATA holds digit69_28x28.mat, UNLABELED MNIST's t10k-images-idx3-ubyte.gz; runs go to runs/digit69-table/.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [data, unlabeled, seeds = "0,1,2", foldSeeds = "0"] = process.argv.slice(2);
if (!unlabeled) {
  console.error("usage: node scripts/digit69-results.mjs DATA UNLABELED [SEEDS] [FOLD_SEEDS]");
  process.exit(2);
}
const variants = { supervised: "supervised only", images: "+ unlabeled images", full: "+ unlabeled test fMRI" };

function run(variant, folds, seed) {
  const out = join("runs", "digit69-table", `${variant}-${folds ? `${folds}fold` : "official"}-seed${seed}`);
  const file = join(out, "metrics.json");
  if (!existsSync(file)) {
    const args = [
      "dist/train.js",
      "--dataset",
      "digit69",
      "--data",
      data,
      "--variant",
      variant,
      "--seed",
      String(seed),
    ];
    // Pairs alone do not need the Encoder.
    if (variant === "supervised") args.push("--encoder-epochs", "0");
    else args.push("--unlabeled", unlabeled);
    if (folds) args.push("--folds", String(folds));
    const target = existsSync(join(out, "checkpoint.safetensors"))
      ? ["dist/train.js", "--resume", out]
      : [...args, "--out", out];
    execFileSync(process.execPath, [...target, "--json"], { stdio: ["ignore", "ignore", "inherit"] });
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

const percent = (v) => (v == null ? "-" : (100 * v).toFixed(1));
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;

/** One table row: the mean over seeds, and the interval over images of the first seed. */
function row(title, evaluations, seconds) {
  const ways = [2, 5, 10].map((n) => {
    const all = evaluations.map((e) => e.identification[n]?.mean).filter((v) => v != null);
    const interval = evaluations[0].identification[n]?.interval;
    const spread = all.length > 1 ? `, seeds ${percent(Math.min(...all))} to ${percent(Math.max(...all))}` : "";
    return all.length
      ? `${percent(mean(all))} (${percent(interval?.low)} to ${percent(interval?.high)}${spread})`
      : "-";
  });
  const correlation = mean(evaluations.map((e) => e.pixelCorrelation.mean)).toFixed(3);
  const ssim = mean(evaluations.map((e) => e.ssim?.mean ?? Number.NaN)).toFixed(3);
  return `| ${title} | ${ways.join(" | ")} | ${correlation} | ${ssim} | ${seconds === null ? "-" : `${Math.round(seconds)} s`} |`;
}

function table(title, folds, seedList, pick) {
  const lines = [
    `### ${title}`,
    "",
    "| | 2-way % | 5-way % | 10-way % | pixel correlation | SSIM | time a run |",
    "|---|---|---|---|---|---|---|",
  ];
  let runs = [];
  for (const [variant, name] of Object.entries(variants)) {
    runs = seedList.map((seed) => run(variant, folds, seed));
    lines.push(
      row(
        name,
        runs.map((r) => pick(r.results[0])),
        mean(runs.map((r) => r.seconds)),
      ),
    );
  }
  lines.push(
    row(
      "ridge regression",
      runs.map((r) => pick(r.results[1])),
      null,
    ),
  );
  lines.push(
    row(
      "mean training image",
      runs.map((r) => pick(r.results[2])),
      null,
    ),
  );
  lines.push("| chance | 50.0 | 20.0 | 10.0 | 0 | - | - |");
  console.log(`${lines.join("\n")}\n\nAdapter: ${runs[0].adapter}; seeds ${seedList.join(", ")}.\n`);
}

const list = (text) => text.split(",").map(Number);
table("Official split: 90 training, 10 test images", 0, list(seeds), (result) => result.pooled);
table("10-fold over all 100 images, distractors from all 99 others", 10, list(foldSeeds), (result) => result.pooled);
table("10-fold, distractors from the 9 others of the same fold", 10, list(foldSeeds), (result) => result.withinFold);
