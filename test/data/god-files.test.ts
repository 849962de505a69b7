/** A subject in several files, and recordings whose own list of pictures is wrong. */
import { copyFileSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describe as describePath } from "../../src/data/describe.js";
import { readGod } from "../../src/data/god.js";
import { expectDataError, recording, temporaryFolder } from "./helpers.js";

const stimuli = recording("god/images.npz");
const parts = recording("god-parts");
const options = { stimuli, resolution: 8 };
const { folder } = temporaryFolder();

/** A folder with some of the files, under other names if wanted. */
function copies(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [to, from] of Object.entries(files)) copyFileSync(recording(from), join(path, to));
  return path;
}

describe("one file for each part of the experiment", () => {
  test.each([
    ["the folder", parts],
    ["the training file", join(parts, "Subject3_ImageNetTraining.h5")],
    ["the test file", join(parts, "Subject3_ImageNetTest.h5")],
  ])("%s: the same recordings as from one file", async (_, path) => {
    const whole = await readGod(recording("god/bdpy.h5"), options);
    const joined = await readGod(path, options);
    const { notes, ...rest } = joined;
    const { notes: wholeNotes, ...wanted } = whole;
    expect(rest).toEqual(wanted);
    expect(notes[0]).toBe("training and test from Subject3_ImageNetTraining.h5 and Subject3_ImageNetTest.h5");
    expect(notes).toContain("1 trials without a picture are left out");
    expect(notes).toContain("9 runs, each z-scored per voxel");
    expect(wholeNotes).toContain("9 runs, each z-scored per voxel");
  });

  test("in a folder of several subjects", async () => {
    const path = copies("subjects", {
      "sub-03_ImageNetTraining_fmriprep.h5": "god-parts/Subject3_ImageNetTraining.h5",
      "sub-03_ImageNetTest_fmriprep.h5": "god-parts/Subject3_ImageNetTest.h5",
      "Subject1.h5": "god/bdpy.h5",
    });
    expect((await readGod(path, { ...options, subject: 3 })).notes[0]).toMatch(/from sub-03_ImageNetTraining_fmri/);
    expect((await readGod(path, { ...options, subject: 1 })).notes[0]).toBe("9 runs, each z-scored per voxel");
    await expectDataError(() => readGod(path, options), /Subject1.h5, sub-03_.* are there. Choose with --subject/);
  });

  test("a file with everything in it is read alone, whatever its name", async () => {
    const path = copies("alone", {
      "Subject3_test.h5": "god/bdpy.h5",
      "Subject3_training.h5": "god-parts/Subject3_ImageNetTraining.h5",
    });
    expect((await readGod(join(path, "Subject3_test.h5"), options)).notes[0]).toBe("9 runs, each z-scored per voxel");
  });

  test("inspect: a folder as a whole, a file alone", async () => {
    expect(await describePath(parts)).toMatchObject({
      kind: "god",
      facts: {
        training: "12 trials in 4 runs, 12 pictures, each once",
        test: "20 trials in 5 runs, 4 pictures, each 5 times",
        "trials without a picture": 1,
        voxels: 15,
        regions: { V1: 4, V2: 3, V4: 2, FFA: 2, LVC: 9, HVC: 4, VC: 13 },
        "missing values": "1 in 1 voxels",
      },
    });
    const test = await describePath(join(parts, "Subject3_ImageNetTest.h5"));
    expect(test.facts).toMatchObject({ training: "none in this file", voxels: 15, "missing values": "none" });
    const imagery = await describePath(join(parts, "Subject3_Imagery.h5"));
    expect(imagery.facts).toMatchObject({
      training: "none in this file",
      test: "none in this file",
      "other trials": 4,
    });
  });

  test("rejects one part alone, parts of unlike voxels, and a name that does not say which part it is", async () => {
    const alone = copies("lonely", { "Subject3_ImageNetTraining.h5": "god-parts/Subject3_ImageNetTraining.h5" });
    await expectDataError(
      () => readGod(alone, options),
      /Subject3_ImageNetTraining.h5: 12 training and 0 test trials of 12 samples. .*put the other part beside it/,
    );
    await expectDataError(
      () => readGod(join(parts, "Subject3_Imagery.h5"), options),
      /0 training and 0 test trials of 4 samples/,
    );
    const moved = copies("moved", {
      "Subject3_ImageNetTraining.h5": "god-parts/Subject3_ImageNetTraining.h5",
      "Subject3_ImageNetTest.h5": "god/broken-moved-voxels.h5",
    });
    await expectDataError(
      () => readGod(moved, options),
      /Subject3_ImageNetTraining.h5: voxel_y of voxel 5 is -8, in Subject3_ImageNetTest.h5 it is -5. Give files of one/,
    );
    renameSync(join(alone, "Subject3_ImageNetTraining.h5"), join(alone, "Subject3.h5"));
    await expectDataError(
      () => readGod(alone, options),
      /Subject3.h5: no metadata key DataType, .*the part is told by the name/,
    );
  });
});

describe("image_index that contradicts the names", () => {
  test.each(["swapped-places", "double-places"])("%s: the lists beside the pictures are believed", async (name) => {
    const pictures = ({ labels, images }: Awaited<ReturnType<typeof readGod>>) =>
      new Map(labels.map((label, i) => [label, images.pixels.slice(i * 192, (i + 1) * 192)]));
    const right = pictures(await readGod(recording("god/bdpy.h5"), options));
    expect(pictures(await readGod(recording(`god/broken-${name}.h5`), options))).toEqual(
      new Map([...right].sort(([a], [b]) => (a < b ? -1 : 1))),
    );
  });

  test("two pictures at one place, and no list: refused", async () => {
    const path = copies("npz", { "images.npz": "god/images.npz" });
    await expectDataError(
      () => readGod(recording("god/broken-double-places.h5"), { ...options, stimuli: join(path, "images.npz") }),
      /no list of 12 beside the archive says where they stand in it/,
    );
  });
});
