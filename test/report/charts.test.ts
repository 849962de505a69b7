import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { correlationText, lossCharts } from "../../src/cli/report-parts.js";
import { barChart } from "../../src/report/bar-chart.js";
import { chartPng, colours, inlineSvg, outlinedSvg, ticks } from "../../src/report/chart.js";
import { lineChart } from "../../src/report/line-chart.js";
import { reportPage } from "../../src/report/page.js";

/** Relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const value = Number.parseInt(colour.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

const numbers = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map((match) => match.slice(1).map(Number));

describe("barChart", () => {
  const chart = barChart({
    groups: [
      { label: "2-way", chance: 0.5, bars: [{ value: 0.75, low: 0.7, high: 0.8 }, null] },
      { label: "5-way", chance: 0.2, bars: [{ value: 0.5 }, { value: 0.25, ceiling: 0.9 }] },
    ],
    series: ["ours", "<theirs>"],
    top: 1,
    format: (value) => `${100 * value} %`,
    description: "two & more",
  });
  const svg = inlineSvg(chart);

  test("heights of bars are their values, and what is missing has none", () => {
    const bars = numbers(
      svg,
      /<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" fill="#[0-9a-f]+"\/>/g,
    ).filter(([, height]) => height !== 10);
    expect(bars.length).toBe(3);
    const [first, second, third] = bars.map(([, height]) => height!);
    expect(first! / second!).toBeCloseTo(1.5, 2);
    expect(second! / third!).toBeCloseTo(2, 2);
  });

  test("chance is a dashed line at its height", () => {
    const dashed = numbers(svg, /y1="([\d.]+)"[^>]*stroke-dasharray/g).map(([y]) => y!);
    const scale = numbers(svg, /<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"/g)[0]!;
    const zero = scale[0]! + scale[1]!;
    const unit = scale[1]! / 0.75;
    // Two groups, and the key.
    expect(dashed.length).toBe(3);
    expect((zero - dashed[0]!) / unit).toBeCloseTo(0.5, 2);
    expect((zero - dashed[1]!) / unit).toBeCloseTo(0.2, 2);
  });

  test("text is escaped", () => {
    expect(svg).toContain("&lt;theirs&gt;");
    expect(svg).toContain('aria-label="two &amp; more"');
  });

  test("the file needs no font and draws as PNG at three times the size", async () => {
    expect(outlinedSvg(chart)).not.toContain("<text");
    const { width, height } = await sharp(await chartPng(chart)).metadata();
    expect([width, height]).toEqual([3 * chart.width, 3 * chart.height]);
  });

  test("negative values hang below zero", () => {
    const down = barChart({
      groups: [{ label: "r", bars: [{ value: -0.5 }, { value: 0.5 }] }],
      series: ["a", "b"],
      top: 1,
      format: String,
      description: "negative",
    });
    const bars = numbers(inlineSvg(down), /<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"/g);
    expect(bars[0]![1]).toBeCloseTo(bars[1]![1]!, 1);
    expect(bars[0]![0]).toBeCloseTo(bars[1]![0]! + bars[1]![1]!, 1);
  });
});

describe("lineChart", () => {
  test.each([
    {
      name: "two points",
      points: [
        [1, 0.5],
        [3, 1],
      ] as const,
    },
    { name: "one point", points: [[7, 2]] as const },
    { name: "none", points: [] },
  ])("$name: finite coordinates inside the picture", ({ points }) => {
    const chart = lineChart({ series: [{ label: "L", points }], xLabel: "epoch", chance: 0.2, description: "losses" });
    const svg = inlineSvg(chart);
    expect(svg).not.toMatch(/NaN|Infinity/);
    for (const [x, y] of numbers(svg, /<circle cx="(-?[\d.]+)" cy="(-?[\d.]+)"/g)) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(chart.width);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(chart.height);
    }
    expect(numbers(svg, /<(circle)/g).length).toBe(points.length);
  });

  const spread = { low: 0.55, high: 0.7 };
  const sweep = {
    series: ["a", "b"].map((label) => ({
      label,
      points: [[1, 0.6, spread] as const, [4, 0.65, spread] as const, [16, 0.68, spread] as const],
    })),
    xLabel: "repeats",
    description: "sweep",
  };
  const places = (svg: string) => numbers(svg, /<circle cx="([\d.]+)" cy="([\d.]+)"/g);

  test("logarithmic: equal factors are equal distances, and the values are named", () => {
    const svg = inlineSvg(lineChart({ ...sweep, logarithmic: true }));
    const [one, four, sixteen] = places(svg).map(([x]) => x!);
    expect(four! - one!).toBeCloseTo(sixteen! - four!, 0);
    for (const value of ["1", "4", "16"]) expect(svg).toContain(`>${value}</text>`);
    const [, linearFour, linearSixteen] = places(inlineSvg(lineChart(sweep))).map(([x]) => x!);
    expect(linearSixteen! - linearFour!).toBeCloseTo(4 * (linearFour! - one!), 0);
  });

  test("intervals: one a point, through it, those of two series side by side", () => {
    const svg = inlineSvg(lineChart({ ...sweep, logarithmic: true, bottom: 0.4 }));
    const intervals = numbers(
      svg,
      /<line x1="([\d.]+)" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" stroke="#[0-9a-f]+" stroke-width="1.2"/g,
    );
    expect(intervals).toHaveLength(6);
    places(svg).forEach(([x, y], i) => {
      const [at, low, high] = intervals[i]!;
      expect(at).toBe(x);
      expect(low).toBeGreaterThan(y!);
      expect(high).toBeLessThan(y!);
    });
    expect(intervals[3]![0]! - intervals[0]![0]!).toBeCloseTo(4, 1);
  });

  test("bottom: the axis starts there, or below it where a value is lower", () => {
    const ends = (bottom: number) => places(inlineSvg(lineChart({ ...sweep, bottom }))).map(([, y]) => y!);
    // 0.6 of 0.4 to 0.7, and of 0.55 (the lowest end of an interval) to 0.7; the plot is 180 pixels high.
    expect(ends(0.4)[0]).toBeCloseTo(10 + (180 * 0.1) / 0.3, 0);
    expect(ends(0.65)[0]).toBeCloseTo(10 + (180 * 0.1) / 0.15, 0);
  });
});

test.each([
  { low: 0, high: 1, expected: [0, 0.5, 1] },
  { low: 0, high: 2.3, expected: [0, 1, 2] },
  { low: 1, high: 35, expected: [10, 20, 30] },
  { low: -0.5, high: 0.5, expected: [-0.5, 0, 0.5] },
])("ticks from $low to $high", ({ low, high, expected }) => expect(ticks(low, high)).toEqual(expected));

test("every colour stands out from white", () => {
  for (const colour of colours) expect(1.05 / (luminance(colour) + 0.05)).toBeGreaterThanOrEqual(4.5);
  expect(new Set(colours).size).toBe(colours.length);
});

describe("reportPage", () => {
  const html = reportPage(
    "a <title>",
    ["lead & more"],
    [
      {
        kind: "table",
        title: "T",
        rows: [
          ["", "x"],
          ["row", "<b>1</b>"],
        ],
        notes: ["a note"],
      },
      { kind: "details", title: "Settings", text: '{"a": "<script>"}' },
      {
        kind: "images",
        title: "I",
        pixelated: true,
        strips: [{ label: 'a "cat"', images: [{ source: "data:image/webp;base64,AA", method: "seen", caption: "" }] }],
      },
    ],
  );

  test("nothing of the contents becomes markup", () => {
    expect(html).toContain("<title>a &lt;title&gt;</title>");
    expect(html).toContain("&lt;b&gt;1&lt;/b&gt;");
    expect(html).not.toContain("<script>");
    expect(html).toContain('alt="a &quot;cat&quot;, seen"');
  });

  test("has a language, a viewport, headed tables", () => {
    expect(html).toMatch(/<html lang="en">/);
    expect(html).toMatch(/name="viewport" content="width=device-width, initial-scale=1"/);
    expect(html).toContain('<th scope="row">row</th>');
    expect(html).toContain('<th scope="col">x</th>');
  });
});

describe("losses", () => {
  const line = (phase: string, epoch: number, losses: Record<string, number>) =>
    JSON.stringify({ event: "epoch", phase, fold: 0, epoch, losses });
  const folder = mkdtempSync(join(tmpdir(), "voxpix-losses-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const draw = (name: string, losses: Record<string, number>) => {
    const path = join(folder, name);
    writeFileSync(path, `${[0, 1, 2].map((epoch) => line("decoder", epoch, losses)).join("\n")}\n`);
    return inlineSvg(lossCharts(path)[0]!.chart);
  };
  const colourNamed = (svg: string, label: string) => {
    const keys = [...svg.matchAll(/width="10" height="10" fill="(#[0-9a-f]+)"/g)].map((match) => match[1]);
    const labels = [...svg.matchAll(/font-size="12"[^>]*>([^<]+)</g)].map((match) => match[1]);
    return keys[labels.findIndex((text) => text?.startsWith(label))];
  };

  test("a loss has one colour in the charts of all variants", () => {
    const images = draw("images.jsonl", { D: 1, ED: 0.8, penalty: 0.5 });
    const full = draw("full.jsonl", { D: 1, DE: 0.4, ED: 0.8, penalty: 0.5 });
    for (const label of ["L_D:", "L_ED", "penalty"]) {
      expect(colourNamed(images, label)).toBe(colourNamed(full, label));
      expect(colourNamed(full, label)).toMatch(/^#/);
      expect(images).toContain(`stroke="${colourNamed(images, label)}"`);
    }
    expect(new Set(["L_D:", "L_ED", "L_DE", "penalty"].map((label) => colourNamed(full, label))).size).toBe(4);
  });

  test("epochs are whole", () => {
    const marked = [...draw("few.jsonl", { D: 1 }).matchAll(/text-anchor="middle"[^>]*>([^<]+)</g)].map((m) => m[1]);
    expect(marked).toEqual(["1", "2", "3"]);
  });

  test("what rounds to zero has no sign", () => {
    expect([-0.004, 0.004, -0.006, -1, null].map(correlationText)).toEqual([
      "r 0.00",
      "r 0.00",
      "r -0.01",
      "r -1.00",
      "",
    ]);
  });
});
