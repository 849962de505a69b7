import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIdx, readIdx, readIdxImages } from "../../src/data/idx.js";
import { expectDataError, onlyDataErrors, sharedData, temporaryFolder } from "./helpers.js";

const { write, folder } = temporaryFolder();

/** An IDX file of type code `type`, with `data` after the dimensions. */
function idx(type: number, dims: number[], data: number[] | Buffer): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header[2] = type;
  header[3] = dims.length;
  for (const [d, n] of dims.entries()) header.writeUInt32BE(n, 4 + 4 * d);
  return Buffer.concat([header, Buffer.from(data)]);
}

const IMAGES = idx(8, [2, 2, 3], [0, 51, 255, 3, 4, 5, 6, 7, 8, 9, 10, 102]);

describe("idx", () => {
  test("bytes, plain and gzipped", async () => {
    const values = new Uint8Array([0, 51, 255, 3, 4, 5, 6, 7, 8, 9, 10, 102]);
    expect(await readIdx(write("plain", IMAGES))).toEqual({ dims: [2, 2, 3], values });
    expect(await readIdx(write("packed", gzipSync(IMAGES)))).toEqual({ dims: [2, 2, 3], values });
  });

  test.each<[string, number, number[], number[]]>([
    ["signed bytes", 0x09, [0xff, 2], [-1, 2]],
    ["16-bit integers", 0x0b, [0xff, 0xfe, 1, 0], [-2, 256]],
    ["32-bit integers", 0x0c, [0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff], [256, -1]],
    ["floats", 0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], [1, -2]],
    ["doubles", 0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], [1, -2]],
  ])("%s", (_, type, bytes, values) => {
    expect(parseIdx(idx(type, [2], bytes), "x")).toEqual({ dims: [2], values: Float64Array.from(values) });
  });

  test("images in [0, 1], and only the first ones", async () => {
    const path = write("images", IMAGES);
    const images = await readIdxImages(path);
    expect(images).toMatchObject({ count: 2, height: 2, width: 3, channels: 1 });
    expect(images.pixels[1]).toBeCloseTo(0.2, 7);
    expect(images.pixels[2]).toBe(1);
    expect(await readIdxImages(path, 1)).toMatchObject({ count: 1, pixels: images.pixels.slice(0, 6) });
  });

  test.each<[string, RegExp, Buffer | string]>([
    ["empty", /empty: the file is empty/, ""],
    ["magic", /magic: not an IDX file/, Buffer.from([1, 2, 8, 1, 0, 0, 0, 0])],
    ["type", /type: not an IDX file/, idx(7, [1], [0])],
    ["rank", /rank: not an IDX file/, Buffer.from([0, 0, 8, 0])],
    ["header", /header: truncated .*: 10 bytes, its header alone has 16/, IMAGES.subarray(0, 10)],
    ["short", /short: truncated .*: 27 bytes, \[2, 2, 3\] needs 28/, IMAGES.subarray(0, 27)],
    [
      "long",
      /long: truncated or damaged .*: 29 bytes, \[2, 2, 3\] needs 28/,
      Buffer.concat([IMAGES, Buffer.from([0])]),
    ],
    ["gzip", /gzip: truncated .*: its gzip data/, gzipSync(IMAGES).subarray(0, 20)],
  ])("rejects %s", async (name, message, bytes) => {
    await expectDataError(() => readIdx(write(name, bytes)), message);
  });

  test("rejects labels where images are wanted, a folder and a missing file", async () => {
    const labels = write("labels", idx(8, [3], [1, 2, 3]));
    await expectDataError(() => readIdxImages(labels), /labels: holds an array \[3\], .*not of labels/);
    await expectDataError(() => readIdx(folder), /is a folder, expected a file/);
    await expectDataError(() => readIdx(`${folder}/none`), /none: no such file/);
  });

  test("any bytes give an array or a DataError", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 40 }).map((tail) => Buffer.concat([IMAGES.subarray(0, 4), tail])),
      fc.uint8Array({ maxLength: 40 }).map((tail) => Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), tail])),
    );
    fc.assert(
      fc.property(bytes, (b) => onlyDataErrors(() => parseIdx(b, "random"))),
      { numRuns: 1000, seed: 1 },
    );
  });

  const mnist = sharedData("mnist10k/t10k-images-idx3-ubyte.gz");
  test.skipIf(mnist === null)("the real MNIST test images", async () => {
    expect(await readIdxImages(mnist ?? "", 3)).toMatchObject({ count: 3, height: 28, width: 28 });
    expect((await readIdx(mnist ?? "")).dims).toEqual([10000, 28, 28]);
  });
});
