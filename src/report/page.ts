/** The report: one HTML file that needs nothing else, on a phone, on a desk and on paper. */
import { type Chart, inlineSvg } from "./chart.js";
import { escapeHtml } from "./html.js";

/** An image in the report. */
export interface StripImage {
  /** A `data:` address. */
  readonly source: string;
  readonly method: string;
  /** A score of it. */
  readonly caption: string;
}

/** A part of the report. */
export type Section =
  | { readonly kind: "text"; readonly title: string; readonly paragraphs: readonly string[] }
  | {
      readonly kind: "table";
      readonly title: string;
      /** The head first; first cells are heads of their rows. */
      readonly rows: readonly (readonly string[])[];
      readonly notes?: readonly string[];
    }
  | {
      readonly kind: "charts";
      readonly title: string;
      readonly charts: readonly { readonly title: string; readonly chart: Chart }[];
    }
  | {
      readonly kind: "images";
      readonly title: string;
      /** One a test image: what was seen, and what each method made of it. */
      readonly strips: readonly { readonly label: string; readonly images: readonly StripImage[] }[];
      /** Whether pixels are shown as they are, for small images. */
      readonly pixelated: boolean;
      readonly notes?: readonly string[];
    }
  | { readonly kind: "details"; readonly title: string; readonly text: string };

const style = `
:root { color-scheme: light; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1f2328; background: #fff; }
body { margin: 0 auto; max-width: 1100px; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid #d8dee4; }
h3 { font-size: 0.95rem; margin: 0.5rem 0; }
p { margin: 0.3rem 0; } .lead { color: #424a53; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem 0.25rem 0; text-align: left; border-bottom: 1px solid #eaeef2; vertical-align: top; white-space: nowrap; }
tbody th { font-weight: 500; white-space: normal; min-width: 7.5rem; }
.note { color: #57606a; font-size: 0.85rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 1rem 1.5rem; }
.charts svg { width: 100%; max-width: 520px; height: auto; display: block; font-family: inherit; }
.strips { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.8rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); }
.strips li { break-inside: avoid; } .strips .label { font-size: 0.8rem; color: #57606a; overflow-wrap: anywhere; }
.strip { display: flex; gap: 4px; } .strip figure { margin: 0; flex: 1 1 0; min-width: 0; max-width: 112px; }
.strip img { width: 100%; display: block; outline: 1px solid #d0d7de; } .pixelated img { image-rendering: pixelated; }
figcaption { font-size: 0.68rem; line-height: 1.2; color: #424a53; overflow-wrap: anywhere; }
pre { font-size: 0.75rem; background: #f6f8fa; padding: 0.75rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; margin-top: 1.5rem; }
@media print { @page { size: A4; margin: 14mm; } :root { font-size: 10.5pt; } body { max-width: none; padding: 0; } .scroll { overflow: visible; }
  table { font-size: 7.5pt; } th, td { white-space: normal; padding-right: 0.4rem; } tr, .charts > div { break-inside: avoid; } h2 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; } .strips { grid-template-columns: 1fr 1fr; } }
`;

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const cells = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td>${escapeHtml(cell)}</td>`))
      .join("");
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join("")}</tr></thead><tbody>${body.map((row) => `<tr>${cells(row)}</tr>`).join("")}</tbody></table></div>`;
}

const notesOf = (notes: readonly string[] = []) =>
  notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join("");

function images(section: Extract<Section, { kind: "images" }>): string {
  const strips = section.strips.map(({ label, images: made }) => {
    const figures = made.map(
      ({ source, method, caption }) =>
        `<figure><img src="${source}" alt="${escapeHtml(`${label}, ${method}`)}"><figcaption>${escapeHtml(method)}${caption === "" ? "" : `<br>${escapeHtml(caption)}`}</figcaption></figure>`,
    );
    return `<li><div class="label">${escapeHtml(label)}</div><div class="strip">${figures.join("")}</div></li>`;
  });
  return `${notesOf(section.notes)}<ul class="strips${section.pixelated ? " pixelated" : ""}">${strips.join("")}</ul>`;
}

function body(section: Section): string {
  switch (section.kind) {
    case "text":
      return section.paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`).join("");
    case "table":
      return table(section.rows) + notesOf(section.notes);
    case "charts":
      return `<div class="charts">${section.charts.map(({ title, chart }) => `<div><h3>${escapeHtml(title)}</h3>${inlineSvg(chart)}</div>`).join("")}</div>`;
    case "images":
      return images(section);
    case "details":
      return `<pre>${escapeHtml(section.text)}</pre>`;
  }
}

/**
 * The whole page. It asks for nothing from elsewhere: styles, drawings and images are in it, and there is no script.
 *
 * @param lead - Lines under the title.
 */
export function reportPage(title: string, lead: readonly string[], sections: readonly Section[]): string {
  const parts = sections.map((section) =>
    section.kind === "details"
      ? `<details open><summary>${escapeHtml(section.title)}</summary>${body(section)}</details>`
      : `<section><h2>${escapeHtml(section.title)}</h2>${body(section)}</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${lead.map((text) => `<p class="lead">${escapeHtml(text)}</p>`).join("\n")}
${parts.join("\n")}
</body>
</html>
`;
}
