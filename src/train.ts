#!/usr/bin/env node
/** `node dist/train.js`: the train command by itself. */
import { loadWithPackages } from "./cli/packages.js";

const [{ runCommand }, { trainProgram }] = await loadWithPackages(() =>
  Promise.all([import("./cli/errors.js"), import("./cli/program.js")]),
);
await runCommand(async () => {
  await trainProgram().parseAsync();
});
