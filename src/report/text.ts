import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Font, Glyph } from "opentype.js";
import opentype from "opentype.js";

// Text is drawn as outlines of a font that comes with the package: a machine without fonts (most containers) would print boxes.
// Characters are looked up one by one, because the parser's own line setting throws on substitution rules that this font has.
const SUBSETS = ["latin", "latin-ext", "greek", "cyrillic"] as const;
const WEIGHTS = { regular: 400, bold: 600 } as const;

/** Weight of a text. */
export type FontWeight = keyof typeof WEIGHTS;

/** How a text looks. */
export interface TextStyle {
  /** Font size in pixels. */
  readonly size: number;
  readonly weight?: FontWeight;
  /** CSS colour; default near-black. */
  readonly colour?: string;
}

/** A text at a place: `x` is its start, middle or end according to `anchor`, `y` its baseline. */
export interface PlacedText extends TextStyle {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly anchor?: "start" | "middle" | "end";
}

const fonts = new Map<string, Font>();

function loadFont(subset: string, weight: FontWeight): Font {
  const file = `@fontsource/inter/files/inter-${subset}-${WEIGHTS[weight]}-normal.woff`;
  const loaded = fonts.get(file);
  if (loaded !== undefined) return loaded;
  const bytes = readFileSync(createRequire(import.meta.url).resolve(file));
  // A Buffer may be a window on a larger pool; the parser wants exactly the file.
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  fonts.set(file, font);
  return font;
}

interface DrawnGlyph {
  readonly glyph: Glyph;
  readonly font: Font;
  /** Unique over all subsets and weights: the name of the outline in the SVG. */
  readonly id: string;
}

/** Index 0 is a font's "no such character" box. */
function findGlyph(character: string, weight: FontWeight): DrawnGlyph | null {
  for (const subset of SUBSETS) {
    const font = loadFont(subset, weight);
    const index = font.charToGlyphIndex(character);
    if (index > 0) return { glyph: font.glyphs.get(index), font, id: `${subset}-${weight}-${index}` };
  }
  return null;
}

/** Glyphs of a text; a character that the font lacks in every script is drawn as "?". */
function glyphsOf(text: string, weight: FontWeight): DrawnGlyph[] {
  return [...text.normalize("NFC")].flatMap((character) => {
    const found = findGlyph(/\s/u.test(character) ? " " : character, weight) ?? findGlyph("?", weight);
    return found === null ? [] : [found];
  });
}

/** Glyphs with the pen position of each, in pixels from the start of the text, and the width of the whole. */
function setLine(text: string, { size, weight = "regular" }: TextStyle) {
  let pen = 0;
  const placed = glyphsOf(text, weight).map((drawn) => {
    const scale = size / drawn.font.unitsPerEm;
    const start = pen;
    pen += (drawn.glyph.advanceWidth ?? 0) * scale;
    return { ...drawn, start, scale };
  });
  return { placed, width: pen };
}

/** Width of a text in pixels. */
export function textWidth(text: string, style: TextStyle): number {
  return setLine(text, style).width;
}

/** The text if it is no wider than `width` pixels, else as much of its start as fits with an ellipsis. */
export function fitText(text: string, width: number, style: TextStyle): string {
  if (textWidth(text, style) <= width) return text;
  const characters = [...text.normalize("NFC")];
  for (let kept = characters.length - 1; kept > 0; kept--) {
    const shortened = `${characters.slice(0, kept).join("").trimEnd()}…`;
    if (textWidth(shortened, style) <= width) return shortened;
  }
  return "…";
}

const number = (value: number): string => value.toFixed(3).replace(/\.?0+$/, "");

/**
 * Texts as an SVG picture of `width` x `height` pixels with a transparent background. Only paths: it looks the same with no font installed.
 */
export function textSvg(texts: readonly PlacedText[], width: number, height: number): string {
  const outlines = new Map<string, string>();
  const uses = texts.map(({ text, x, y, anchor = "start", colour = "#1f2328", ...style }) => {
    const { placed, width: length } = setLine(text, style);
    const left = x - { start: 0, middle: length / 2, end: length }[anchor];
    const glyphs = placed.map(({ id, glyph, font, start, scale }) => {
      // Outlines are kept in font units, once each, and scaled where they are used.
      if (!outlines.has(id)) outlines.set(id, glyph.getPath(0, 0, font.unitsPerEm).toPathData(0));
      return `<use xlink:href="#${id}" transform="translate(${number(left + start)} ${number(y)}) scale(${scale.toFixed(6)})"/>`;
    });
    return `<g fill="${colour}">${glyphs.join("")}</g>`;
  });
  const defs = [...outlines].map(([id, path]) => `<path id="${id}" d="${path}"/>`).join("");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}">` +
    `<defs>${defs}</defs>${uses.join("")}</svg>`
  );
}
