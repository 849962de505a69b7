/** `--other NAME=FOLDER`: other people's reconstructions of the same test images. */
import { InvalidArgumentError } from "commander";

/** A method's name and the folder of its reconstructions. */
export interface OtherFolder {
  readonly name: string;
  readonly folder: string;
}

/** Adds one `NAME=FOLDER` to those given before. */
export function otherFolder(text: string, before: readonly OtherFolder[] = []): readonly OtherFolder[] {
  const at = text.indexOf("=");
  const [name, folder] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || name === "" || folder === "") {
    throw new InvalidArgumentError('It must be NAME=FOLDER, e.g. "Shen et al.=shen/".');
  }
  return [...before, { name, folder }];
}

/** Help text of the option. */
export const otherHelp =
  "a folder of someone else's reconstructions of the same test images, named like them or numbered; may be repeated";
