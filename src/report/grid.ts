import sharp from "sharp";
import type { ImageSet } from "../data/dataset.js";
import type { GridGroup, GridLayout } from "./grid-layout.js";
import { GRID, gridLayout } from "./grid-layout.js";
import type { PlacedText, TextStyle } from "./text.js";
import { fitText, textSvg, textWidth } from "./text.js";
import { writeWhole } from "./write-whole.js";

/** One row of a grid. */
export interface GridRow {
  /** Left of the row: "seen", "reconstructed", a method's name. */
  readonly label: string;
  readonly images: ImageSet;
  /** One under each image of this row, as a score of this method; a line break starts a second line. */
  readonly captions?: readonly string[];
}

/** A figure of stimuli and their reconstructions. */
export interface GridFigure {
  /** Top to bottom, the stimuli first; every row has the same number and size of images. */
  readonly rows: readonly GridRow[];
  /** One under each column, below its last row; a line break starts a second line. */
  readonly columnLabels?: readonly string[];
  readonly title?: string;
  /** Columns before the figure goes on below; default as many as fit in about 1,600 pixels, 4 to 16. */
  readonly columns?: number;
}

const LABEL: TextStyle = { size: 14, weight: "bold" };
const CAPTION: TextStyle = { size: 13, colour: "#57606a" };
const TITLE: TextStyle = { size: 19, weight: "bold" };
const WHITE = 255;
const OUTLINE = 208;

function checkFigure({ rows, columnLabels, columns }: GridFigure): ImageSet {
  const first = rows[0]?.images;
  if (first === undefined || first.count < 1)
    throw new RangeError("reconstruction grid: needs at least one row and one image, got none");
  for (const { label, images, captions } of rows) {
    const shape = `[${images.count}, ${images.height}, ${images.width}, ${images.channels}]`;
    if (images.count !== first.count || images.height !== first.height || images.width !== first.width) {
      const expected = `[${first.count}, ${first.height}, ${first.width}, 1 or 3]`;
      throw new RangeError(
        `reconstruction grid: rows must have the same images, got ${shape} in row "${label}" after ${expected}`,
      );
    }
    if (images.channels !== 1 && images.channels !== 3) {
      throw new RangeError(`reconstruction grid: images must have 1 or 3 channels, got ${shape} in row "${label}"`);
    }
    checkCount(`captions of row "${label}"`, captions, first.count);
  }
  checkCount("columnLabels", columnLabels, first.count);
  if (columns !== undefined && !(Number.isInteger(columns) && columns >= 1)) {
    throw new RangeError(`reconstruction grid: columns must be a whole number >= 1, got ${columns}`);
  }
  return first;
}

function checkCount(name: string, texts: readonly string[] | undefined, count: number): void {
  if (texts !== undefined && texts.length !== count) {
    throw new RangeError(
      `reconstruction grid: ${name} needs one text per image, got ${texts.length} for ${count} images`,
    );
  }
}

const lines = (text: string): string[] => (text === "" ? [] : text.split("\n"));
const mostLines = (texts: readonly string[] = []): number =>
  texts.reduce((most, text) => Math.max(most, lines(text).length), 0);

/** Text under every image of each row: the row's own captions, and under the last row the column labels too. */
function captionsOf({ rows, columnLabels }: GridFigure, count: number): string[][] {
  return rows.map(({ captions }, r) =>
    Array.from({ length: count }, (_, i) => {
      const parts = [captions?.[i] ?? "", r === rows.length - 1 ? (columnLabels?.[i] ?? "") : ""];
      return parts.filter((part) => part !== "").join("\n");
    }),
  );
}

/** A grey or RGB value in [0, 1] as a byte. */
function toByte(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`reconstruction grid: every pixel must be finite, got ${value}`);
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}

/** Draws image `index` enlarged, with a hairline around it so that white images have an edge on the white page. */
function drawImage(
  page: Uint8Array,
  layout: GridLayout,
  images: ImageSet,
  index: number,
  left: number,
  top: number,
): void {
  const { width, scale, cellWidth, cellHeight } = layout;
  for (let y = -1; y <= cellHeight; y++) {
    const start = 3 * ((top + y) * width + left - 1);
    page.fill(OUTLINE, start, start + 3 * (cellWidth + 2));
  }
  const { height: rows, width: columns, channels } = images;
  for (let y = 0; y < cellHeight; y++) {
    const line = (index * rows + Math.floor(y / scale)) * columns;
    for (let x = 0; x < cellWidth; x++) {
      const source = (line + Math.floor(x / scale)) * channels;
      const target = 3 * ((top + y) * width + left + x);
      for (let c = 0; c < 3; c++) page[target + c] = toByte(images.pixels[source + (channels === 3 ? c : 0)] ?? 0);
    }
  }
}

/** Row labels and captions of one group, relative to its top. */
function groupTexts(
  figure: GridFigure,
  captions: readonly string[][],
  layout: GridLayout,
  group: GridGroup,
): PlacedText[] {
  const { left, stepX, cellWidth, cellHeight, rowTops } = layout;
  return figure.rows.flatMap(({ label }, r) => {
    const top = rowTops[r] ?? 0;
    // A capital is about 0.73 of the font size high: half of that below the middle centres the label on its image.
    const y = top + cellHeight / 2 + 0.36 * LABEL.size;
    const texts: PlacedText[] = [
      { ...LABEL, text: fitText(label, GRID.labelMost, LABEL), x: left - GRID.labelGap, y, anchor: "end" },
    ];
    for (let c = 0; c < group.count; c++) {
      lines(captions[r]?.[group.first + c] ?? "").forEach((line, l) => {
        const x = left + c * stepX + cellWidth / 2;
        const baseline = top + cellHeight + GRID.captionGap + l * GRID.lineHeight + CAPTION.size;
        texts.push({ ...CAPTION, text: fitText(line, stepX - 4, CAPTION), x, y: baseline, anchor: "middle" });
      });
    }
    return texts;
  });
}

function titleTexts(titleLines: readonly string[]): PlacedText[] {
  return titleLines.map((text, l) => ({
    ...TITLE,
    text,
    x: GRID.margin,
    y: GRID.margin + l * GRID.titleHeight + TITLE.size,
  }));
}

/** The page as RGB bytes, images only. */
function drawPage(figure: GridFigure, layout: GridLayout): Buffer {
  const page = Buffer.alloc(3 * layout.width * layout.height, WHITE);
  for (const group of layout.groups) {
    figure.rows.forEach(({ images }, r) => {
      for (let c = 0; c < group.count; c++) {
        const top = group.top + (layout.rowTops[r] ?? 0);
        drawImage(page, layout, images, group.first + c, layout.left + c * layout.stepX, top);
      }
    });
  }
  return page;
}

/**
 * A figure of stimuli and reconstructions as PNG bytes: one column an image, the rows under each other, wrapped into further row groups
 * when the page is full. Images are enlarged by a whole factor without interpolation (cells near 112 pixels); larger images keep
 * their size. Text needs no installed font; captions too wide for their column end in an ellipsis.
 *
 * @param figure - Rows of images `[N, H, W, 1 or 3]` with values in [0, 1] (others are clipped), labels, captions, title.
 * @returns the PNG, and where each cell is in it.
 * @throws {RangeError} when rows differ in number or size of images, a list of texts has another length, or a pixel is not finite.
 */
export async function renderReconstructionGrid(figure: GridFigure): Promise<{ png: Buffer; layout: GridLayout }> {
  const first = checkFigure(figure);
  const captions = captionsOf(figure, first.count);
  const titleLines = lines(figure.title ?? "");
  const labelWidth = Math.max(
    ...figure.rows.map(({ label }) => textWidth(fitText(label, GRID.labelMost, LABEL), LABEL)),
  );
  const shape = { count: first.count, height: first.height, width: first.width };
  const layout = gridLayout({
    ...shape,
    labelWidth,
    captionLines: captions.map(mostLines),
    titleLines: titleLines.length,
    titleWidth: Math.max(0, ...titleLines.map((line) => textWidth(line, TITLE))),
    ...(figure.columns === undefined ? {} : { columns: figure.columns }),
  });
  const { width, height, groups } = layout;
  // One overlay a group: a single SVG as tall as a page of a thousand images would exceed what the rasteriser accepts.
  const overlays = groups.map((group) => ({
    input: Buffer.from(textSvg(groupTexts(figure, captions, layout, group), width, group.height + GRID.gap)),
    left: 0,
    top: group.top,
  }));
  if (titleLines.length > 0) {
    const band = GRID.margin + titleLines.length * GRID.titleHeight;
    overlays.push({ input: Buffer.from(textSvg(titleTexts(titleLines), width, band)), left: 0, top: 0 });
  }
  const page = sharp(drawPage(figure, layout), { raw: { width, height, channels: 3 }, limitInputPixels: false });
  const png = await page.composite(overlays).removeAlpha().png({ compressionLevel: 9 }).toBuffer();
  return { png, layout };
}

/**
 * Writes `renderReconstructionGrid` to a file: to a temporary one beside it first, so that a failed write leaves the old file or none.
 *
 * @param path - PNG file; its folder must exist.
 * @returns where each cell is.
 * @throws {RangeError} as `renderReconstructionGrid`, and the file system's error when the file cannot be written.
 */
export async function writeReconstructionGrid(path: string, figure: GridFigure): Promise<GridLayout> {
  const { png, layout } = await renderReconstructionGrid(figure);
  await writeWhole(path, png);
  return layout;
}
