import { readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { loadImage, loadImageAt, loadImageFolder } from "../../src/data/images.js";
import { centreSquare, imagesToGrey, imagesToRgb, resample, resizeImages } from "../../src/data/resample.js";
import { expectDataError, fixture, temporaryFolder } from "./helpers.js";

const { write, folder } = temporaryFolder();
const RED = { r: 255, g: 0, b: 0 };
const plain = (width: number, height: number, background = RED) =>
  sharp({ create: { width, height, channels: 3, background } });

interface ResampleCase {
  from: [number, number];
  to: [number, number];
  pixels: number[];
  resized: number[];
}

describe("resample", () => {
  const cases = JSON.parse(readFileSync(fixture("resample.json"), "utf8")) as ResampleCase[];
  test.each(cases)("as PIL's bicubic, $from to $to", ({ from, to, pixels, resized }) => {
    const image = { height: from[0], width: from[1], channels: 1, pixels: Float32Array.from(pixels) };
    const out = resample(image, to[0], to[1]);
    const expected = resized.map((value) => Math.min(1, Math.max(0, value)));
    // PIL keeps f32 between its two passes.
    const errors = expected.map((value, i) => Math.abs((out.pixels[i] ?? 9) - value));
    expect(Math.max(...errors)).toBeLessThan(2e-6);
  });

  test("a part of the image, channel by channel", () => {
    const pixels = Float32Array.from({ length: 4 * 6 * 3 }, (_, i) => ((i * 7) % 11) / 11);
    const image = { height: 4, width: 6, channels: 3, pixels };
    const part = resample(image, 2, 3, { x: 2, y: 1, width: 3, height: 2 });
    // At the same scale and on the same grid, resampling is cutting out.
    const at = (y: number, x: number, c: number) => pixels[(y * 6 + x) * 3 + c] ?? 9;
    const cut = [1, 2].flatMap((y) => [2, 3, 4].flatMap((x) => [0, 1, 2].map((c) => at(y, x, c))));
    expect(Math.max(...cut.map((value, i) => Math.abs((part.pixels[i] ?? 9) - value)))).toBeLessThan(1e-6);
  });

  test("the result stays in [0, 1] where the cubic overshoots", () => {
    const edge = { height: 1, width: 8, channels: 1, pixels: Float32Array.from([0, 0, 0, 0, 1, 1, 1, 1]) };
    const { pixels } = resample(edge, 1, 29);
    expect(Math.min(...pixels)).toBe(0);
    expect(Math.max(...pixels)).toBe(1);
  });

  test("centre square", () => {
    expect(centreSquare({ width: 7, height: 4 })).toEqual({ x: 1, y: 0, width: 4, height: 4 });
    expect(centreSquare({ width: 3, height: 8 })).toEqual({ x: 0, y: 2, width: 3, height: 3 });
  });

  test("image sets: grey, RGB and another size", () => {
    const rgb = { count: 2, height: 1, width: 1, channels: 3, pixels: Float32Array.from([1, 1, 1, 1, 0, 0]) };
    const grey = imagesToGrey(rgb);
    expect(grey).toMatchObject({ count: 2, channels: 1 });
    expect(grey.pixels[0]).toBe(1);
    expect(grey.pixels[1]).toBeCloseTo(0.2989, 3);
    expect(imagesToGrey(grey)).toBe(grey);
    expect(Array.from(imagesToRgb({ ...grey, pixels: Float32Array.from([0, 0.5]) }).pixels)).toEqual([
      0, 0, 0, 0.5, 0.5, 0.5,
    ]);
    expect(imagesToRgb(rgb)).toBe(rgb);
    expect(resizeImages(rgb, 2, 3)).toMatchObject({ count: 2, height: 2, width: 3, channels: 3 });
    expect(resizeImages(rgb, 1, 1)).toBe(rgb);
  });

  test.each([0, 2.5, 9000, Number.NaN])("rejects height %s", async (height) => {
    const set = { count: 1, height: 1, width: 1, channels: 1, pixels: new Float32Array(1) };
    await expectDataError(() => resizeImages(set, height, 4), /height is .*, expected a whole number from 1 to 8192/);
    await expectDataError(() => resizeImages(set, 4, height), /width is/);
    await expectDataError(() => loadImageFolder(folder, { height, width: 2 }), /height is/);
  });
});

describe("images", () => {
  test("colour, grey and transparent files as RGB", async () => {
    const colour = write("colour.png", await plain(3, 2).png().toBuffer());
    expect(await loadImage(colour)).toMatchObject({ height: 2, width: 3, channels: 3 });
    expect(Array.from((await loadImage(colour)).pixels.slice(0, 3))).toEqual([1, 0, 0]);
    const grey = write("grey.png", await plain(3, 2).greyscale().toColourspace("b-w").png().toBuffer());
    const [r, g, b] = (await loadImage(grey)).pixels;
    expect(r).toBe(g);
    expect(g).toBe(b);
    const nothing = { r: 0, g: 0, b: 0, alpha: 0 };
    const clear = sharp({ create: { width: 2, height: 2, channels: 4, background: nothing } });
    const transparent = write("clear.png", await clear.png().toBuffer());
    expect(new Set((await loadImage(transparent)).pixels)).toEqual(new Set([1]));
  });

  test("16-bit and palette files", async () => {
    const deep = write("deep.png", await plain(2, 2).toColourspace("rgb16").png().toBuffer());
    expect(Array.from((await loadImage(deep)).pixels.slice(0, 3))).toEqual([1, 0, 0]);
    const palette = write("palette.png", await plain(2, 2).png({ palette: true }).toBuffer());
    expect(Array.from((await loadImage(palette)).pixels.slice(0, 3))).toEqual([1, 0, 0]);
  });

  test("one channel on request", async () => {
    const path = write("colour.jpg", await plain(8, 8).jpeg({ quality: 100 }).toBuffer());
    const image = await loadImage(path, 1);
    expect(image).toMatchObject({ channels: 1 });
    expect(image.pixels).toHaveLength(64);
    expect(image.pixels[0]).toBeCloseTo(0.299, 1);
  });

  test("turned as the EXIF says", async () => {
    const turned = write("turned.jpg", await plain(6, 4).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    expect(await loadImage(turned)).toMatchObject({ height: 6, width: 4 });
  });

  test("centre crop and size", async () => {
    const green = await plain(4, 4, { r: 0, g: 255, b: 0 }).png().toBuffer();
    const wide = write(
      "wide.png",
      await plain(12, 4)
        .composite([{ input: green, left: 4, top: 0 }])
        .png()
        .toBuffer(),
    );
    const { pixels } = await loadImageAt(wide, { height: 4, width: 4 });
    expect(new Set(Array.from({ length: 16 }, (_, i) => pixels[3 * i + 1]))).toEqual(new Set([1]));
    expect(await loadImageAt(wide, { height: 2, width: 6 })).toMatchObject({ height: 2, width: 6 });
  });

  test("a folder, sorted by name, other files passed over", async () => {
    const sub = temporaryFolder();
    for (const name of ["b.png", "a10.png", "a2.png"]) sub.write(name, await plain(3, 2).png().toBuffer());
    sub.write("notes.txt", "no image");
    const { images, names } = await loadImageFolder(sub.folder, { height: 2, width: 2, channels: 1 });
    expect(names).toEqual(["a10.png", "a2.png", "b.png"]);
    expect(images).toMatchObject({ count: 3, height: 2, width: 2, channels: 1 });
    expect((await loadImageFolder(sub.folder, { height: 2, width: 2, limit: 1 })).names).toEqual(["a10.png"]);
    sub.write("c.jpg", "this is no image");
    await expectDataError(() => loadImageFolder(sub.folder, { height: 2, width: 2 }), /c.jpg: not a readable image/);
  });

  test("rejects a truncated file, a folder without images, and no folder", async () => {
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    const cut = write("cut.png", whole.subarray(0, whole.length / 2));
    await expectDataError(() => loadImage(cut), /cut.png: not a readable image .*remove it/);
    await expectDataError(() => loadImage(write("empty.png", "")), /empty.png: the file is empty/);
    const none = temporaryFolder();
    await expectDataError(() => loadImageFolder(none.folder, { height: 2, width: 2 }), /no image in this folder/);
    await expectDataError(() => loadImageFolder(cut, { height: 2, width: 2 }), /is a file, expected a folder/);
    await expectDataError(() => loadImageFolder(`${folder}/no`, { height: 2, width: 2 }), /no such file or folder/);
  });
});
