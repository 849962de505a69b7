import { describe, expect, test } from "vitest";
import { fitText, textSvg, textWidth } from "../../src/report/text.js";

const style = { size: 14 };
const svg = (text: string) => textSvg([{ ...style, text, x: 10, y: 20 }], 200, 40);

describe("text", () => {
  test("is paths only, so that no installed font matters", () => {
    expect(svg("seen, r = 0.83")).not.toMatch(/<text|font/);
    expect(svg("seen").match(/<path /g)).toHaveLength(3);
    expect(svg("seen").match(/<use /g)).toHaveLength(4);
  });

  test.each(["äéß–…×±µ", "Ελληνικά", "Кириллица", "Łódź"])("has its own outlines for %s", (text) => {
    const missing = svg("?").match(/id="([^"]+)"/)![1]!;
    expect(svg(text)).not.toContain(`id="${missing}"`);
    expect(svg(text).match(/<use /g)).toHaveLength([...text].length);
  });

  test("writes ? for what the font lacks, never a box", () => {
    expect(svg("日本 🦊")).toBe(svg("?? ?"));
    expect(svg("a\tb")).toBe(svg("a b"));
    expect(svg("日")).not.toContain("regular-0");
  });

  test("width grows with size and text", () => {
    expect(textWidth("", style)).toBe(0);
    expect(textWidth("ab", style)).toBeCloseTo(textWidth("a", style) + textWidth("b", style), 6);
    expect(textWidth("abc", { size: 28 })).toBeCloseTo(2 * textWidth("abc", style), 6);
    expect(textWidth("abc", { ...style, weight: "bold" })).toBeGreaterThan(textWidth("abc", style));
  });

  test("fitText keeps what fits and ends the rest in an ellipsis", () => {
    expect(fitText("short", 100, style)).toBe("short");
    const fitted = fitText("a rather long caption", 60, style);
    expect(fitted).toMatch(/^a rat.*…$/);
    expect(textWidth(fitted, style)).toBeLessThanOrEqual(60);
    expect(fitText("anything", 1, style)).toBe("…");
  });

  test("anchors start, middle and end by the width", () => {
    const at = (anchor: "start" | "middle" | "end") => {
      const text = textSvg([{ ...style, text: "l", x: 50, y: 20, anchor }], 100, 40);
      return Number(text.match(/translate\(([\d.]+) /)![1]);
    };
    expect(at("start")).toBe(50);
    expect(at("middle")).toBeCloseTo(50 - textWidth("l", style) / 2, 2);
    expect(at("end")).toBeCloseTo(50 - textWidth("l", style), 2);
  });
});
