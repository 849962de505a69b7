/** The commands as a user runs them: processes, exit codes, one line on stderr, nothing left behind. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const dist = resolve(import.meta.dirname, "../../dist");
const scratch = mkdtempSync(join(tmpdir(), "voxpix-cli-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(script: "cli" | "train", ...args: string[]): Promise<Outcome> {
  return new Promise((done) => {
    const options = { cwd: scratch, env: { ...process.env, NO_COLOR: "1" }, timeout: 400_000 };
    execFile(process.execPath, [join(dist, `${script}.js`), ...args], options, (error, stdout, stderr) => {
      done({ code: error ? ((error.code as unknown as number) ?? -1) : 0, stdout, stderr });
    });
  });
}

function writeFolder(name: string, options: { split?: string; rows?: number; bad?: string } = {}): string {
  const folder = join(scratch, name);
  mkdirSync(join(folder, "images"), { recursive: true });
  // A 1 x 1 PNG; sharp resizes it.
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
    "base64",
  );
  for (const image of ["a.png", "b.png", "c.png"]) writeFileSync(join(folder, "images", image), png);
  writeFileSync(join(folder, "split.csv"), options.split ?? "a.png,train\nb.png,train\nc.png,test\n");
  const rows = Array.from({ length: options.rows ?? 3 }, (_, i) =>
    i === 1 && options.bad ? options.bad : `${i},${i * i},1`,
  );
  writeFileSync(join(folder, "fmri.csv"), `${rows.join("\n")}\n`);
  return folder;
}

const refused: { name: string; args: string[]; code: number; says: RegExp; prepare?: () => void }[] = [
  { name: "an unknown option", args: ["--epoch", "3"], code: 2, says: /unknown option '--epoch'/ },
  {
    name: "an option named in part",
    args: ["--epochs", "3"],
    code: 2,
    says: /unknown option '--epochs'\n\(Did you mean --encoder-epochs or --decoder-epochs\?\)/,
  },
  {
    name: "two training images",
    args: ["--dataset", "folder", "--data", "plain", "--variant", "supervised"],
    code: 3,
    says: /2 training and 1 test images. At least 3 training images/,
    prepare: () => writeFolder("plain"),
  },
  {
    name: "an unknown dataset",
    args: ["--dataset", "digits"],
    code: 2,
    says: /'digits' is invalid.*simulate, god, vim1, kay, ssfmri2im, digit69, folder/,
  },
  {
    name: "epochs that are no number",
    args: ["--encoder-epochs", "many"],
    code: 2,
    says: /'many' is invalid.*whole number/,
  },
  { name: "loss weights that are not three", args: ["--loss-weights", "1,2"], code: 2, says: /three numbers/ },
  { name: "a resolution too small", args: ["--resolution", "4"], code: 2, says: /resolution.*8/ },
  { name: "a dataset without its path", args: ["--dataset", "digit69"], code: 2, says: /digit69 needs --data PATH/ },
  {
    name: "a missing file",
    args: ["--dataset", "digit69", "--data", "nowhere.mat", "--variant", "supervised"],
    code: 3,
    says: /nowhere\.mat/,
  },
  {
    name: "a file of another kind",
    args: ["--dataset", "digit69", "--data", "text.mat", "--variant", "supervised"],
    code: 3,
    says: /text\.mat/,
    prepare: () => writeFileSync(join(scratch, "text.mat"), "not a MAT file"),
  },
  {
    name: "unlabeled images that are missing",
    args: ["--unlabeled", "no-such-folder"],
    code: 3,
    says: /no-such-folder/,
  },
  {
    name: "a count mismatch",
    args: ["--dataset", "folder", "--data", "mismatch", "--variant", "supervised"],
    code: 3,
    says: /fmri\.csv: \[2, 3\].*split\.csv has 3 rows/,
    prepare: () => writeFolder("mismatch", { rows: 2 }),
  },
  {
    name: "a row of NaN",
    args: ["--dataset", "folder", "--data", "nan", "--variant", "supervised"],
    code: 3,
    says: /row 2 holds no finite number/,
    prepare: () => writeFolder("nan", { bad: "NaN,NaN,NaN" }),
  },
  {
    name: "an unreadable image",
    args: ["--dataset", "folder", "--data", "broken", "--variant", "supervised"],
    code: 3,
    says: /b\.png/,
    prepare: () => writeFileSync(join(writeFolder("broken"), "images", "b.png"), "not an image"),
  },
  {
    name: "no unlabeled images for a variant that needs them",
    args: ["--dataset", "folder", "--data", "plain"],
    code: 2,
    says: /--unlabeled PATH/,
    prepare: () => writeFolder("plain"),
  },
  {
    name: "a config file with an unknown key",
    args: ["--config", "bad.json"],
    code: 2,
    says: /bad\.json.*epoch/,
    prepare: () => writeFileSync(join(scratch, "bad.json"), '{"epoch": 3}'),
  },
  {
    name: "a run folder below a file",
    args: ["--out", "text.mat/run"],
    code: 4,
    says: /text\.mat\/run cannot be made \(ENOTDIR: not a directory\); choose another --out/,
    prepare: () => writeFileSync(join(scratch, "text.mat"), "not a folder"),
  },
  {
    name: "a run folder where none can be made",
    args: ["--out", "/proc/run"],
    code: 4,
    says: /\/proc\/run cannot be made \(ENOENT: no such file or directory\); choose another --out/,
  },
  {
    name: "a config file that is no JSON",
    args: ["--config", "half.json"],
    code: 2,
    says: /half\.json is not JSON/,
    prepare: () => writeFileSync(join(scratch, "half.json"), "{"),
  },
  {
    name: "resuming nothing",
    args: ["--resume", "empty"],
    code: 4,
    says: /empty holds no run/,
    prepare: () => mkdirSync(join(scratch, "empty"), { recursive: true }),
  },
  {
    name: "resuming with other settings",
    args: ["--resume", "empty", "--seed", "2"],
    code: 2,
    says: /cannot be combined with --seed/,
  },
  { name: "one fold", args: ["--folds", "1"], code: 2, says: /--folds must be 0 .* or at least 2, got 1/ },
];

describe("train refuses", () => {
  test.each(refused)("$name: exit code $code, one line, nothing written", async ({ args, code, says, prepare }) => {
    prepare?.();
    const outcome = await run("train", "--out", "out-of-a-refused-run", ...args);
    const resumeless = args.includes("--resume") ? await run("train", ...args) : outcome;
    expect(resumeless.stderr).toMatch(says);
    expect(resumeless.code).toBe(code);
    expect(resumeless.stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(scratch, "out-of-a-refused-run"))).toBe(false);
  });
});

describe("help", () => {
  test("voxpix --help names the commands and has examples", async () => {
    const { code, stdout } = await run("cli", "--help");
    expect(code).toBe(0);
    for (const word of ["train", "evaluate", "reconstruct", "doctor", "Examples:"]) expect(stdout).toContain(word);
  });
  test.each(["train", "ablate", "evaluate", "reconstruct", "inspect", "download", "doctor"])(
    "%s --help has examples, and bears that nobody reads it",
    async (name) => {
      const { code, stdout } = await run("cli", name, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\n.*voxpix/);
      const piped = await new Promise<string>((done) =>
        execFile("sh", ["-c", `"${process.execPath}" "${join(dist, "cli.js")}" ${name} --help | true`], (_, __, text) =>
          done(text),
        ),
      );
      expect(piped).toBe("");
    },
  );
  test("train --help names every option, examples and exit codes", async () => {
    const { code, stdout } = await run("train", "--help");
    expect(code).toBe(0);
    for (const word of [
      "--dataset",
      "--data",
      "--unlabeled",
      "--weights",
      "--preset",
      "--variant",
      "--folds",
      "--seed",
      "--resume",
      "--out",
      "--json",
      "Examples:",
      "Exit codes:",
    ])
      expect(stdout).toContain(word);
  });
  test("an unknown command is a usage error that suggests the right one", async () => {
    const { code, stderr } = await run("cli", "trian");
    expect(code).toBe(2);
    expect(stderr).toMatch(/unknown command 'trian'.*\n?.*Did you mean train/s);
  });
  test("doctor says what it found", async () => {
    const { code, stdout } = await run("cli", "doctor", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      adapter: expect.any(String),
      kind: expect.any(String),
      "largest binding": expect.any(String),
    });
  });
});

// The bundled SwiftShader takes minutes where a GPU takes seconds.
describe("a whole run", { timeout: 900_000 }, () => {
  /** Settings of a run of a few small steps. */
  const epochs = (encoder: number, decoder: number) =>
    `--resolution 16 --encoder-channels 4 --decoder-channels 4 --batch-size 64 --encoder-epochs ${encoder} --decoder-epochs ${decoder}`.split(
      " ",
    );
  const small = epochs(1, 1);

  test("train, evaluate and reconstruct: files, table, JSON", async () => {
    const outcome = await run("train", ...small, "--out", "whole");
    expect(outcome.stderr).toContain("decoder epoch 1/1");
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toMatch(/2-way.*5-way.*10-way/);
    expect(outcome.stdout).toContain("chance");
    for (const file of ["config.json", "log.jsonl", "checkpoint.safetensors", "metrics.json", "reconstructions.png"]) {
      expect(existsSync(join(scratch, "whole", file)), file).toBe(true);
    }
    const metrics = JSON.parse(readFileSync(join(scratch, "whole/metrics.json"), "utf8"));
    const log = readFileSync(join(scratch, "whole/log.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(log).toEqual(["started", "epoch", "epoch", "done"]);

    const again = await run("cli", "evaluate", "whole", "--json");
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout).results[0].pooled).toEqual(metrics.results[0].pooled);

    const beside = await run("cli", "evaluate", "whole", "--other", "theirs=whole/images", "--json");
    const [own, , , theirs] = JSON.parse(beside.stdout).results;
    expect(theirs).toMatchObject({ method: "theirs", setting: "not stated", missing: [] });
    // The same images, but for their rounding to bytes.
    expect(theirs.pooled.pixelCorrelation.mean).toBeCloseTo(own.pooled.pixelCorrelation.mean, 1);
    expect(readFileSync(join(scratch, "whole/report.html"), "utf8")).toContain("theirs");
    expect(readFileSync(join(scratch, "whole/scores.csv"), "utf8")).toMatch(/^theirs,not stated,/m);

    const taken = await run("train", ...small, "--out", "whole");
    expect(taken.code).toBe(4);
    expect(taken.stderr).toMatch(/whole already holds a run/);

    writeFileSync(
      join(scratch, "new.csv"),
      `${new Array(512).fill(0.1).join(",")}\n${new Array(512).fill(-0.2).join(",")}\n`,
    );
    const images = await run("cli", "reconstruct", "whole", "--fmri", "new.csv", "--out", "images");
    expect(images.stderr).toBe(images.stderr.replace(/voxpix:.*/, ""));
    expect(existsSync(join(scratch, "images/2.png"))).toBe(true);

    writeFileSync(join(scratch, "short.csv"), "1,2,3\n");
    const wrong = await run("cli", "reconstruct", "whole", "--fmri", "short.csv", "--out", "images-2");
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toMatch(/short\.csv has 3 voxels, the run was trained on recordings of 512/);
    expect(existsSync(join(scratch, "images-2"))).toBe(false);

    // As after a copy of another run's checkpoint, or with other recordings under the same path.
    const config = JSON.parse(readFileSync(join(scratch, "whole/config.json"), "utf8"));
    writeFileSync(join(scratch, "whole/config.json"), JSON.stringify({ ...config, simulate: { voxels: 40 } }));
    const swapped = await run("cli", "evaluate", "whole");
    expect(swapped.code).toBe(4);
    expect(swapped.stderr).toMatch(
      /of another run, .* it holds images of \[\d+, 1, 1, 512\], \[\d+, 1, 1, 40\] are wanted/,
    );
  });

  test("Ctrl-C leaves a checkpoint, and --resume ends with the same metrics as a run that was not stopped", async () => {
    const longer = epochs(2, 3);
    await run("train", ...longer, "--out", "straight");
    const outcome = await new Promise<Outcome>((done) => {
      const child = execFile(
        process.execPath,
        [join(dist, "train.js"), ...longer, "--out", "stopped"],
        { cwd: scratch, timeout: 400_000 },
        (error, stdout, stderr) =>
          done({ code: error ? ((error.code as unknown as number) ?? -1) : 0, stdout, stderr }),
      );
      child.stderr?.on("data", (text: string) => {
        if (/encoder epoch 2/.test(text)) child.kill("SIGINT");
      });
    });
    expect(outcome.code).toBe(130);
    expect(outcome.stderr).toMatch(/Go on with --resume stopped/);
    const resumed = await run("train", "--resume", "stopped");
    expect(resumed.code).toBe(0);
    const results = (folder: string) => JSON.parse(readFileSync(join(scratch, folder, "metrics.json"), "utf8")).results;
    expect(results("stopped")).toEqual(results("straight"));
  });
});
