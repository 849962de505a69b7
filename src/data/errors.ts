/** A file or recording that cannot be used as it is: `what` names the file and the value, `remedy` what the user can do. Exit code 3. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly remedy: string;

  constructor(what: string, remedy: string) {
    super(`${what}. ${remedy}`);
    this.remedy = remedy;
  }
}
