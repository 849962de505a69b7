#!/usr/bin/env node
import { runCommand } from "./cli/errors.js";
/** The `voxpix` command. */
import { program } from "./cli/program.js";

await runCommand(async () => {
  await program().parseAsync();
});
