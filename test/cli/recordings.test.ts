/** From options to recordings: every dataset that can be named, on files of its layout. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { completeConfig } from "../../src/cli/options.js";
import { readInputs } from "../../src/cli/recordings.js";
import { normalise } from "../../src/data/normalise.js";
import { recording } from "../data/helpers.js";

const dist = resolve(import.meta.dirname, "../../dist");
const scratch = mkdtempSync(join(tmpdir(), "voxpix-recordings-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const weights = (name: string) => fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));

function train(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const options = { cwd: scratch, env: { ...process.env, NO_COLOR: "1" }, timeout: 100_000 };
    execFile(process.execPath, [join(dist, "train.js"), ...args], options, (error, stdout, stderr) => {
      done({ code: error ? ((error.code as unknown as number) ?? -1) : 0, stdout, stderr });
    });
  });
}

const stimuli = recording("god/images.npz");
const rows: [string, Record<string, unknown>, { train: number; test: number; voxels: number }][] = [
  ["god", { data: recording("god/figshare.mat"), stimuli }, { train: 12, test: 4, voxels: 11 }],
  ["god", { data: recording("god/bdpy.h5"), stimuli, roi: "V1", voxels: 2 }, { train: 12, test: 4, voxels: 2 }],
  ["vim1", { data: recording("vim1"), subject: 2, roi: "all" }, { train: 10, test: 4, voxels: 4 }],
  ["kay", { data: recording("kay_images.npz"), roi: "V1" }, { train: 10, test: 4, voxels: 2 }],
  ["ssfmri2im", { data: recording("ssfmri2im"), subject: 2, stimuli, voxels: 5 }, { train: 12, test: 4, voxels: 5 }],
];

describe("recordings of a configuration", () => {
  test.each(rows)("%s %j", async (dataset, choices, sizes) => {
    const config = completeConfig({ dataset, resolution: 8, variant: "supervised", ...choices }, "test");
    const { raw } = await readInputs(config);
    const { train, test: tested } = normalise(raw).dataset;
    expect({ train: train.fmri.rows, test: tested.fmri.rows, voxels: train.fmri.columns }).toEqual(sizes);
    expect(train.images).toMatchObject({ count: sizes.train, height: 8, channels: config.channels });
  });

  test("more unlabeled images than fit in memory stay on the disk, and are checked against the test images", async () => {
    const folder = join(scratch, "photos");
    mkdirSync(join(folder, "a"), { recursive: true });
    const jpeg = await sharp({ create: { width: 9, height: 8, channels: 3, background: "teal" } })
      .jpeg()
      .toBuffer();
    // 64 MiB at 2,048 pixels: six of them are more than the limit.
    for (let i = 0; i < 6; i++) writeFileSync(join(folder, i % 2 ? "a" : ".", `photo${i}.jpg`), jpeg);
    const base = { dataset: "god", data: recording("god/bdpy.h5"), stimuli, unlabeled: folder };
    const few = await readInputs(completeConfig({ ...base, resolution: 8 }, "test"));
    expect([few.raw.unlabeledImages?.count, few.raw.unlabeledStream]).toEqual([6, undefined]);
    const { openUnlabeledImages } = await import("../../src/data/unlabeled.js");
    const many = await openUnlabeledImages(folder, { height: 2048, width: 2048 });
    expect([many.unlabeledImages, many.unlabeledStream?.count]).toEqual([null, 6]);
    const named = join(scratch, "leak");
    mkdirSync(named);
    writeFileSync(join(named, "n01621127_19020.JPEG"), jpeg);
    // In memory as on the disk: the name is enough, whatever the pixels.
    const inMemory = await readInputs(completeConfig({ ...base, unlabeled: named, resolution: 8 }, "test"));
    expect(inMemory.raw.unlabeledImages?.names).toEqual(["n01621127_19020.JPEG"]);
    expect(() => normalise(inMemory.raw)).toThrow(/the unlabeled image n01621127_19020.JPEG is a test image/);
    const stream = (await import("../../src/data/image-stream.js")).openImageStream(named, { height: 8, width: 8 });
    const raw = { ...few.raw, unlabeledImages: null, unlabeledStream: await stream };
    expect(() => normalise(raw)).toThrow(/the unlabeled image n01621127_19020.JPEG is a test image/);
  });
});

describe("train", () => {
  const tiny = ["--resolution", "16", "--batch-size", "4", "--encoder-epochs", "1", "--decoder-epochs", "1"];
  const small = [...tiny, "--encoder-channels", "4", "--decoder-channels", "4"];
  test("'fMRI on ImageNet' told by its content, end to end", async () => {
    const outcome = await train(
      "--data",
      recording("god/brainliner.mat"),
      "--stimuli",
      recording("god/stimuli"),
      "--roi",
      "V1+V2",
      "--variant",
      "supervised",
      ...small,
      "--out",
      "god",
    );
    expect(outcome.stderr).toMatch(/voxpix god, supervised/);
    expect(outcome.code).toBe(0);
    const config = JSON.parse(readFileSync(join(scratch, "god/config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({ dataset: "god", roi: "V1+V2", subject: null, voxels: 0 });
  });

  const refused: [string, string[], number, RegExp][] = [
    ["god without its pictures", ["--data", recording("god/bdpy.h5")], 2, /dataset god needs --stimuli PATH/],
    [
      "data that is no dataset",
      ["--data", weights("vgg19.pth")],
      3,
      /vgg19.pth: it is a PyTorch checkpoint, not recordings/,
    ],
    ["data that is not there", ["--data", "nowhere"], 3, /nowhere: no such file or folder/],
    [
      "a subject of a dataset of one",
      ["--dataset", "kay", "--data", recording("kay_images.npz"), "--subject", "1"],
      2,
      /--subject chooses among those of god, vim1 and ssfmri2im/,
    ],
    [
      "an unknown region",
      ["--data", recording("kay_images.npz"), "--roi", "V8", "--variant", "supervised"],
      3,
      /there is no region V8, the recording has Other 1, V1 2/,
    ],
    [
      "voxels by noise without repeats",
      ["--data", recording("kay_images.npz"), "--voxels", "2", "--variant", "supervised", "--resolution", "8"],
      3,
      /cannot choose the 2 best voxels: 0 images have repeats/,
    ],
    [
      "another subject",
      ["--dataset", "vim1", "--data", recording("vim1"), "--subject", "9", "--variant", "supervised"],
      3,
      /no subject 9, it holds subjects 1 and 2/,
    ],
    [
      "regions of a folder without any",
      [
        "--dataset",
        "digit69",
        "--data",
        fileURLToPath(new URL("../fixtures/data/digit69_28x28.mat", import.meta.url)),
        "--roi",
        "V1",
        "--variant",
        "supervised",
      ],
      3,
      /there is no region V1, the recording has none/,
    ],
    [
      "weights of another network",
      ["--weights", weights("vgg16.pth"), "--variant", "supervised"],
      3,
      /neither AlexNet nor VGG19: a shallower VGG/,
    ],
  ];
  test.each(refused)("refuses %s", async (_, args, code, says) => {
    const outcome = await train(...args, "--out", "out-of-a-refused-run");
    expect(outcome.stderr).toMatch(says);
    expect(outcome.stderr.trim().split("\n")).toHaveLength(1);
    expect(outcome.code).toBe(code);
  });
});
