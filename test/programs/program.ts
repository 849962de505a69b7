/**
 * Random programs: graphs of ops on random shapes. A program is made from plain numbers ("genes"), each read modulo what is possible at
 * that point, so that fast-check can shrink a failing one, and the same numbers always make the same program.
 */
import { type Device, type DType, type Tensor, tensor } from "../../src/index.js";
import type { Shape } from "../../src/tensor/shape.js";
import { uniform } from "../device.js";
import { catalogue } from "./catalogue.js";

/** A value of a program in float64. */
export interface Value {
  readonly shape: Shape;
  readonly values: Float64Array;
}

/** One op applied: how to run it on tensors, and the same in float64. */
export interface Step {
  /** Of its entry in the catalogue. */
  readonly name: string;
  /** As it is printed, without its inputs. */
  readonly text: string;
  /** Indices of earlier values. */
  readonly inputs: readonly number[];
  run(...inputs: Tensor[]): Tensor;
  reference(...inputs: Value[]): Value;
  /** True where an input lies so close to a kink that a difference quotient would straddle it. */
  kink?(...inputs: Value[]): boolean;
}

/** What an op makes of the shapes it could be applied to, and of some numbers; `null` when it does not fit. */
export type Choice = (shapes: readonly Shape[], pick: Pick) => Omit<Step, "name" | "inputs"> | null;

/** Draws from the genes: a whole number in [0, below). */
export type Pick = (below: number) => number;

/** An op of the catalogue. */
export interface Entry {
  readonly name: string;
  readonly arity: number;
  readonly choose: Choice;
}

/** The numbers a program is made from. */
export interface Genes {
  /** Shape of each input; sizes from 1. */
  readonly inputs: readonly (readonly number[])[];
  readonly seed: number;
  readonly steps: readonly (readonly number[])[];
}

/** A program with the float64 value of everything in it. */
export interface Program {
  readonly inputs: readonly Value[];
  readonly steps: readonly Step[];
  /** Inputs first, then the result of each step. */
  readonly values: readonly Value[];
}

const mostElements = 600;
const largest = 50;

const sizeOf = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** Whether a value may be worked on: no step may blow up, nor leave a number that float32 holds badly. */
function sound({ values }: Value): boolean {
  return values.length > 0 && values.length <= mostElements && values.every((v) => Math.abs(v) <= largest);
}

/** A reader of the genes of one step; past their end all are 0. */
function reader(genes: readonly number[]): Pick {
  let next = 0;
  return (below) => {
    const gene = genes[next++] ?? 0;
    return gene % below;
  };
}

function makeStep(genes: readonly number[], values: readonly Value[]): Step | null {
  const pick = reader(genes);
  const entry = catalogue[pick(catalogue.length)] as Entry;
  // Mostly the newest values, so that programs are deep.
  const inputs = Array.from({ length: entry.arity }, () => values.length - 1 - pick(Math.min(values.length, 6)));
  const shapes = inputs.map((i) => (values[i] as Value).shape);
  const step = entry.choose(shapes, pick);
  return step && { ...step, name: entry.name, inputs };
}

/** The program that genes make; steps that do not fit, or leave the range where float32 is good, are left out. */
export function makeProgram({ inputs, seed, steps }: Genes): Program {
  const values: Value[] = inputs.map((shape, i) => ({
    shape,
    values: Float64Array.from(uniform(sizeOf(shape), seed * 31 + i, -1.5, 1.5)),
  }));
  const own = [...values];
  const kept: Step[] = [];
  for (const genes of steps) {
    const step = makeStep(genes, values);
    if (!step) continue;
    const given = step.inputs.map((i) => values[i] as Value);
    if (step.kink?.(...given)) continue;
    const value = step.reference(...given);
    if (!sound(value)) continue;
    kept.push(step);
    values.push(value);
  }
  return { inputs: own, steps: kept, values };
}

/** All values of a program in float64, for inputs with other content. */
export function evaluate({ inputs, steps }: Program, content: readonly Float64Array[]): Value[] {
  const values: Value[] = inputs.map(({ shape }, i) => ({ shape, values: content[i] as Float64Array }));
  for (const step of steps) values.push(step.reference(...step.inputs.map((i) => values[i] as Value)));
  return values;
}

/** Values that no step reads: what the loss is made of. */
export function sinks({ inputs, steps, values }: Program): number[] {
  const read = new Set(steps.flatMap((step) => step.inputs));
  return values.flatMap((_, i) => (i >= inputs.length && !read.has(i) ? [i] : []));
}

/** The inputs of a program as tensors. */
export function inputTensors(device: Device, { inputs }: Program, dtype: DType = "f32"): Tensor[] {
  return inputs.map(({ shape, values }) => tensor(device, values, shape, { dtype, requiresGrad: true }));
}

/** Runs the program. @returns Inputs first, then the result of each step. */
export function execute({ steps }: Program, inputs: readonly Tensor[]): Tensor[] {
  const tensors = [...inputs];
  for (const step of steps) tensors.push(step.run(...step.inputs.map((i) => tensors[i] as Tensor)));
  return tensors;
}

/** The program as text, one line a value. */
export function print({ inputs, steps }: Program): string {
  const name = (i: number) => `v${i}`;
  return [
    ...inputs.map(({ shape }, i) => `${name(i)} = input [${shape.join(", ")}]`),
    ...steps.map((step, i) => `${name(inputs.length + i)} = ${step.text}(${step.inputs.map(name).join(", ")})`),
  ].join("\n");
}
