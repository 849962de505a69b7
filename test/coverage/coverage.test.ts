/** docs/coverage.md: written by `npm run coverage`, and judged here. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { testDevice } from "../device.js";
import { activations, elementwise, logic } from "./elementwise-calls.js";
import { convolutions, normalisation, pooling, resizing } from "./image-calls.js";
import { losses, random } from "./loss-calls.js";
import { type Measured, measure } from "./measure.js";
import { indexing, products, reductions, shapes } from "./shape-calls.js";
import { publicOps } from "./signatures.js";
import { document, type Row, readErrors, stable } from "./table.js";

const device = await testDevice();
const file = new URL("../../docs/coverage.md", import.meta.url);

const groups = {
  Elementwise: elementwise,
  Activations: activations,
  "Logic and element types": logic,
  Reductions: reductions,
  Indexing: indexing,
  Shapes: shapes,
  "Matrix products": products,
  Convolution: convolutions,
  Pooling: pooling,
  "Resizing and moving": resizing,
  Normalisation: normalisation,
  Losses: losses,
  Random: random,
};
const entries = Object.entries(groups).flatMap(([group, ops]) =>
  Object.entries(ops).map(([op, entry]) => ({ group, op, entry })),
);
const found = new Map<string, Measured>();

describe("coverage", () => {
  const signatures = publicOps();

  test("every public op is in one group of the table, and nothing else", () => {
    expect(entries.map(({ op }) => op).sort()).toEqual([...signatures.keys()].sort());
  });

  test.each(entries)(
    "$op: gradients and second derivatives agree with differences, or are refused; f16 is rounded once",
    async ({ op, entry }) => {
      found.set(op, await measure(device, entry));
    },
  );

  test("docs/coverage.md says what was found", () => {
    const rows = entries.map(({ group, op, entry }): Row => {
      const { inputs, options } = signatures.get(op) ?? { inputs: [], options: [] };
      return { group, op, inputs, options, torch: entry.torch, ...(found.get(op) as Measured) };
    });
    const errors = process.env["VOXPIX_COVERAGE"];
    if (errors) writeFileSync(file, document(rows, readErrors(errors), device.adapter.name));
    const expected = document(rows, new Map(), "");
    expect(stable(readFileSync(file, "utf8")), "stale: npm run coverage writes it").toEqual(stable(expected));
  });
});
