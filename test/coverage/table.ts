/** docs/coverage.md as text. */
import { readFileSync } from "node:fs";

/** One op. */
export interface Row {
  readonly group: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly options: readonly string[];
  readonly dtypes: string;
  readonly half: string;
  readonly gradient: string;
  readonly second: string;
  readonly torch: string;
}

/** Worst errors of an op relative to the largest element of each result: ours and PyTorch's own in float32. */
interface Errors {
  ours: number;
  torch: number;
}

interface OpErrors {
  readonly values: Errors;
  readonly gradients: Errors;
}

/** The errors that `judge` wrote down, by op. */
export function readErrors(path: string): Map<string, OpErrors> {
  const byOp = new Map<string, OpErrors>();
  for (const line of readFileSync(path, "utf8").trim().split("\n")) {
    const { op, result, ours, torch } = JSON.parse(line) as { op: string; result: string } & Errors;
    const errors = byOp.get(op) ?? { values: { ours: -1, torch: -1 }, gradients: { ours: -1, torch: -1 } };
    byOp.set(op, errors);
    const own = result.includes("gradient") ? errors.gradients : errors.values;
    own.ours = Math.max(own.ours, ours);
    own.torch = Math.max(own.torch, torch);
  }
  return byOp;
}

const short = (value: number) => (value === 0 ? "0" : value.toExponential(1));
const errorText = (errors: Errors | undefined) =>
  errors && errors.ours >= 0 ? `${short(errors.ours)} / ${short(errors.torch)}` : "";

const head = `# Coverage

What every op and loss of \`voxpix\` takes and gives. Written by \`npm run coverage\`; \`npm test\` measures the gradients again and fails when
this page is stale, or when an op is exported that it does not list.

- Inputs and options are read from the types; \`?\`: may be left out.
- Element types: what the f32 inputs may be instead, all of them together. Indices are i32 or u32, conditions bool.
- Of f16: the element type of the result where all of these are f16. Its values are those of f32 inputs that hold the same numbers,
  rounded once; its gradients are f32, and as near as the rounding of what was saved lets them be.
- Gradient: \`yes\`: with respect to every input, and central differences agree, in each call that \`test/coverage\` makes, options
  at other than their defaults included; \`zero\`: zero everywhere (a step function); \`none\`: the result is of that element type, which has no gradient.
- Second derivative: backward through backward likewise, or the \`GradError\` that refuses it.
- Errors: the worst over all cases of \`test/fixtures/torch\`, against float64, relative to the largest element of the result: ours / PyTorch
  1.13's own in float32. They depend on the adapter. Without a name in the column PyTorch: against the
  formula written with PyTorch's own functions. Empty: the result is random, or no case yet; float64 loops in \`test/ops\` judge it alone.
`;

const columns = [
  "op",
  "inputs",
  "options",
  "element types",
  "of f16",
  "gradient",
  "second derivative",
  "PyTorch",
  "error of values",
  "error of gradients",
];
const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

/** The whole page. */
export function document(rows: readonly Row[], errors: ReadonlyMap<string, OpErrors>, adapter: string): string {
  const parts = [head, `Errors measured on: ${adapter}\n`];
  for (const group of new Set(rows.map((row) => row.group))) {
    const own = rows.filter((row) => row.group === group);
    const body = own.map((row) => {
      const { values, gradients } = errors.get(row.op) ?? {};
      const { op, inputs, options, dtypes, half, gradient, second, torch } = row;
      const found = [op, inputs.join(", "), options.join(", "), dtypes, half, gradient, second, torch];
      return line([...found, errorText(values), errorText(gradients)]);
    });
    parts.push([`## ${group}\n`, line(columns), line(columns.map(() => "---")), ...body, ""].join("\n"));
  }
  return parts.join("\n");
}

/** The page without what depends on the adapter. */
export const stable = (text: string): string[] =>
  text
    .split("\n")
    .filter((row) => !row.startsWith("Errors measured on:"))
    .map((row) =>
      row.startsWith("| ")
        ? row
            .split(/(?<!\\)\|/)
            .slice(0, -3)
            .join("|")
        : row,
    );
