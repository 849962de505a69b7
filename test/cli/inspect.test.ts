import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { inspectText } from "../../src/cli/inspect.js";
import { describe as describePath } from "../../src/data/describe.js";
import { fileOfKind, identifyDataset } from "../../src/data/identify.js";
import { expectDataError, fixture, recording } from "../data/helpers.js";

const weights = (name: string) => fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "voxpix-inspect-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(scratch, name), content);
  return join(scratch, name);
};

describe("inspect", () => {
  test.each<[string, string, Record<string, unknown>]>([
    ...["brainliner.mat", "figshare.mat", "bdpy.h5"].map((name): [string, string, Record<string, unknown>] => [
      recording(`god/${name}`),
      "god",
      {
        training: "12 trials in 4 runs, 12 pictures, each once",
        test: "20 trials in 5 runs, 4 pictures, each 5 times",
        "other trials": 4,
        voxels: 15,
        regions: { V1: 4, V2: 3, V4: 2, FFA: 2, LVC: 9, HVC: 4, VC: 13 },
        "missing values": "1 in 1 voxels",
      },
    ]),
    [
      recording("vim1"),
      "vim1",
      {
        "subject 2": {
          training: 10,
          validation: 4,
          voxels: 5,
          V1: 1,
          V2: 1,
          Other: 1,
          LatOcc: 1,
          V4: 1,
          "missing values": "1 in 1 voxels",
        },
      },
    ],
    [recording("vim1-full/Stimuli_Val_FullRes.mat"), "vim1-stimuli", { variables: { stimVal: "single [4, 32, 32]" } }],
    [
      recording("kay_images.npz"),
      "kay",
      { training: "10 images, each seen once", voxels: 6, "missing values": "none" },
    ],
    [
      recording("ssfmri2im/sbj_2.npz"),
      "ssfmri2im",
      { test: "20 trials, 4 pictures, each 5 times", regions: { V1: 3, V2: 2, VC: 8, FFA: 1 } },
    ],
    [fixture("digit69_28x28.mat"), "digit69", { training: "90 images, each seen once", voxels: 5 }],
    [
      recording("god/images.npz"),
      "pictures",
      { arrays: { train_images: "<f8 [12, 8, 8, 3]", test_images: "<f8 [4, 8, 8, 3]" } },
    ],
    [recording("god/stimuli"), "images", { images: 16 }],
    [recording("table.h5"), "hdf5", { items: { fmri: "dataset [7, 3]", other: "dataset [3]" } }],
    [fixture("fmri.mat"), "mat", { format: "MAT 5", variables: { fmri: "double [7, 3]" } }],
    [fixture("fortran.npy"), "npy", { type: "<f8", shape: "[2, 3, 4]", order: "column-major" }],
    [fixture("stored.npz"), "npz", {}],
    [weights("vgg19-legacy.pth"), "pth", { tensors: 10 }],
    [weights("alexnet.pth"), "pth", { tensors: 3, values: 23299 }],
    [weights("imagenet-caffe-ref.mat"), "caffenet", { variables: { meta: "struct [1, 1]", layers: "cell [1, 2]" } }],
    [recording("god/imageID_test.csv"), "table", { rows: 4, columns: 2 }],
    [recording("god/stimuli/n01621127_19020.JPEG"), "image", { format: "jpeg", width: 24, height: 16 }],
  ])("%s is %s", async (path, kind, facts) => {
    const description = await describePath(path);
    expect(description).toMatchObject({ path, kind, facts });
    expect(inspectText(description)).toContain(description.what);
  });

  test("a folder of several subjects, a folder dataset, a run, and nothing", async () => {
    const subjects = join(scratch, "subjects");
    mkdirSync(subjects);
    for (const n of [1, 3]) copyFileSync(recording("god/bdpy.h5"), join(subjects, `Subject${n}.h5`));
    expect(await describePath(subjects)).toMatchObject({
      kind: "god",
      facts: { subjects: "1, 3", files: "Subject1.h5, Subject3.h5" },
    });
    const run = join(scratch, "run");
    mkdirSync(run);
    writeFileSync(join(run, "config.json"), '{"dataset":"kay","seed":4,"roi":null}');
    writeFileSync(join(run, "log.jsonl"), '{"event":"started"}\n{"event":"done","seconds":3}\n');
    expect((await describePath(run)).facts).toEqual({ dataset: "kay", seed: "4", "last event": "done" });
    const nothing = file("nothing.bin", Uint8Array.of(1, 0, 2, 0, 3, 0, 200, 1, 9));
    expect(await describePath(nothing)).toMatchObject({ kind: null, what: "nothing that voxpix reads" });
    await expectDataError(() => describePath(join(scratch, "none")), /none: no such file or folder/);
    // Without its split it is a folder dataset all the same, not photographs for a simulated subject to see.
    const study = join(scratch, "study");
    mkdirSync(join(study, "images"), { recursive: true });
    copyFileSync(fixture("f4.npy"), join(study, "fmri.npy"));
    copyFileSync(recording("god/stimuli/n01621127_19020.JPEG"), join(study, "images/a.jpeg"));
    expect(await identifyDataset(study)).toBe("folder");
    await expectDataError(() => describePath(study), /study: none of split\.csv, split\.json is there/);
    mkdirSync(join(scratch, "open"));
    copyFileSync(recording("kay_images.npz"), join(scratch, "open/under another name.npz"));
    expect(await describePath(join(scratch, "open"))).toMatchObject({ kind: "kay", facts: { voxels: 6 } });
    copyFileSync(recording("kay_images.npz"), join(scratch, "open/copy.npz"));
    await expectDataError(
      () => describePath(join(scratch, "open")),
      /open: copy\.npz, under another name\.npz are each kay_images\.npz, the open part of vim-1\. Name the file itself/,
    );
    await expectDataError(
      () => fileOfKind(subjects, "digit69", "digit69_28x28.mat"),
      /subjects: no file in it is the 69 dataset/,
    );
    await expectDataError(() => identifyDataset(nothing), /it is nothing that is known, not recordings/);
    expect(await identifyDataset(subjects)).toBe("god");
  });

  test("the command: text, --json, exit code 3 with one line", async () => {
    const cli = resolve(import.meta.dirname, "../../dist/cli.js");
    const run = (...args: string[]) =>
      new Promise<{ code: number; out: string; err: string }>((done) =>
        execFile(
          process.execPath,
          [cli, "inspect", ...args],
          { env: { ...process.env, NO_COLOR: "1" } },
          (error, out, err) => done({ code: error ? Number(error.code) : 0, out, err }),
        ),
      );
    const text = await run(recording("god/bdpy.h5"), fixture("f4.npy"));
    expect(text.out).toMatch(/BData\)\n {2}file .*\n[\s\S]*regions +V1 4, V2 3[\s\S]*a NumPy array/);
    const json = await run("--json", fixture("f4.npy"));
    expect(JSON.parse(json.out)).toMatchObject({ kind: "npy", facts: { type: "<f4" } });
    const refused = await run(weights("evil.pth"));
    expect(refused.code).toBe(3);
    expect(refused.err.trim().split("\n")).toHaveLength(1);
    expect(refused.err).toMatch(/only tensors are read, and nothing is run/);
    const some = await run("--json", weights("evil.pth"), join(scratch, "none"), fixture("f4.npy"));
    expect([some.code, some.err.trim().split("\n").length]).toEqual([3, 2]);
    expect(JSON.parse(some.out)).toMatchObject({ kind: "npy" });
  });
});
