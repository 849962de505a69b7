/** Charts as SVG: marks and texts apart, so that a page can set the text in its own font and a file can draw it as outlines. */
import sharp from "sharp";
import { escapeHtml } from "./html.js";
import { type PlacedText, textSvg } from "./text.js";

/** A drawing. Sizes are pixels of a phone's width; a page may enlarge it. */
export interface Chart {
  readonly width: number;
  readonly height: number;
  /** SVG elements. */
  readonly marks: string;
  readonly texts: readonly PlacedText[];
  /** What it shows, for those who cannot see it. */
  readonly description: string;
}

/** Colours of series, told apart with any colour vision, each with a contrast to white of at least 4.5 to 1. */
export const colours = [
  "#0067a5",
  "#b34700",
  "#00734f",
  "#8b3f96",
  "#7a5c00",
  "#595959",
  "#a3123f",
  "#2f5d8c",
] as const;

/** A colour for series `index`. */
export function colourOf(index: number): string {
  return colours[index % colours.length] ?? colours[0];
}

/** Ink of axes and of text. */
export const ink = { text: "#1f2328", faint: "#57606a", grid: "#d8dee4" } as const;

/** A whole SVG whose text is text. */
export function inlineSvg({ width, height, marks, texts, description }: Chart): string {
  const anchors = { start: "start", middle: "middle", end: "end" } as const;
  const lines = texts.map(
    ({ text, x, y, size, weight, anchor = "start", colour = ink.text }) =>
      `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchors[anchor]}" fill="${colour}"${weight === "bold" ? ' font-weight="600"' : ""}>${escapeHtml(text)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(description)}">${marks}${lines.join("")}</svg>`;
}

/** A whole SVG on white that looks the same with no font installed. */
export function outlinedSvg({ width, height, marks, texts, description }: Chart): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(description)}"><rect width="${width}" height="${height}" fill="#ffffff"/>${marks}${textSvg(texts, width, height)}</svg>`;
}

/** The outlined SVG as PNG, three times as large. */
export async function chartPng(chart: Chart): Promise<Buffer> {
  return sharp(Buffer.from(outlinedSvg(chart)), { density: 216 })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, colour: string, more = ""): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}"${more}/>`;
}

/** Names of series with their colours (`inks`, by number; in order unless told), one under the other. */
export function legend(
  labels: readonly string[],
  left: number,
  top: number,
  inks: readonly number[] = labels.map((_, i) => i),
): { marks: string; texts: PlacedText[] } {
  return {
    marks: inks
      .map((ink, i) => `<rect x="${left}" y="${top + 17 * i}" width="10" height="10" fill="${colourOf(ink)}"/>`)
      .join(""),
    texts: labels.map((text, i) => ({ text, x: left + 16, y: top + 17 * i + 9, size: 12 })),
  };
}

/** Round values at which an axis from `low` to `high` is marked, at least `apart`. */
export function ticks(low: number, high: number, apart = 0): number[] {
  const rough = Math.max(apart, (high - low) / 4 || 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
