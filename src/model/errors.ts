/** A checkpoint or run folder that cannot be read, written or continued. Exit code 4. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** Training that produced NaN or infinity. Exit code 6. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";
}
