// npm run example -- NAME [ARGUMENTS]: runs examples/NAME, or serves it where it is a page.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [name = "", ...args] = process.argv.slice(2);
const folder = join(root, "examples", name);
if (!existsSync(join(folder, "main.ts"))) {
  const names = readdirSync(join(root, "examples"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  console.error(`usage: npm run example -- ${names.map((entry) => entry.name).join("|")} [arguments]`);
  process.exit(2);
}
const isPage = existsSync(join(folder, "index.html"));
const out = join(root, "build/examples", name);
const build = await context({
  entryPoints: [join(folder, "main.ts")],
  outfile: join(out, isPage ? "main.js" : "main.mjs"),
  bundle: true,
  format: "esm",
  target: "es2022",
  // Without the paths of tsconfig.json: "voxpix" is the built package, as it is for whoever installs it.
  tsconfigRaw: {},
  ...(isPage ? { platform: "browser" } : { platform: "node", packages: "external" }),
});
if (isPage) {
  mkdirSync(out, { recursive: true });
  copyFileSync(join(folder, "index.html"), join(out, "index.html"));
  const { port } = await build.serve({ servedir: out, host: "127.0.0.1", port: Number(args[0] ?? 8000) });
  console.log(`http://localhost:${port}/ (Ctrl-C ends it)`);
} else {
  await build.rebuild();
  await build.dispose();
  const run = spawn(process.execPath, [join(out, "main.mjs"), ...args], { stdio: "inherit" });
  run.on("exit", (code) => process.exit(code ?? 1));
}
