/** Whoever embeds the engine may leave the optional packages out; the commands need them. */

/** Loads a part of the program; where a package is not installed, says so in one line and ends with exit code 2. */
export async function loadWithPackages<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const name = /^Cannot find package '([^']+)'/.exec(error instanceof Error ? error.message : "")?.[1];
    if (name === undefined) throw error;
    const remedy = "npm install voxpix --include=optional";
    process.stderr.write(`voxpix: needs the package "${name}", which is not installed: ${remedy}\n`);
    process.exit(2);
  }
}
