/**
 * Errors of the elementary functions in units in the last place (ULP), over floats of every exponent and both signs. 2^14 inputs each
 * in a test run; `npm run ulp` takes 2^24 and writes docs/accuracy.md.
 */
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import * as vp from "../../src/index.js";
import { testDevice } from "../device.js";
import { rowReferences } from "../reference/elementwise.js";

const device = await testDevice();

/** The most ULP that each function may be off. Those of training's inner loops are promised to stay within 2. */
const limits = {
  exp: 2,
  log: 2,
  sqrt: 2,
  sigmoid: 2,
  tanh: 2,
  erf: 2,
  exp2: 2,
  expm1: 2,
  log2: 2,
  log10: 2,
  log1p: 2,
  rsqrt: 2,
  sin: 2,
  cos: 2,
  tan: 4,
  asin: 3,
  acos: 3,
  atan: 3,
  sinh: 3,
  cosh: 3,
  asinh: 3,
  acosh: 3,
  atanh: 3,
  erfc: 8,
  softplus: 3,
  logSigmoid: 3,
} as const;
type Name = keyof typeof limits;

const bits = Number(process.env["VOXPIX_ULP_BITS"] ?? 14);
/** Inputs at once. */
const chunk = Math.min(2 ** bits, 2 ** 20);
const smallest = 2 ** -126;

/** ULP of the float32 numbers near v. */
const ulp = (v: number) => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(v)))) - 23);

interface Worst {
  readonly error: number;
  readonly at: number;
  readonly outOfPlace: number;
}

/**
 * Input i of 2^bits: the i-th part of all 2^32 bit patterns, at a place in it that differs from part to part. Subnormal inputs and
 * results are left out, as WGSL may flush them; so is what overflows.
 */
async function worstOf(name: Name): Promise<Worst> {
  const { reference } = rowReferences[name];
  const run = (vp as unknown as Record<string, (x: vp.Tensor) => vp.Tensor>)[name]!;
  const patterns = new Uint32Array(chunk);
  let worst: Worst = { error: 0, at: 0, outOfPlace: 0 };
  let outOfPlace = 0;
  for (let first = 0; first < 2 ** bits; first += chunk) {
    using _scope = device.scope();
    const part = 2 ** (32 - bits);
    for (let i = 0; i < chunk; i++) patterns[i] = (first + i) * part + (Math.imul(first + i, 0x9e3779b1) >>> bits);
    const x = new Float32Array(patterns.buffer);
    const result = await run(vp.tensor(device, x)).data();
    for (let i = 0; i < chunk; i++) {
      const [value, given] = [result[i]!, x[i]!];
      if (Math.abs(given) < smallest && given !== 0) continue;
      const exact = reference(given);
      const rounded = Math.fround(exact);
      if (!Number.isFinite(rounded)) {
        if (!Object.is(value, rounded)) outOfPlace++;
      } else if (Math.abs(exact) >= smallest) {
        const error = Math.abs(value - exact) / ulp(exact);
        if (!(error <= worst.error)) worst = { error, at: given, outOfPlace: 0 };
      }
    }
  }
  return { ...worst, outOfPlace };
}

describe(`errors over 2^${bits} floats`, () => {
  const lines: string[] = [];
  test.each(Object.entries(limits) as [Name, number][])(
    "%s is within %d ULP, and infinite or NaN where it should be",
    async (name, limit) => {
      const { error, at, outOfPlace } = await worstOf(name);
      lines.push(`| ${name} | ${error.toFixed(2)} | ${at} | ${limit} |`);
      expect(error, `${name} at ${at}`).toBeLessThanOrEqual(limit);
      expect(outOfPlace, `${name}: results that should be infinite or NaN, or should not`).toBe(0);
    },
    1_200_000,
  );
  afterAll(() => {
    if (bits === 24) writeFileSync("docs/accuracy.md", report(lines));
  });
});

const report = (lines: readonly string[]) => `# Accuracy of the elementary functions

Largest error in units in the last place over 2^24 floats of every exponent and both signs, on ${device.adapter.name}. Made by
\`npm run ulp\`. Results and inputs below 2^-126 in size are not counted: WGSL lets an adapter flush them to zero. Infinities and NaN
are where float64 has them. Results between two floats are at best half a unit off.

| function | largest error (ULP) | at | promised |
|---|---|---|---|
${lines.join("\n")}

\`pow\`, \`atan2\`, \`remainder\`, \`fmod\` and the activations are tested against PyTorch (\`test/torch-elementwise.test.ts\`); \`fmod\` is exact.
The built-in \`exp\` of WGSL, for comparison, is off by up to 62 ULP on Mesa's lavapipe.
`;
