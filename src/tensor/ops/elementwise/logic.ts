/** Comparisons, logic and choice. Comparisons look at the bits, so that NaN, subnormals and signed zeros are the same on every adapter. */
import { constant } from "../../tensor.js";
import { every, input, type LogicName, numeric, type Row } from "./row.js";

function comparison(operator: string, accepts: Row["accepts"] = numeric): Row {
  const order = `order_key(x) ${operator} order_key(y)`;
  const plain = `select(0u, 1u, x ${operator} y)`;
  return {
    inputs: ["x", "y"],
    accepts: accepts ?? numeric,
    output: "bool",
    wgsl: {
      f32: `select(0u, 1u, ${operator === "!=" ? `${order} || !ordered(x, y)` : `${order} && ordered(x, y)`})`,
      i32: plain,
      u32: plain,
      bool: plain,
    },
    vjp: null,
  };
}

/** A formula of which inputs are not zero; NaN is not zero. */
function logical(inputs: readonly string[], formula: string): Row {
  const of = (nonZero: (name: string) => string) =>
    `select(0u, 1u, ${formula.replace(/\b[xy]\b/g, (name) => `(${nonZero(name)})`)})`;
  const whole = (zero: string) => of((name) => `${name} != ${zero}`);
  return {
    inputs,
    accepts: every,
    output: "bool",
    wgsl: { f32: of((name) => `is_true(${name})`), i32: whole("0"), u32: whole("0u"), bool: whole("0u") },
    vjp: null,
  };
}

/** A property of a float; whole numbers have it or not. */
const property = (wgsl: string, ofWhole: string): Row => ({
  inputs: ["x"],
  accepts: numeric,
  output: "bool",
  wgsl: { f32: `select(0u, 1u, ${wgsl})`, i32: ofWhole, u32: ofWhole },
  vjp: null,
});

/** Rows by name. */
export const logicRows: Readonly<Record<LogicName, Row>> = {
  equal: comparison("==", every),
  notEqual: comparison("!=", every),
  less: comparison("<"),
  lessEqual: comparison("<="),
  greater: comparison(">"),
  greaterEqual: comparison(">="),
  logicalAnd: logical(["x", "y"], "x && y"),
  logicalOr: logical(["x", "y"], "x || y"),
  logicalXor: logical(["x", "y"], "x != y"),
  logicalNot: logical(["x"], "!x"),
  isNaN: property("is_nan(x)", "0u"),
  isInf: property("is_infinite(x)", "0u"),
  isFinite: property("is_finite(x)", "1u"),
  where: {
    inputs: ["condition", "x", "y"],
    accepts: every,
    dtypes: ["bool", "same", "same"],
    wgsl: "select(z, y, x != 0u)",
    vjp: [
      null,
      (ops, saved, g) => ops.where(input(saved, 0), g, constant(g.device, 0)),
      (ops, saved, g) => ops.where(input(saved, 0), constant(g.device, 0), g),
    ],
  },
};
