/** Lines over epochs or over the values of a sweep. */
import { type Chart, colourOf, ink, legend, line, ticks } from "./chart.js";
import type { PlacedText } from "./text.js";

/** A place on a line; `low` and `high` are the ends of its interval. */
export type LinePoint = readonly [x: number, y: number, interval?: { readonly low: number; readonly high: number }];

/** What a line chart shows. */
export interface LineChartOptions {
  /** `colour` is a number of {@link colourOf}, so that a thing has one colour in several charts. Default: its place in the list. */
  readonly series: readonly {
    readonly label: string;
    readonly points: readonly LinePoint[];
    readonly colour?: number;
  }[];
  readonly xLabel: string;
  /** True: equal factors are equal distances, and the points' own values, all above 0, are marked. Default false. */
  readonly logarithmic?: boolean;
  /** True: x counts something, and only whole numbers are marked. Default false. */
  readonly whole?: boolean;
  /** Where the y axis starts unless a value is lower. Default 0. */
  readonly bottom?: number;
  /** A dashed level across. */
  readonly chance?: number;
  readonly format?: (value: number) => string;
  readonly description: string;
}

const size = { width: 360, plot: 180, left: 44, right: 10, top: 10 };

/** Smallest and largest of values, widened where they are one. */
function range(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Draws the chart: a line a series, its points marked where they are few. */
export function lineChart(options: LineChartOptions): Chart {
  const { series, xLabel, chance, format = String, description } = options;
  const { width, plot, left, right, top } = size;
  const axes = axesOf(options);
  const { x, y } = axes;
  const marks: string[] = [];
  const texts: PlacedText[] = [];
  for (const value of axes.yTicks) {
    marks.push(line(left, y(value), width - right, y(value), ink.grid));
    texts.push({ text: format(value), x: left - 5, y: y(value) + 4, size: 11, anchor: "end", colour: ink.faint });
  }
  for (const value of axes.xTicks) {
    const text = String(Number(value.toPrecision(3)));
    texts.push({ text, x: x(value), y: top + plot + 16, size: 11, anchor: "middle", colour: ink.faint });
  }
  texts.push({ text: xLabel, x: width - right, y: top + plot + 31, size: 11, anchor: "end", colour: ink.faint });
  if (chance !== undefined) {
    marks.push(line(left, y(chance), width - right, y(chance), ink.text, ' stroke-width="1.5" stroke-dasharray="4 3"'));
  }
  series.forEach(({ points, colour }, s) => {
    // Intervals of several series at one place stand beside each other.
    const aside = points.some(([, , interval]) => interval) ? 4 * (s - (series.length - 1) / 2) : 0;
    marks.push(...drawLine(points, (value) => x(value) + aside, y, colourOf(colour ?? s)));
  });
  const under = top + plot + 40;
  const named = legend(
    series.map(({ label }) => label),
    left,
    under,
    series.map(({ colour }, i) => colour ?? i),
  );
  return {
    width,
    height: under + 17 * series.length + 3,
    marks: marks.join("") + named.marks,
    texts: [...texts, ...named.texts],
    description,
  };
}

/** Where values are drawn, and which are named. */
function axesOf({ series, chance, logarithmic = false, whole = false, bottom = 0 }: LineChartOptions) {
  const { width, plot, left, right, top } = size;
  const all = series.flatMap(({ points }) => points);
  const scale = logarithmic ? Math.log : (value: number) => value;
  const values = all.length > 0 ? [...new Set(all.map(([x]) => x))].sort((a, b) => a - b) : [1];
  const [x0, x1] = range(values.map(scale));
  const heights = all.flatMap(([, y, interval]) => (interval ? [y, interval.low, interval.high] : [y]));
  const [y0, y1] = range([bottom, ...(chance === undefined ? [] : [chance]), ...heights]);
  // Room for intervals that stand aside of the first and the last value.
  const edge = all.some(([, , interval]) => interval) ? 2 * series.length : 0;
  return {
    x: (value: number) => left + edge + ((width - left - right - 2 * edge) * (scale(value) - x0)) / (x1 - x0),
    y: (value: number) => top + (plot * (y1 - value)) / (y1 - y0),
    xTicks: logarithmic ? values : ticks(x0, x1, whole ? 1 : 0),
    yTicks: ticks(y0, y1),
  };
}

function drawLine(
  points: readonly LinePoint[],
  x: (value: number) => number,
  y: (value: number) => number,
  colour: string,
): string[] {
  const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
  const drawn = [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`];
  for (const [px, , interval] of points) {
    if (interval) drawn.push(line(x(px), y(interval.low), x(px), y(interval.high), colour, ' stroke-width="1.2"'));
  }
  if (points.length <= 12) {
    for (const [px, py] of points)
      drawn.push(`<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="2.6" fill="${colour}"/>`);
  }
  return drawn;
}
