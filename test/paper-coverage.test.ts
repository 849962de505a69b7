/** docs/paper-coverage.md names files that are there. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const text = readFileSync("docs/paper-coverage.md", "utf8");
const rows = text.split("\n").filter((line) => line.startsWith("| ") && !/^\| (The paper|---)/.test(line));

test("every file that docs/paper-coverage.md names exists", () => {
  const files = [...text.matchAll(/`((?:src|test|docs)\/[\w./-]+)`/g)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(40);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

test("every name of code that it gives beside a file is in that file", () => {
  const named = [...text.matchAll(/`(\w+)`(?: and `\w+`)? (?:in|of preset `paper`|\(|:)[^`]{0,3}`(src\/[\w./-]+)`/g)];
  expect(named.length).toBeGreaterThan(6);
  for (const [, name, file] of named) expect(readFileSync(file!, "utf8"), `${name} in ${file}`).toContain(name!);
});

test("every row names a test, or says what is not measured or cannot be", () => {
  expect(rows.length).toBeGreaterThan(35);
  for (const row of rows) expect(row).toMatch(/`test\/[\w./-]+\.test\.ts`|not yet measured|cannot be checked here/);
});
