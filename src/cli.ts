#!/usr/bin/env node
/** The `voxpix` command. */
import { loadWithPackages } from "./cli/packages.js";

const [{ runCommand }, { program }] = await loadWithPackages(() =>
  Promise.all([import("./cli/errors.js"), import("./cli/program.js")]),
);
await runCommand(async () => {
  await program().parseAsync();
});
