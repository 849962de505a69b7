/** The examples run, a few steps each, and stay as short as their README says. The page runs in test/package/browser.test.ts. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";

const script = "scripts/run-example.mjs";
const run = (...args: string[]) =>
  execFileSync(process.execPath, [script, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 100_000,
  });
const numbers = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => Number(match[1]));
afterAll(() => rmSync("super-resolution.png", { force: true }));

test("digits: the loss falls, and more digits are right than by chance", () => {
  const output = run("digits", "--steps", "100");
  const losses = numbers(output, /loss ([\d.]+)/g);
  expect(losses).toHaveLength(3);
  expect(losses[2]!).toBeLessThan(losses[0]! - 0.5);
  expect(Number(/: ([\d.]+) %/.exec(output)?.[1])).toBeGreaterThan(40);
});

test("super-resolution: better than interpolation", () => {
  const output = run("super-resolution", "--steps", "60");
  const [plain, sharper] = numbers(output, /([\d.]+) dB/g);
  expect(sharper!).toBeGreaterThan(plain!);
  // A PNG file of 384 x 384.
  const file = readFileSync("super-resolution.png");
  expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([384, 384]);
});

test("custom-op: its gradient is right, and the network fits the sine", () => {
  const output = run("custom-op");
  expect(Number(/off by (\S+) /.exec(output)?.[1])).toBeLessThan(1e-2);
  expect(numbers(output, /loss ([\d.]+)/g).at(-1)!).toBeLessThan(0.01);
});

test("without a name: the names", () => {
  expect(() => execFileSync(process.execPath, [script], { encoding: "utf8", stdio: "pipe" })).toThrow(
    "usage: npm run example -- browser|custom-op|digits|super-resolution",
  );
});

test("each file is at most 60 lines", () => {
  const files = readdirSync("examples", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  expect(files.length).toBeGreaterThanOrEqual(5);
  const long = files.filter((file) => readFileSync(`examples/${file}`, "utf8").trimEnd().split("\n").length > 60);
  expect(long).toEqual([]);
});
