/** Lines over epochs or over the values of a sweep. */
import { type Chart, colourOf, ink, legend, line, ticks } from "./chart.js";
import type { PlacedText } from "./text.js";

/** What a line chart shows. */
export interface LineChartOptions {
  readonly series: readonly { readonly label: string; readonly points: readonly (readonly [x: number, y: number])[] }[];
  readonly xLabel: string;
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
export function lineChart({ series, xLabel, chance, format = String, description }: LineChartOptions): Chart {
  const { width, plot, left, right, top } = size;
  const all = series.flatMap(({ points }) => points);
  const [x0, x1] = range(all.length > 0 ? all.map(([x]) => x) : [0]);
  const [y0, y1] = range([0, ...(chance === undefined ? [] : [chance]), ...all.map(([, y]) => y)]);
  const x = (value: number) => left + ((width - left - right) * (value - x0)) / (x1 - x0);
  const y = (value: number) => top + (plot * (y1 - value)) / (y1 - y0);
  const marks: string[] = [];
  const texts: PlacedText[] = [];
  for (const value of ticks(y0, y1)) {
    marks.push(line(left, y(value), width - right, y(value), ink.grid));
    texts.push({ text: format(value), x: left - 5, y: y(value) + 4, size: 11, anchor: "end", colour: ink.faint });
  }
  for (const value of ticks(x0, x1)) {
    texts.push({ text: String(value), x: x(value), y: top + plot + 16, size: 11, anchor: "middle", colour: ink.faint });
  }
  texts.push({ text: xLabel, x: width - right, y: top + plot + 31, size: 11, anchor: "end", colour: ink.faint });
  if (chance !== undefined) {
    marks.push(line(left, y(chance), width - right, y(chance), ink.text, ' stroke-width="1.5" stroke-dasharray="4 3"'));
  }
  series.forEach(({ points }, s) => {
    const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
    marks.push(`<polyline points="${path}" fill="none" stroke="${colourOf(s)}" stroke-width="1.8"/>`);
    if (points.length <= 12) {
      for (const [px, py] of points)
        marks.push(`<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="2.6" fill="${colourOf(s)}"/>`);
    }
  });
  const under = top + plot + 40;
  const named = legend(
    series.map(({ label }) => label),
    left,
    under,
  );
  return {
    width,
    height: under + 17 * series.length + 3,
    marks: marks.join("") + named.marks,
    texts: [...texts, ...named.texts],
    description,
  };
}
