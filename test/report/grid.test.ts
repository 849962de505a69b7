import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImageSet } from "../../src/data/dataset.js";
import { HostRandom } from "../../src/data/random.js";
import type { GridFigure } from "../../src/report/grid.js";
import { renderReconstructionGrid, writeReconstructionGrid } from "../../src/report/grid.js";
import type { GridLayout } from "../../src/report/grid-layout.js";
import { GRID, gridLayout } from "../../src/report/grid-layout.js";

function noise(count: number, height: number, width: number, channels: number, seed: number): ImageSet {
  const rng = new HostRandom(seed);
  const pixels = Float32Array.from({ length: count * height * width * channels }, () => rng.uniform());
  return { count, height, width, channels, pixels };
}

async function decode(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [0, 1, 2].map((c) => data[info.channels * (y * info.width + x) + c]!);
  const white = (x: number, y: number) => at(x, y).every((value) => value === 255);
  return { ...info, at, white };
}

/** Top left corner of image i in row r. */
function corner(layout: GridLayout, i: number, r: number): [number, number] {
  const group = layout.groups.find(({ first, count }) => i >= first && i < first + count)!;
  return [layout.left + (i - group.first) * layout.stepX, group.top + layout.rowTops[r]!];
}

describe("renderReconstructionGrid", () => {
  const labels = Array.from({ length: 23 }, (_, i) => `picture ${i}\nr = 0.${i}`);
  const cases: { name: string; figure: GridFigure }[] = [
    {
      name: "grey over RGB, wrapped, captioned, titled",
      figure: {
        rows: [
          { label: "seen", images: noise(23, 28, 20, 1, 1) },
          { label: "reconstructed", images: noise(23, 28, 20, 3, 2) },
        ],
        columnLabels: labels,
        title: "Grey and RGB",
      },
    },
    { name: "one image, one row, no text", figure: { rows: [{ label: "", images: noise(1, 5, 7, 3, 3) }] } },
    {
      name: "three rows with their own captions, fixed columns",
      figure: {
        rows: ["seen", "ridge", "a name that goes on and on, far beyond what any sensible margin could ever hold"].map(
          (label, r) => ({
            label,
            images: noise(5, 64, 64, 3, r),
            ...(r > 0 ? { captions: ["0.1", "0.2", "0.3", "", "0.5"] } : {}),
          }),
        ),
        columns: 2,
      },
    },
    { name: "images larger than a cell", figure: { rows: [{ label: "seen", images: noise(9, 150, 224, 3, 4) }] } },
  ];

  test.each(cases)("every pixel of every image is in its place: $name", async ({ figure }) => {
    const { png, layout } = await renderReconstructionGrid(figure);
    const picture = await decode(png);
    expect([picture.width, picture.height]).toEqual([layout.width, layout.height]);
    const wrong = figure.rows.flatMap(({ images }, r) =>
      Array.from({ length: images.count }, (_, i) => i).filter((i) => {
        const [left, top] = corner(layout, i, r);
        for (let y = 0; y < layout.cellHeight; y += 1) {
          for (let x = 0; x < layout.cellWidth; x += 1) {
            const source =
              (i * images.height + Math.floor(y / layout.scale)) * images.width + Math.floor(x / layout.scale);
            const shown = picture.at(left + x, top + y);
            for (let c = 0; c < 3; c++) {
              const value = images.pixels[source * images.channels + (images.channels === 3 ? c : 0)]!;
              if (shown[c] !== Math.round(255 * value)) return true;
            }
          }
        }
        return false;
      }),
    );
    expect(wrong).toEqual([]);
  });

  test.each(cases)("nothing touches the edge of the page: $name", async ({ figure }) => {
    const { png, layout } = await renderReconstructionGrid(figure);
    const picture = await decode(png);
    const edge = GRID.margin / 2;
    let ink = 0;
    for (let y = 0; y < layout.height; y++) {
      for (let x = 0; x < layout.width; x++) {
        const inside = x >= edge && x < layout.width - edge && y >= edge && y < layout.height - edge;
        if (!inside && !picture.white(x, y)) ink++;
      }
    }
    expect(ink).toBe(0);
  });

  test("labels, captions and title leave ink beside, under and above the images", async () => {
    const { png, layout } = await renderReconstructionGrid(cases[0]!.figure);
    const picture = await decode(png);
    const ink = (x0: number, y0: number, width: number, height: number) => {
      let count = 0;
      for (let y = y0; y < y0 + height; y++) for (let x = x0; x < x0 + width; x++) if (!picture.white(x, y)) count++;
      return count;
    };
    const [left, top] = corner(layout, 0, 0);
    const [, second] = corner(layout, 0, 1);
    const label = [GRID.margin, left - GRID.margin - 4] as const;
    expect(ink(label[0], top, label[1], layout.cellHeight)).toBeGreaterThan(50);
    expect(ink(label[0], second, label[1], layout.cellHeight)).toBeGreaterThan(150);
    expect(ink(left, second + layout.cellHeight + 2, layout.cellWidth, 2 * GRID.lineHeight)).toBeGreaterThan(100);
    expect(ink(GRID.margin, GRID.margin, 120, GRID.titleHeight)).toBeGreaterThan(200);
  });

  test("gives the same bytes again", async () => {
    const [a, b] = [await renderReconstructionGrid(cases[2]!.figure), await renderReconstructionGrid(cases[2]!.figure)];
    expect(a.png.equals(b.png)).toBe(true);
  });

  test("clips values outside [0, 1]", async () => {
    const images = { count: 1, height: 1, width: 2, channels: 1, pixels: Float32Array.of(-3, 7) };
    const { png, layout } = await renderReconstructionGrid({ rows: [{ label: "", images }] });
    const picture = await decode(png);
    expect(picture.at(layout.left, layout.groups[0]!.top)).toEqual([0, 0, 0]);
    expect(picture.at(layout.left + layout.scale, layout.groups[0]!.top)).toEqual([255, 255, 255]);
  });

  const two = noise(2, 3, 4, 1, 1);
  const nan = { ...two, pixels: two.pixels.map((value, i) => (i === 5 ? Number.NaN : value)) };
  test.each([
    { name: "no rows", figure: { rows: [] }, text: "at least one row and one image" },
    {
      name: "another count",
      figure: { rows: [two, noise(3, 3, 4, 1, 1)].map((images) => ({ label: "row", images })) },
      text: 'got [3, 3, 4, 1] in row "row" after [2, 3, 4, 1 or 3]',
    },
    { name: "two channels", figure: { rows: [{ label: "x", images: noise(1, 2, 2, 2, 1) }] }, text: "1 or 3 channels" },
    {
      name: "too few labels",
      figure: { rows: [{ label: "x", images: two }], columnLabels: ["a"] },
      text: "got 1 for 2 images",
    },
    { name: "captions", figure: { rows: [{ label: "x", images: two, captions: [] }] }, text: 'captions of row "x"' },
    {
      name: "no columns",
      figure: { rows: [{ label: "x", images: two }], columns: 0 },
      text: "whole number >= 1, got 0",
    },
    { name: "NaN", figure: { rows: [{ label: "x", images: nan }] }, text: "every pixel must be finite, got NaN" },
  ])("rejects $name", async ({ figure, text }) => {
    await expect(renderReconstructionGrid(figure)).rejects.toThrow(text);
  });
});

describe("gridLayout", () => {
  const contents = {
    count: 50,
    height: 112,
    width: 112,
    labelWidth: 100,
    captionLines: [0, 1],
    titleLines: 0,
    titleWidth: 0,
  };

  test.each([
    { size: 5, cell: 110 },
    { size: 28, cell: 112 },
    { size: 32, cell: 128 },
    { size: 56, cell: 112 },
    { size: 64, cell: 128 },
    { size: 112, cell: 112 },
    { size: 224, cell: 224 },
  ])("cells of $size-pixel images are $cell pixels", ({ size, cell }) => {
    expect(gridLayout({ ...contents, height: size, width: size }).cellWidth).toBe(cell);
  });

  test("groups hold every image once and differ by few", () => {
    for (const count of [1, 2, 11, 12, 13, 50, 100, 1200]) {
      const { groups, width } = gridLayout({ ...contents, count });
      expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(count);
      expect(groups.map((group) => group.first)).toEqual(groups.map((_, g) => g * groups[0]!.count));
      expect(groups[0]!.count).toBeLessThanOrEqual(16);
      expect(width).toBeLessThanOrEqual(GRID.pageWidth + GRID.margin);
    }
  });
});

describe("writeReconstructionGrid", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "voxpix-grid-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const figure = { rows: [{ label: "seen", images: noise(2, 8, 6, 3, 1) }] };

  test("replaces an older file with the PNG and leaves nothing else", async () => {
    const path = join(folder, "reconstructions.png");
    writeFileSync(path, "old");
    await writeReconstructionGrid(path, figure);
    expect(readFileSync(path).equals((await renderReconstructionGrid(figure)).png)).toBe(true);
    expect(readdirSync(folder)).toEqual(["reconstructions.png"]);
    rmSync(path);
  });

  test("a failed write leaves nothing", async () => {
    mkdirSync(join(folder, "taken"));
    await expect(writeReconstructionGrid(join(folder, "taken"), figure)).rejects.toThrow();
    await expect(writeReconstructionGrid(join(folder, "absent", "a.png"), figure)).rejects.toThrow("ENOENT");
    expect(readdirSync(folder)).toEqual(["taken"]);
  });
});
