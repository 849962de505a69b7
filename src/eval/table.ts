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
