import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { loadDigit69 } from "../../src/data/digit69.js";
import { loadUnlabeledImages, withUnlabeledImages } from "../../src/data/unlabeled.js";
import { expectDataError, fixture, sharedData, temporaryFolder } from "./helpers.js";

/** An IDX file of `count` 28 x 28 images; image i has brightness i + 1. */
function digits(count: number): Buffer {
  const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28]);
  return Buffer.concat([header, ...Array.from({ length: count }, (_, i) => Buffer.alloc(784, i + 1))]);
}

const SIZE = { height: 28, width: 28, channels: 1 } as const;

describe("unlabeled images", () => {
  const mnist = temporaryFolder();
  const file = mnist.write("t10k-images-idx3-ubyte", digits(3));
  mnist.write("train-images-idx3-ubyte.gz", gzipSync(digits(5)));
  mnist.write("train-labels-idx1-ubyte.gz", "labels");

  test("MNIST's folder gives its training images", async () => {
    expect(await loadUnlabeledImages(mnist.folder, SIZE)).toMatchObject({
      count: 5,
      height: 28,
      width: 28,
      channels: 1,
    });
  });

  test("an IDX file, resized, in colour, and only the first", async () => {
    const options = { height: 8, width: 8, channels: 3, limit: 2 } as const;
    const images = await loadUnlabeledImages(file, options);
    expect(images).toMatchObject({ count: 2, height: 8, width: 8, channels: 3 });
    expect(images.pixels[0]).toBeCloseTo(1 / 255, 7);
  });

  test("a folder of photographs", async () => {
    const photos = temporaryFolder();
    for (const name of ["a.png", "b.png"]) {
      const create = { width: 5, height: 4, channels: 3 as const, background: "red" };
      photos.write(name, await sharp({ create }).png().toBuffer());
    }
    expect(await loadUnlabeledImages(photos.folder, { height: 6, width: 6 })).toMatchObject({ count: 2, channels: 3 });
  });

  test("rejects what holds no images", async () => {
    const empty = temporaryFolder();
    await expectDataError(() => loadUnlabeledImages(empty.folder, SIZE), /no image in this folder/);
    await expectDataError(() => loadUnlabeledImages(`${empty.folder}/none`, SIZE), /none: no such file or folder/);
    const text = empty.write("notes.txt", "text");
    await expectDataError(() => loadUnlabeledImages(text, SIZE), /notes.txt: not an IDX file/);
    mkdirSync(join(empty.folder, "folder.png"));
    await expectDataError(() => loadUnlabeledImages(empty.folder, SIZE), /no image in this folder/);
  });

  test.each([0, -1, 1.5])("rejects limit %s", async (limit) => {
    await expectDataError(
      () => loadUnlabeledImages(file, { ...SIZE, limit }),
      /limit is .*, expected a whole number from 1/,
    );
  });

  test("joins a dataset of the same size only", async () => {
    const dataset = await loadDigit69(fixture("digit69_28x28.mat"));
    const images = await loadUnlabeledImages(file, SIZE);
    expect(withUnlabeledImages(dataset, images).unlabeledImages).toBe(images);
    const small = await loadUnlabeledImages(file, { ...SIZE, width: 20 });
    const message = /digit69: unlabeled images are \[28, 20, 1\], the stimuli \[28, 28, 1\]/;
    await expectDataError(() => withUnlabeledImages(dataset, small), message);
  });

  const real = sharedData("mnist10k");
  test.skipIf(real === null)("the real MNIST test images", async () => {
    const images = await loadUnlabeledImages(real ?? "", SIZE);
    expect(images.count).toBe(10_000);
    const mean = images.pixels.reduce((a, b) => a + b, 0) / images.pixels.length;
    expect(mean).toBeCloseTo(0.1325, 3);
  });
});
