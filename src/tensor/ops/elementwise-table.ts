/**
 * The elementwise ops that are one formula: name, element types, WGSL expression and gradients. A row is the whole op; the same
 * formula in float64, and where to test it, is `test/reference/elementwise.ts`, and the tests are made from both.
 */
import { activationRows } from "./elementwise/activation.js";
import { arithmeticRows } from "./elementwise/arithmetic.js";
import { functionRows } from "./elementwise/functions.js";
import { logicRows } from "./elementwise/logic.js";
import type { Row, RowName } from "./elementwise/row.js";

/** The table. */
export const elementwiseTable: Readonly<Record<RowName, Row>> = {
  ...arithmeticRows,
  ...logicRows,
  ...functionRows,
  ...activationRows,
};
