import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { listImages } from "../../src/data/file-tree.js";
import { openImageStream } from "../../src/data/image-stream.js";
import { loadImageAt } from "../../src/data/images.js";
import { PictureIndex } from "../../src/data/leaks.js";
import { guardStream } from "../../src/data/unlabeled-stream.js";
import { expectDataError, temporaryFolder } from "./helpers.js";

const { folder } = temporaryFolder();
const COUNT = 3000;
const jpegs: Buffer[] = [];
const size = { height: 64, width: 64 } as const;

const picture = (i: number) =>
  sharp({ create: { width: 90, height: 70, channels: 3, background: { r: i, g: 255 - i, b: (7 * i) % 256 } } })
    .composite([
      { input: { create: { width: 30 + i, height: 20, channels: 3, background: "white" } }, left: 5, top: i },
    ])
    .jpeg()
    .toBuffer();

beforeAll(async () => {
  for (let i = 0; i < 40; i++) jpegs.push(await picture(i));
  for (let i = 0; i < COUNT; i++) {
    const below = join(folder, "many", `n${i % 30}`);
    mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `${String(i).padStart(5, "0")}.JPEG`), jpegs[i % 40] as Buffer);
  }
});

function folderOf(name: string, files: Record<string, Uint8Array | string>): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

describe("a stream of photographs", () => {
  test("the images asked for, in that order, as when loaded one by one", async () => {
    const stream = await openImageStream(join(folder, "many"), { ...size, channels: 1 });
    expect(stream.count).toBe(COUNT);
    expect(stream.names.slice(0, 2)).toEqual([join("n0", "00000.JPEG"), join("n0", "00030.JPEG")]);
    const batch = await stream.load([7, 2999, 7]);
    expect(batch).toMatchObject({ count: 3, height: 64, width: 64, channels: 1 });
    const alone = await loadImageAt(join(folder, "many", stream.names[2999] ?? ""), { ...size, channels: 1 });
    expect(batch.pixels.slice(4096, 8192)).toEqual(alone.pixels);
    expect(batch.pixels.slice(0, 4096)).toEqual(batch.pixels.slice(8192));
  });

  test("a prefetched batch is the same batch", async () => {
    const stream = await openImageStream(join(folder, "many"), size);
    const plain = await stream.load([3, 1, 4]);
    stream.prefetch([3, 1, 4]);
    stream.prefetch([3, 1, 4]);
    expect(await stream.load([3, 1, 4])).toEqual(plain);
    // Six are read ahead, more than are kept: the first is read anew.
    for (let i = 0; i < 6; i++) stream.prefetch([i]);
    const first = await stream.load([0]);
    expect(first).toEqual(await stream.load([0]));
  });

  test("thousands of images pass through bounded memory", async () => {
    const stream = await openImageStream(join(folder, "many"), { height: 112, width: 112 });
    const batches = Array.from({ length: Math.floor(COUNT / 16) }, (_, b) =>
      Array.from({ length: 16 }, (_, i) => 16 * b + i),
    );
    const pass = async (first: number, end: number) => {
      for (let b = first; b < end; b++) {
        for (let ahead = 0; ahead < 3; ahead++) stream.prefetch(batches[b + ahead] ?? [0]);
        await stream.load(batches[b] ?? []);
      }
    };
    await pass(0, 30);
    const before = process.memoryUsage().rss;
    await pass(30, batches.length - 3);
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    // What passed through takes 370 MiB in f32.
    expect(((batches.length - 33) * 16 * 112 * 112 * 3 * 4) / 2 ** 20).toBeGreaterThan(350);
    expect(grown).toBeLessThan(150);
  });

  test("an unreadable file is named once and the next takes its place", async () => {
    const told: string[] = [];
    const files = { "a.jpg": jpegs[1] as Buffer, "b.jpg": "no image", "c.jpg": jpegs[2] as Buffer, "notes.txt": "x" };
    const stream = await openImageStream(folderOf("bad", files), { ...size, onSkip: (message) => told.push(message) });
    expect(stream.names).toEqual(["a.jpg", "b.jpg", "c.jpg"]);
    const [b, c] = [await stream.load([1]), await stream.load([2])];
    expect(b.pixels).toEqual(c.pixels);
    await stream.load([1, 1]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/passed over: .*b.jpg: not a readable image/);
  });

  test("too many unreadable files are refused, also through prefetching", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 14 }, (_, i) => [`${10 + i}.jpg`, i < 13 ? "no image" : (jpegs[0] as Buffer)]),
    );
    const stream = await openImageStream(folderOf("worse", files), size);
    stream.prefetch([0]);
    await expectDataError(() => stream.load([0]), /worse: 11 of 14 images are unreadable, the last: .*20.jpg/);
    const all = await openImageStream(folderOf("worst", { "a.png": "x", "b.png": "y" }), size);
    await expectDataError(() => all.load([1]), /worst: 2 of 2 images are unreadable/);
  });

  test("nested folders and links; a circle of links ends", async () => {
    const path = folderOf("linked", { "z.jpg": jpegs[0] as Buffer, ".hidden.jpg": jpegs[0] as Buffer });
    symlinkSync(path, join(path, "circle"));
    symlinkSync(join(folder, "many", "n3"), join(path, "many"));
    symlinkSync(join(folder, "nowhere.jpg"), join(path, "broken.jpg"));
    const names = await listImages(path);
    expect(names).toHaveLength(101);
    expect(names.at(-1)).toBe("z.jpg");
    await expectDataError(
      () => listImages(folderOf("none", { "a.txt": "x" })),
      /none: no image in this folder or below/,
    );
    await expectDataError(() => listImages(join(path, "z.jpg")), /z.jpg: is a file, expected a folder/);
    await expectDataError(() => openImageStream(path, { height: 0, width: 8 }), /height is 0/);
  });

  test("a picture of the test is refused when its pixels come", async () => {
    const stream = await openImageStream(join(folder, "many"), size);
    const tested = await stream.load([5]);
    const guarded = guardStream(stream, new PictureIndex(tested, [0]), new Map([[0, "cat"]]), "made");
    expect((await guarded.load([6])).count).toBe(1);
    await expectDataError(
      () => guarded.load([6, 5]),
      /made: test image cat has the very pixels of the unlabeled image n0/,
    );
    expect(readFileSync(join(folder, "many", stream.names[5] ?? ""))).toEqual(jpegs[30]);
  });
});
