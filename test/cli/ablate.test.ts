/** Studies as a user runs them: planned, stopped, gone on with, collected. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scratchFolder, tinyRun, voxpix } from "./process.js";

const scratch = scratchFolder();
const read = (...path: string[]) => readFileSync(join(scratch, ...path), "utf8");

describe("ablate refuses", () => {
  test.each([
    { args: ["--variants", "best"], says: /Variants are supervised, images, full, targetExcluded/ },
    { args: ["--seeds", "1,1"], says: /different seeds/ },
    { args: ["--seeds", "0"], says: /number of seeds/ },
    { args: ["--sweep", "colour=1,2"], says: /test-repeats, loss-weights, preset, max-shift, snr/ },
    { args: ["--sweep", "loss-weights=1:1"], says: /lossWeights/ },
    { args: ["--sweep", "max-shift=0,half"], says: /maxShift/ },
    { args: ["--max-shift", "32"], says: /--max-shift must be less than the resolution, got 32 pixels of 32/ },
    { args: ["--other", "Shen"], says: /NAME=FOLDER/ },
    { args: ["--engine", "sge"], says: /local, slurm/ },
    { args: ["--jobs", "0"], says: /--jobs must be at least 1/ },
    { args: ["--variant", "full"], says: /unknown option '--variant'/ },
    { args: ["--dataset", "digit69"], says: /needs --data PATH/ },
    {
      args: ["--dataset", "digit69", "--data", "x.mat", "--sweep", "snr=1,2"],
      says: /--simulate changes the simulated subject/,
    },
  ])("$args", async ({ args, says }) => {
    const { code, stderr } = await voxpix(scratch, ["ablate", ...args, "--out", "refused"]);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
    expect(existsSync(join(scratch, "refused"))).toBe(false);
  });

  test("collecting what is not there", async () => {
    const { code, stderr } = await voxpix(scratch, ["ablate", "--out", "nothing", "--collect"]);
    expect(stderr).toMatch(/nothing holds no study/);
    expect(code).toBe(4);
  });
});

test("--dry-run lists every combination, seed by seed, and writes nothing", async () => {
  const sweeps = ["--sweep", "test-repeats=1,35", "--sweep", "loss-weights=1:1:1,1:0.5:0"];
  const args = ["ablate", "--variants", "full,images", "--seeds", "3,5", ...sweeps, "--dry-run", "--out", "dry"];
  const { stdout, code } = await voxpix(scratch, [...args, "--json"]);
  expect(code).toBe(0);
  const jobs = JSON.parse(stdout);
  expect(jobs.length).toBe(16);
  expect(jobs[1]).toMatchObject({
    key: "images-test-repeats-1-loss-weights-1_1_1-seed3",
    state: "new",
    config: { variant: "images", seed: 3, testRepeats: 1, lossWeights: [1, 1, 1], simulate: { seed: 3 } },
  });
  expect(jobs[15].config).toMatchObject({ seed: 5, testRepeats: 35, lossWeights: [1, 0.5, 0], simulate: { seed: 3 } });
  expect(existsSync(join(scratch, "dry"))).toBe(false);
});

test("snr changes the noise by the square root", async () => {
  const args = [
    "ablate",
    "--variants",
    "full",
    "--seeds",
    "1",
    "--sweep",
    "snr=4,1",
    "--dry-run",
    "--json",
    "--out",
    "x",
  ];
  const jobs = JSON.parse((await voxpix(scratch, args)).stdout);
  expect(jobs.map(({ config }: { config: { simulate: { noise: number } } }) => config.simulate.noise)).toEqual([
    0.5, 1,
  ]);
});

// Processes that open a device: seconds alone, minutes on the bundled driver.
describe("a study", { timeout: 900_000 }, () => {
  const settings = [
    ...tinyRun,
    "--decoder-epochs",
    "2",
    "--target-groups",
    "2",
    "--variants",
    "supervised,targetExcluded",
  ];
  const start = ["ablate", ...settings, "--seeds", "1", "--out", "study", "--jobs", "2"];

  test("is stopped, goes on where it was, and ends in one table; again, it does nothing", async () => {
    let asked = false;
    const stopped = await voxpix(scratch, start, (kill) => {
      const log = join(scratch, "study/runs/targetExcluded-seed0/log.jsonl");
      const watch = setInterval(() => {
        if (asked || !existsSync(log) || !readFileSync(log, "utf8").includes('"phase":"decoder"')) return;
        asked = true;
        clearInterval(watch);
        kill("SIGTERM");
      }, 20);
      setTimeout(() => clearInterval(watch), 300_000).unref();
    });
    expect(stopped.code).toBe(75);
    expect(stopped.stderr).toMatch(/go on with voxpix ablate --out study/);
    expect(read("study/results.txt")).toMatch(/Not finished, and not in the tables: .*targetExcluded-seed0/);

    const again = await voxpix(scratch, ["ablate", "--out", "study"]);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/supervised only +inductive +1 .*\n.*full, target excluded +transductive/);
    const events = read("study/runs/targetExcluded-seed0/log.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events.filter((event) => event !== "epoch")).toEqual(["started", "stopped", "resumed", "done"]);
    // One Encoder epoch, then two Decoder epochs for each of two groups, whatever was cut where.
    expect(events.filter((event) => event === "epoch").length).toBe(5);
    expect(existsSync(join(scratch, "study/runs/supervised-seed0/checkpoint.safetensors"))).toBe(false);

    const third = await voxpix(scratch, start);
    expect(third.stderr).toMatch(/2 runs, 2 done/);
    expect(third.stdout).toBe(again.stdout);
  });

  test("its files agree", () => {
    const results = JSON.parse(read("study/results.json"));
    expect(results.missing).toEqual([]);
    expect(results.rows.map(({ method }: { method: string }) => method)).toEqual([
      "supervised only",
      "full, target excluded",
      "ridge regression",
      "mean training image",
    ]);
    const metrics = JSON.parse(read("study/runs/supervised-seed0/metrics.json"));
    expect(results.rows[0].identification[2].mean).toBeCloseTo(metrics.results[0].pooled.identification[2].mean, 12);
    // Three methods make three pairs, each for three n.
    expect(results.comparisons.length).toBe(9);
    const csv = read("study/results.csv").trim().split("\n");
    expect(csv.length).toBe(1 + 4 * 3);
    expect(csv[1]).toMatch(/^supervised only,inductive,2,all test images,0\.5,/);
    expect(read("study/results.md")).toMatch(/^## Identification by pixels\n\n\| {2}\| test fMRI \| seeds \| 2-way % /);
    expect(readdirSync(join(scratch, "study/runs/supervised-seed0/images")).length).toBe(11);
    expect(existsSync(join(scratch, "study/identification.png"))).toBe(true);
  });

  test("its reports need nothing from elsewhere, and name every image for those who cannot see it", () => {
    for (const file of ["study/report.html", "study/runs/supervised-seed0/report.html"]) {
      const html = read(file);
      expect(html.length).toBeLessThan(2_000_000);
      // Addresses are data in the page or the name of SVG itself.
      const addresses = [...html.matchAll(/(?:src|href|url)\s*[=(]\s*"?([^")\s>]{0,30})/g)].map(
        ([, address]) => address,
      );
      expect(addresses.filter((address) => !address!.startsWith("data:image/webp;base64,"))).toEqual([]);
      expect(html.match(/https?:\/\/[^"]+/g)?.every((address) => address === "http://www.w3.org/2000/svg")).toBe(true);
      expect(html).not.toMatch(/<script|<link|@import/);
      const images = html.match(/<img [^>]+>/g)!;
      expect(images.length).toBe(11 * 3);
      for (const image of images) expect(image).toMatch(/ alt="[^"]{3,}"/);
      for (const drawing of html.match(/<svg [^>]+>/g)!) expect(drawing).toMatch(/role="img" aria-label="[^"]{20,}"/);
      for (const word of ["inductive", "chance", "L_D: pairs", "llvmpipe|SwiftShader|adapter", "Environment"])
        expect(html).toMatch(new RegExp(word));
    }
    for (const word of ["Encoder by region", "transductive", "target excluded"])
      expect(read("study/report.html")).toContain(word);
  });

  test("another study is not mixed in, more seeds are", async () => {
    const other = await voxpix(scratch, ["ablate", ...settings, "--resolution", "18", "--out", "study", "--dry-run"]);
    expect(other.code).toBe(4);
    expect(other.stderr).toMatch(/supervised-seed0 holds a run with other settings than this study/);
    const changed = await voxpix(scratch, ["ablate", ...settings, "--decoder-epochs", "3", "--out", "study"]);
    expect(changed.stderr).toMatch(/study holds a study with decoderEpochs 2, now it is 3/);
    const more = await voxpix(scratch, ["ablate", ...settings, "--seeds", "2", "--out", "study", "--dry-run"]);
    expect(more.stdout.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["done", "done", "new", "new", ""]);
  });

  test("variants of a seed share an Encoder, and get the bits of one trained for themselves", async () => {
    const variants = ["--variants", "images,full", "--seeds", "1", "--decoder-epochs", "1"];
    const study = await voxpix(scratch, ["ablate", ...tinyRun, ...variants, "--out", "shared"]);
    expect(study.code).toBe(0);
    const events = (run: string) =>
      read(run, "log.jsonl")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .map(({ event, phase }) => (event === "epoch" ? phase : event));
    expect(events("shared/runs/images-seed0")).toEqual(["started", "encoder", "decoder", "done"]);
    expect(events("shared/runs/full-seed0")).toEqual(["started", "shared encoder", "decoder", "done"]);
    expect(existsSync(join(scratch, "shared/encoders"))).toBe(false);

    const config = ["--config", "shared/runs/full-seed0/config.json"];
    expect((await voxpix(scratch, ["train", ...config, "--out", "alone"])).code).toBe(0);
    expect(events("alone")).toEqual(["started", "encoder", "decoder", "done"]);
    const { results, encoder } = JSON.parse(read("alone/metrics.json"));
    expect(JSON.parse(read("shared/runs/full-seed0/metrics.json"))).toMatchObject({ results, encoder });
    expect(read("shared/runs/full-seed0/scores.csv")).toBe(read("alone/scores.csv"));
  });

  test("a run that fails is named with its reason, the others go on, and its exit code is the command's", async () => {
    writeFileSync(join(scratch, "empty"), "");
    const args = [
      "ablate",
      ...tinyRun,
      "--decoder-epochs",
      "1",
      "--variants",
      "supervised",
      "--seeds",
      "2",
      "--out",
      "bad",
    ];
    const { code, stderr } = await voxpix(scratch, [...args, "--other", "theirs=empty"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/2 of 2 runs failed \(supervised-seed0, supervised-seed1\), the first with: empty/);
  });
});
