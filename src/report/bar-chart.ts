/** Bars in groups, each with its interval, over the level of chance. */
import { type Chart, colourOf, ink, legend, line } from "./chart.js";
import { fitText, type PlacedText } from "./text.js";

/** One bar; `null` where there is nothing to show. */
export interface Bar {
  readonly value: number;
  /** Ends of the interval; left out for none. */
  readonly low?: number;
  readonly high?: number;
  /** A mark above: the best that could be reached. */
  readonly ceiling?: number;
}

/** What a bar chart shows. */
export interface BarChartOptions {
  /** Groups from left to right, each with a bar a series. */
  readonly groups: readonly {
    readonly label: string;
    readonly bars: readonly (Bar | null)[];
    readonly chance?: number;
  }[];
  /** Names of the series, for the legend. */
  readonly series: readonly string[];
  /** Top of the axis; the bottom is 0 or the lowest value. */
  readonly top: number;
  /** How a value is written on the axis. */
  readonly format: (value: number) => string;
  readonly description: string;
}

const size = { width: 360, plot: 190, left: 40, right: 8, top: 10 };

/** Draws the chart. Chance is a dashed line over its group. */
export function barChart({ groups, series, top, format, description }: BarChartOptions): Chart {
  const { width, plot, left, right } = size;
  const lowest = Math.min(0, ...groups.flatMap(({ bars }) => bars.map((bar) => bar?.low ?? bar?.value ?? 0)));
  const y = (value: number) => size.top + (plot * (top - value)) / (top - lowest);
  const groupWidth = (width - left - right) / groups.length;
  const gap = Math.min(12, 0.15 * groupWidth);
  const barWidth = (groupWidth - gap) / Math.max(1, series.length);
  const texts: PlacedText[] = [];
  const marks: string[] = [];
  for (let i = 0; i <= 4; i++) {
    const value = (top * i) / 4;
    marks.push(line(left, y(value), width - right, y(value), ink.grid));
    texts.push({ text: format(value), x: left - 5, y: y(value) + 4, size: 11, anchor: "end", colour: ink.faint });
  }
  groups.forEach(({ label, bars, chance }, g) => {
    const start = left + g * groupWidth + gap / 2;
    bars.forEach((bar, s) => {
      if (bar) marks.push(drawBar(bar, { x: start + s * barWidth, barWidth, colour: colourOf(s), y }));
    });
    if (chance !== undefined) {
      const end = start + groupWidth - gap;
      marks.push(
        line(start - 3, y(chance), end + 3, y(chance), ink.text, ' stroke-width="1.5" stroke-dasharray="4 3"'),
      );
    }
    // Many groups leave little room for their names.
    const style = { size: groupWidth > 60 ? 12 : 10 };
    const text = fitText(label, groupWidth - 3, style);
    texts.push({ ...style, text, x: start + (groupWidth - gap) / 2, y: y(lowest) + 16, anchor: "middle" });
  });
  marks.push(line(left, y(0), width - right, y(0), ink.faint));
  const under = size.top + plot + 32;
  const named = series.length > 1 ? legend(series, left, under) : { marks: "", texts: [] };
  const dashed = groups.some(({ chance }) => chance !== undefined);
  const key = under + (series.length > 1 ? 17 * series.length : 0);
  if (dashed) {
    marks.push(line(left, key + 5, left + 10, key + 5, ink.text, ' stroke-width="1.5" stroke-dasharray="4 3"'));
    texts.push({ text: "chance", x: left + 16, y: key + 9, size: 12 });
  }
  return {
    width,
    height: key + (dashed ? 20 : 3),
    marks: marks.join("") + named.marks,
    texts: [...texts, ...named.texts],
    description,
  };
}

function drawBar(
  { value, low, high, ceiling }: Bar,
  { x, barWidth, colour, y }: { x: number; barWidth: number; colour: string; y: (value: number) => number },
): string {
  const [upper, lower] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
  const inner = Math.max(1, barWidth - Math.min(2, 0.15 * barWidth));
  const middle = x + inner / 2;
  const parts = [
    `<rect x="${x.toFixed(1)}" y="${upper.toFixed(2)}" width="${inner.toFixed(1)}" height="${(lower - upper).toFixed(2)}" fill="${colour}"/>`,
  ];
  if (low !== undefined && high !== undefined) {
    // White under black: seen on the bar and above it.
    parts.push(line(middle, y(low), middle, y(high), "#ffffff", ' stroke-width="3"'));
    parts.push(line(middle, y(low), middle, y(high), ink.text, ' stroke-width="1.2"'));
  }
  if (ceiling !== undefined) parts.push(line(x, y(ceiling), x + inner, y(ceiling), ink.text, ' stroke-width="2"'));
  return parts.join("");
}
