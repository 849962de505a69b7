/** Tables as text: comma, semicolon or tab between cells, quotes where a cell holds one of them. */
import type { Matrix } from "./dataset.js";
import { DataError } from "./errors.js";
import { readBytes } from "./files.js";

/** One row of a table and the line it stands on, for messages. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads the rows of a text table; empty lines and a byte-order mark are passed over, cells are trimmed.
 *
 * @throws {DataError} when the file is missing, empty, holds no row, or is no text.
 */
export async function readCsv(path: string): Promise<CsvRow[]> {
  return parseCsv(await readBytes(path), path);
}

/** {@link readCsv} on bytes in memory; `file` is the name that messages use. */
export function parseCsv(bytes: Uint8Array, file: string): CsvRow[] {
  if (bytes.includes(0)) throw new DataError(`${file}: not a text file`, "Save the table as UTF-8 text.");
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/);
  const separator = separatorOf(lines.find((text) => text.trim() !== "") ?? "");
  const rows = lines.flatMap((text, i) =>
    text.trim() === "" ? [] : [{ line: i + 1, cells: splitCells(text, separator, `${file}: line ${i + 1}`) }],
  );
  if (rows.length === 0) throw new DataError(`${file}: the table has no row`, "Fill it.");
  return rows;
}

/** Numbers may hold a comma only where another separator is used, so tab and semicolon come first. */
function separatorOf(line: string): string {
  return line.includes("\t") ? "\t" : line.includes(";") ? ";" : ",";
}

function splitCells(text: string, separator: string, where: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? "";
    if (character === '"' && quoted && text[i + 1] === '"') {
      cell += character;
      i++;
    } else if (character === '"') {
      quoted = !quoted;
    } else if (character === separator && !quoted) {
      cells.push(cell.trim());
      cell = "";
    } else {
      cell += character;
    }
  }
  if (quoted) throw new DataError(`${where} opens a quote and does not close it`, 'Close it, or write "" for a quote.');
  return [...cells, cell.trim()];
}

/**
 * Reads a table of numbers; a first row without any number is taken as a header. `NaN` and empty cells are NaN, `inf` is infinite.
 *
 * @returns `[rows, columns]`.
 * @throws {DataError} as {@link readCsv}, and when a cell is no number or a row has another length, with line and column.
 */
export async function readCsvMatrix(path: string): Promise<Matrix> {
  const table = await readCsv(path);
  const header = table[0]?.cells.every((cell) => cell !== "" && numberOf(cell) === null) === true;
  const rows = header ? table.slice(1) : table;
  const columns = rows[0]?.cells.length ?? 0;
  if (rows.length === 0) throw new DataError(`${path}: the table has a header but no numbers`, "Fill it.");
  const values = new Float32Array(rows.length * columns);
  rows.forEach(({ line, cells }, r) => {
    if (cells.length !== columns) {
      throw new DataError(
        `${path}: line ${line} has ${cells.length} cells, the first ${columns}`,
        "Every row needs the same columns.",
      );
    }
    cells.forEach((cell, c) => {
      const number = numberOf(cell);
      if (number === null) {
        throw new DataError(
          `${path}: line ${line}, column ${c + 1}: "${cell}" is no number`,
          "Correct it; decimals have a point, cells are separated by commas, semicolons or tabs, missing is NaN.",
        );
      }
      values[r * columns + c] = number;
    });
  });
  return { rows: rows.length, columns, values };
}

function numberOf(cell: string): number | null {
  if (cell === "" || cell.toLowerCase() === "nan") return Number.NaN;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(cell);
  if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const number = Number(cell);
  return Number.isNaN(number) ? null : number;
}
