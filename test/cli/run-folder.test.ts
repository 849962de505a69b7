/** Run folders under hostile use: two processes, kills, full disks, damaged logs. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { takeLock } from "../../src/cli/job-lock.js";
import { completeConfig } from "../../src/cli/options.js";
import { checkpointToResume, readCheckpoint } from "../../src/cli/run-checkpoint.js";
import { RunFolder } from "../../src/cli/run-folder.js";
import { describe as describePath } from "../../src/data/describe.js";
import { unwritable, writeWhole } from "../../src/report/write-whole.js";
import { scratchFolder, voxpix } from "./process.js";

const scratch = scratchFolder();
const settings =
  "--dataset folder --data study --variant supervised --resolution 8 --encoder-channels 4 --decoder-channels 4 --batch-size 4 --encoder-epochs 1".split(
    " ",
  );

/** A study of six images of eight voxels; the split names one as macOS spells it, the disk as others do. */
async function writeStudy(): Promise<void> {
  mkdirSync(join(scratch, "study/images"), { recursive: true });
  const names = ["a", "b", "c", "d", "e", "für"].map((name) => `${name}.png`);
  for (const [i, name] of names.entries()) {
    const values = Uint8Array.from({ length: 8 * 8 * 3 }, (_, k) => (k * 37 * (i + 2)) % 251);
    const picture = sharp(values, { raw: { width: 8, height: 8, channels: 3 } });
    writeFileSync(join(scratch, "study/images", name), await picture.png().toBuffer());
  }
  const split = names.map((name, i) => `${name.normalize("NFD")},${i < 4 ? "train" : "test"}`);
  writeFileSync(join(scratch, "study/split.csv"), split.join("\n"));
  const rows = names.map((_, i) => Array.from({ length: 8 }, (_, v) => ((i * 7 + v * v * 3) % 11) - 5).join(","));
  writeFileSync(join(scratch, "study/fmri.csv"), rows.join("\n"));
}

describe("the lock of a folder", () => {
  test("left by a process of the same number and host is taken: a container that was killed and started again", () => {
    const folder = join(scratch, "again");
    mkdirSync(folder);
    writeFileSync(join(folder, "running.json"), JSON.stringify({ host: hostname(), pid: process.pid }));
    const lock = takeLock(folder);
    expect(lock).not.toHaveProperty("holder");
    if ("release" in lock) lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("removed by hand while it is held: nothing fails", () => {
    vi.useFakeTimers();
    const folder = join(scratch, "removed");
    mkdirSync(folder);
    const lock = takeLock(folder);
    rmSync(folder, { recursive: true });
    expect(() => vi.advanceTimersByTime(60_000)).not.toThrow();
    if ("release" in lock) lock.release();
    vi.useRealTimers();
  });
});

describe("a run folder", { timeout: 300_000 }, () => {
  beforeAll(writeStudy);

  test("is one process's: a second one is told whose, a kill gives it back, and --resume goes on", async () => {
    const others: Promise<{ code: number; stderr: string }>[] = [];
    const first = await voxpix(
      scratch,
      ["train", ...settings, "--decoder-epochs", "4000", "--out", "run"],
      (kill, stderr) => {
        if (others.length > 0 || !/decoder epoch 2\//.test(stderr)) return;
        others.push(voxpix(scratch, ["train", "--resume", "run"]));
        void others[0]?.then(() => kill("SIGTERM"));
      },
    );
    const second = await others[0];
    expect(second?.code).toBe(4);
    expect(second?.stderr).toMatch(
      /voxpix: run is in use by process \d+ on .*; wait for it, or remove run\/running.json/,
    );
    expect(first.code).toBe(75);
    expect(existsSync(join(scratch, "run/running.json"))).toBe(false);
    // As a kill leaves it: the lock of a process that is gone, and half a line in the log.
    writeFileSync(join(scratch, "run/running.json"), '{"host":"nowhere","pid":1}');
    appendFileSync(join(scratch, "run/log.jsonl"), '{"event":"epo');
    expect((await voxpix(scratch, ["train", "--resume", "run"])).stderr).toMatch(/in use by process 1 on nowhere/);
    writeFileSync(
      join(scratch, "run/config.json"),
      readFileSync(join(scratch, "run/config.json"), "utf8").replace("4000", "3"),
    );
    writeFileSync(join(scratch, "run/running.json"), `{"host":"${hostname()}","pid":99999999}`);
    const resumed = await voxpix(scratch, ["train", "--resume", "run"]);
    expect(resumed.stderr).not.toMatch(/voxpix: /);
    expect(resumed.code).toBe(0);
    expect(RunFolder.logEntries(join(scratch, "run/log.jsonl")).at(-1)).toMatchObject({ event: "done" });
    expect((await describePath(join(scratch, "run"))).facts).toMatchObject({ "last event": "done" });
    expect(readdirSync(join(scratch, "run")).filter((name) => /part|running/.test(name))).toEqual([]);
  });

  test("killed before its first checkpoint, it begins again; finished and without one, it is left as it is", async () => {
    const said: string[] = [];
    const folder = await RunFolder.create(join(scratch, "early"), completeConfig({ voxels: 3 }, "test"));
    folder.log({ event: "started" });
    expect(checkpointToResume(folder, (line) => said.push(line))).toBeNull();
    expect(said).toEqual(["stopped before its first checkpoint: it begins again"]);
    expect(existsSync(folder.file("log"))).toBe(false);
    expect(() => readCheckpoint(folder)).toThrow(
      /stopped before its first checkpoint; --resume .*early begins it again/,
    );
    await folder.writeJson("metrics", {});
    expect(() => checkpointToResume(folder, () => {})).toThrow(/the run is finished, and its checkpoint was deleted/);
  });

  test("a lock that cannot be written names the file", () => {
    expect(() => takeLock(join(scratch, "nowhere"))).toThrow(/nowhere.running\.json cannot be written \(ENOENT/);
  });

  test("a full disk: the reason and the remedy, and what was there stays", async () => {
    // A device that is always full.
    expect(
      unwritable("run/log.jsonl", Object.assign(new Error("ENOSPC: no space left on device, write"))).message,
    ).toBe(
      "run/log.jsonl cannot be written (ENOSPC: no space left on device); free space, then go on with --resume, or choose another folder",
    );
    const file = join(scratch, "whole.txt");
    await writeWhole(file, "before");
    await expect(writeWhole(join(scratch, "none/whole.txt"), "x")).rejects.toThrow(
      /none\/whole.txt cannot be written \(ENOENT: no such file or directory\); check its permissions/,
    );
    await writeWhole(file, new Uint8Array(3_000_000).fill(65));
    expect(statSync(file).size).toBe(3_000_000);
    mkdirSync(join(scratch, "taken"));
    await expect(writeWhole(join(scratch, "taken"), "x")).rejects.toThrow(/taken cannot be written \(E/);
    expect(readdirSync(scratch).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});
