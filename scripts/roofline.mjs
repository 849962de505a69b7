// The roofline of what `npm run bench -- --json bench.json` measured, as a picture.
//
//   npm run build && node scripts/roofline.mjs bench.json docs/roofline.png
//
// Above, a panel for each of forward and the two gradients: arithmetic intensity (operations a byte of the tensors, each moved once)
// against GFLOP/s, under the two ceilings that the bench measured; a number is a shape. Below: what moves bytes, beside the copy loop.
import { readFileSync, writeFileSync } from "node:fs";
import { chartPng, colourOf, ink, line } from "../dist/report/chart.js";

const [input, output] = process.argv.slice(2);
if (!input || !output) throw new Error("usage: node scripts/roofline.mjs bench.json picture.png");
const { results, adapter } = JSON.parse(readFileSync(input, "utf8"));
const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const peakFlops = middle(results.map((r) => r.peakFlops));
const peakBytes = middle(results.map((r) => r.peakBytes));
const kinds = ["forward", "input gradient", "weight gradient"];
const points = results
  .filter((r) => r.gflops)
  .map((r) => {
    const kind = Math.max(0, kinds.indexOf(kinds.find((each, i) => i > 0 && r.name.includes(each))));
    const shape = r.name
      .replace(/^conv2d |input gradient|weight gradient|forward/g, "")
      .replace(/[\s,]+$/, "")
      .trim();
    return { kind, shape: shape.replace(/^ ?(conv2d)? ?/, ""), intensity: r.flops / r.bytes, gflops: r.gflops };
  });
const shapes = [...new Set(points.map(({ shape }) => shape))];
const moving = results.filter((r) => !r.gflops);

const [width, left, right, top, plot, gap] = [720, 50, 14, 28, 170, 46];
const low = 2 ** Math.floor(Math.log2(Math.min(...points.map((p) => p.intensity), peakFlops / peakBytes / 2)));
const high = 2 ** Math.ceil(Math.log2(Math.max(...points.map((p) => p.intensity)) * 1.1));
const most = 10 * Math.ceil((peakFlops * 1.1) / 10);
const x = (intensity) => left + ((width - right - left) * Math.log2(intensity / low)) / Math.log2(high / low);

const marks = [];
const texts = [];
const write = (text, at, height, more = {}) =>
  texts.push({ text, x: at, y: height, size: 11, colour: ink.faint, ...more });
const bold = { colour: ink.text };
const label = { size: 10 };
write(
  `Black: the multiply-add loop, ${peakFlops.toFixed(1)} GFLOP/s, and rising the copy loop, ${peakBytes.toFixed(1)} GB/s`,
  left,
  14,
  bold,
);

/** Places of labels around a point, near ones first; the first that covers no label and no point is taken. */
const places = [4, 12, 20, 30, 42].flatMap((far) => [
  [far, 3.5],
  [-far - 11, 3.5],
  [-5, -far],
  [-5, far + 7],
  [far, -far],
  [-far - 11, -far],
  [far, far + 7],
  [-far - 11, far + 7],
]);

/** One panel: axes, ceilings and the points of one kind. */
function drawPanel(kind, panelTop) {
  const y = (gflops) => panelTop + plot * (1 - gflops / most);
  for (let value = 0; value <= most; value += 10) {
    marks.push(line(left, y(value), width - right, y(value), ink.grid));
    write(String(value), left - 5, y(value) + 4, { anchor: "end", ...label });
  }
  for (let value = low; value <= high; value *= 2) {
    marks.push(line(x(value), panelTop, x(value), panelTop + plot, ink.grid));
    write(String(value), x(value), panelTop + plot + 14, { anchor: "middle", ...label });
  }
  write("operations a byte", width - right, panelTop + plot + 27, { anchor: "end", ...label });
  write(`${kinds[kind]}, GFLOP/s`, left + 5, panelTop + 12, bold);
  const roof = Array.from({ length: 65 }, (_, i) => low * (high / low) ** (i / 64)).map(
    (intensity) => `${x(intensity).toFixed(1)},${y(Math.min(peakFlops, intensity * peakBytes)).toFixed(1)}`,
  );
  marks.push(`<polyline points="${roof.join(" ")}" fill="none" stroke="${ink.text}" stroke-width="2"/>`);
  const dots = points.filter((p) => p.kind === kind).map((p) => ({ ...p, px: x(p.intensity), py: y(p.gflops) }));
  const taken = dots.map(({ px, py }) => [px - 3, py - 3, px + 3, py + 3]);
  const overlaps = ([a, b, c, d]) => taken.some(([e, f, g, h]) => a < g && e < c && b < h && f < d);
  for (const { shape, px, py } of dots) {
    const text = String(shapes.indexOf(shape) + 1);
    const box = ([dx, dy]) => [px + dx, py + dy - 9, px + dx + 6 * text.length, py + dy];
    const [dx, dy] = places.find((place) => !overlaps(box(place))) ?? places[0];
    taken.push(box([dx, dy]));
    if (Math.hypot(dx, dy) > 16)
      marks.push(line(px, py, px + dx + 3, py + dy - 3, colourOf(kind), ' stroke-width="0.5"'));
    marks.push(`<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="2.8" fill="${colourOf(kind)}"/>`);
    texts.push({ text, x: px + dx, y: py + dy, size: 10, colour: ink.text });
  }
}
for (const kind of kinds.keys()) drawPanel(kind, top + kind * (plot + gap));

const keyTop = top + kinds.length * (plot + gap) + 6;
const half = Math.ceil(shapes.length / 2);
shapes.forEach((shape, i) => {
  const [column, row] = [Math.floor(i / half), i % half];
  write(`${i + 1}  ${shape}`, left + column * 335, keyTop + 15 * row, { colour: ink.text });
});
const barTop = keyTop + 15 * half + 14;
write(`GB/s of what moves bytes; the line is the copy loop, ${peakBytes.toFixed(1)}`, left, barTop, bold);
const barLeft = 330;
const barWidth = (gbytes) =>
  ((width - right - 40 - barLeft) * gbytes) / Math.max(peakBytes, ...moving.map((r) => r.gbytes));
moving.forEach(({ name, gbytes }, i) => {
  const at = barTop + 12 + 18 * i;
  write(name, barLeft - 6, at + 10, { anchor: "end", colour: ink.text });
  marks.push(
    `<rect x="${barLeft}" y="${at}" width="${barWidth(gbytes).toFixed(1)}" height="12" fill="${colourOf(0)}"/>`,
  );
  write(gbytes.toFixed(1), width - right, at + 10, { anchor: "end" });
});
const bottom = barTop + 12 + 18 * moving.length;
marks.push(
  line(
    barLeft + barWidth(peakBytes),
    barTop + 8,
    barLeft + barWidth(peakBytes),
    bottom,
    ink.text,
    ' stroke-width="1.5" stroke-dasharray="4 3"',
  ),
);
const description = `Roofline of ${adapter.name}: ${points.length} kernels under a multiply-add loop of ${peakFlops.toFixed(1)} GFLOP/s and a copy loop of ${peakBytes.toFixed(1)} GB/s`;
const chart = { width, height: bottom + 10, marks: marks.join(""), texts, description };
writeFileSync(output, await chartPng(chart));
