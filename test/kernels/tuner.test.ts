import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cacheFolder, tuningFile, useKeptTuning, writeTuning } from "../../src/kernels/node/tuning-file.js";
import { setTiles, tilesOf } from "../../src/kernels/tiles.js";
import { tune } from "../../src/kernels/tuner.js";
import { adapterKey, tileClasses, useTuning } from "../../src/kernels/tuning.js";
import { collectLeftovers, testDevice } from "../device.js";

const device = await testDevice();
const none = new Map();
const [first] = tileClasses(device);
if (!first) throw new Error("there is nothing to tune");
/** A tuning with the last candidate of the first class. */
const other = { ...(first.candidates.at(-1) as object) } as Record<string, number>;
const tuning = { version: 1, adapter: adapterKey(device), tiles: { [first.key]: other } } as const;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voxpix-tuning-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
});
afterEach(() => {
  setTiles(device, none);
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

test("tune: a choice for every kernel and width, in use, and free of memory afterwards", async () => {
  await collectLeftovers();
  const before = device.memory().buffers;
  const told: string[] = [];
  const launch = vi.spyOn(device, "launch");
  const found = await tune(device, ({ name, share }) => {
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThanOrEqual(1);
    told.push(name);
  });
  const keys = tileClasses(device).map(({ key }) => key);
  expect(told).toEqual(keys);
  expect([...tilesOf(device).keys()]).toEqual(keys);
  expect(device.memory().buffers).toBe(before);
  const launched = launch.mock.calls.map(([source, { constants }]) => [source.name.replace("-lane", ""), constants]);
  for (const { family, candidates } of tileClasses(device)) {
    for (const tile of candidates) expect(launched).toContainEqual([family, expect.objectContaining(tile)]);
  }
  setTiles(device, none);
  expect(useTuning(device, JSON.parse(JSON.stringify(found)))).toBeNull();
  expect([...tilesOf(device).keys()]).toEqual(keys);
}, 120_000);

test("useTuning: takes what JSON gives back", () => {
  expect(useTuning(device, JSON.parse(JSON.stringify(tuning)))).toBeNull();
  expect(tilesOf(device).get(first.key)).toEqual(other);
});

describe("useTuning: ignores as a whole", () => {
  test.each([
    ["no object", 7, "it is no object"],
    ["another version", { ...tuning, version: 2 }, "its version is 2, not 1"],
    ["another adapter", { ...tuning, adapter: "another" }, 'it was measured on "another"'],
    ["no tiles", { ...tuning, tiles: null }, "it has no tiles"],
    ["an unknown tile", { ...tuning, tiles: { [first.key]: { ...other, DEPTH: 3 } } }, "which is no choice here"],
    ["a tile that is none", { ...tuning, tiles: { [first.key]: null } }, "is null, which is no choice here"],
  ])("%s", (_name, value, why) => {
    expect(useTuning(device, value)).toContain(why);
    expect(tilesOf(device).size).toBe(0);
  });
});

describe("kept tuning", () => {
  test("is found by the adapter", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    useKeptTuning(device);
    expect(tilesOf(device).size).toBe(0);
    const file = writeTuning(tuning);
    expect(file).toBe(tuningFile(tuning.adapter));
    expect(JSON.parse(readFileSync(file as string, "utf8"))).toEqual(tuning);
    useKeptTuning(device);
    expect(tilesOf(device).get(first.key)).toEqual(other);
    expect(warn).not.toHaveBeenCalled();
  });

  test("has no place where the user has no home folder and names none", () => {
    const home = () => {
      throw new Error("uv_os_homedir returned ENOENT");
    };
    expect(cacheFolder(home)).toBe(folder);
    vi.stubEnv("XDG_CACHE_HOME", "");
    expect(cacheFolder(home)).toBeNull();
    expect(cacheFolder(() => "/home/someone")).toBe("/home/someone/.cache");
  });

  test.each([
    ["half written", '{"version": 1, "ada'],
    ["of another version", JSON.stringify({ ...tuning, version: 0 })],
  ])("that is %s is ignored with one line", (_name, text) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const file = tuningFile(adapterKey(device)) as string;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    useKeptTuning(device);
    expect(tilesOf(device).size).toBe(0);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^voxpix: ignored .*tuning-.*doctor --tune[^\n]*$/);
  });
});
