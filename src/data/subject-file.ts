/** Which file of a folder is a subject's: the only thing that the files themselves do not say. */
import { join } from "node:path";
import { DataError } from "./errors.js";
import { fileOrFolder, listFiles } from "./files.js";

const DATA = /\.(mat|h5|hdf5|npz)$/i;

/** Files of a folder that are named after a subject. */
export async function subjectFiles(folder: string, fits: RegExp = DATA): Promise<{ name: string; number: number }[]> {
  return (await listFiles(folder)).flatMap((name) => {
    const number = /(?:subject|subj|sub|sbj)[-_ ]?0*(\d+)[^/]*$/i.exec(name)?.[1];
    return number !== undefined && fits.test(name) ? [{ name, number: Number(number) }] : [];
  });
}

/**
 * The file of a subject: `path` itself when it is a file, else the one in the folder whose name ends in that number, such as
 * `Subject3.mat`, `Subject3.h5` or `sbj_3.npz`.
 *
 * @param subject - From 1; `null` where the folder holds one subject only.
 * @param fits - Whether a name may be of this dataset. Default any `.mat`, `.h5` or `.npz`.
 * @throws {DataError} when no file fits, or several do (named).
 */
export async function subjectFile(path: string, subject: number | null, fits: RegExp = DATA): Promise<string> {
  if ((await fileOrFolder(path)) === "file") return path;
  const numbered = await subjectFiles(path, fits);
  const found = numbered.filter(({ number }) => subject === null || number === subject);
  const [only] = found;
  if (only !== undefined && found.length === 1) return join(path, only.name);
  const there = numbered.map(({ name }) => name).join(", ");
  if (only === undefined) {
    throw new DataError(
      `${path}: no file of subject ${subject ?? 1}, it holds ${there || "none named after a subject"}`,
      "Name the file itself with --data, or call it Subject1.mat or sbj_1.npz.",
    );
  }
  throw new DataError(`${path}: ${there} are there`, "Choose with --subject, or name the file itself with --data.");
}
