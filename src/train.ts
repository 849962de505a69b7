#!/usr/bin/env node
/** `node dist/train.js`: the train command by itself. */
import { runCommand } from "./cli/errors.js";
import { trainProgram } from "./cli/program.js";

await runCommand(async () => {
  await trainProgram().parseAsync();
});
