/**
 * Rows of text in aligned columns, two spaces apart, one line a row, no trailing spaces.
 *
 * @param rows - Cells as text; short rows are filled with empty cells.
 * @param align - Per column, "left" (default) or "right".
 */
export function textTable(rows: readonly (readonly string[])[], align: readonly ("left" | "right")[] = []): string {
  // Code points, not UTF-16 units: a label with an emoji would shift its row by one.
  const length = (cell: string) => [...cell].length;
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...rows.map((row) => length(row[c] ?? ""))));
  const lines = rows.map((row) =>
    widths
      .map((width, c) => {
        const cell = row[c] ?? "";
        const space = " ".repeat(width - length(cell));
        return align[c] === "right" ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

/** Rows as comma-separated values (RFC 4180): cells with a comma, quote or line break are quoted; lines end in LF. */
export function csvTable(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;
}

/** Rows as a Markdown table, the first one its head. */
export function markdownTable(rows: readonly (readonly string[])[], align: readonly ("left" | "right")[] = []): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const line = (cells: readonly string[]) =>
    `| ${Array.from({ length: columns }, (_, c) => (cells[c] ?? "").replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = Array.from({ length: columns }, (_, c) => (align[c] === "right" ? "---:" : "---"));
  return [line(rows[0] ?? []), line(rule), ...rows.slice(1).map(line)].join("\n");
}
