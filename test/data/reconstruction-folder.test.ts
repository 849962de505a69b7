import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { loadReconstructions } from "../../src/data/reconstruction-folder.js";
import { expectDataError, temporaryFolder } from "./helpers.js";

const { folder } = temporaryFolder();

/** A folder of plain images: file name to grey value and size. */
async function made(name: string, files: Readonly<Record<string, [grey: number, width: number, height: number]>>) {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, [grey, width, height]] of Object.entries(files)) {
    const background = { r: grey, g: grey, b: grey };
    await sharp({ create: { width, height, channels: 3, background } }).toFile(join(path, file));
  }
  return path;
}

const shape = { height: 6, width: 6, channels: 3 } as const;
const greys = ({ pixels, count }: { pixels: Float32Array; count: number }) =>
  Array.from({ length: count }, (_, i) => Math.round(255 * pixels[i * 108 + 50]!));

describe("loadReconstructions", () => {
  test("by number, sizes of their own, one missing", async () => {
    const path = await made("numbers", {
      "recon_img_S1_VC_Img0001.tiff": [10, 24, 24],
      "recon_img_S1_VC_Img0002.tiff": [20, 24, 24],
      "recon_img_S1_VC_Img0004.tiff": [40, 31, 17],
      "recon_img_S1_VC_Img0009.tiff": [90, 5, 5],
    });
    const found = await loadReconstructions(path, ["a", "b", "c", "d"], shape);
    expect(found.matchedBy).toBe("number");
    expect(found.positions).toEqual([0, 1, 3]);
    expect(greys(found.images)).toEqual([10, 20, 40]);
    expect(found.images).toMatchObject({ count: 3, height: 6, width: 6, channels: 3 });
    expect(found.missing).toEqual(["c"]);
    expect(found.unmatched).toEqual(["recon_img_S1_VC_Img0009.tiff"]);
  });

  test("by number from 0", async () => {
    const path = await made("zero", { "0.png": [1, 6, 6], "1.png": [2, 6, 6], "2.png": [3, 6, 6] });
    expect((await loadReconstructions(path, ["a", "b", "c"], shape)).positions).toEqual([0, 1, 2]);
  });

  test("by name, whatever their numbers and extensions", async () => {
    const path = await made("names", { "N0002_7.png": [2, 6, 6], "n0001_9.png": [1, 6, 6], "n0003_1.png": [3, 6, 6] });
    const found = await loadReconstructions(path, ["n0001_9.JPEG", "n0002_7.JPEG"], shape);
    expect(found.matchedBy).toBe("name");
    expect(greys(found.images)).toEqual([1, 2]);
    expect(found.unmatched).toEqual(["n0003_1.png"]);
  });

  test("in grey for grey stimuli", async () => {
    const path = await made("grey", { "1.png": [7, 6, 6], "2.png": [8, 6, 6] });
    const { images } = await loadReconstructions(path, ["a", "b"], { ...shape, channels: 1 });
    expect(images.pixels.length).toBe(72);
  });

  test("refuses two files of one image, and a folder that does not match", async () => {
    const twice = await made("twice", { "a1.png": [1, 6, 6], "b1.png": [2, 6, 6] });
    await expectDataError(
      () => loadReconstructions(twice, ["x", "y"], shape),
      /a1\.png and b1\.png are both of test image 1 \(x\)/,
    );
    const none = await made("none", { "left.png": [1, 6, 6], "right7.png": [2, 6, 6] });
    await expectDataError(() => loadReconstructions(none, ["x", "y"], shape), /0 of 2 image files match/);
    await expectDataError(() => loadReconstructions(join(folder, "nowhere"), ["x", "y"], shape), /nowhere/);
  });
});
