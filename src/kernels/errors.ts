/** The engine's typed errors. They live in the lowest layer so that every layer above can throw them. */

/** Shapes, axes or sizes that do not fit together, found at the call and before any GPU work. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** A tensor of the wrong element type. */
export class DTypeError extends Error {
  override readonly name = "DTypeError";
}

/** An index outside of its axis, found on the GPU and reported by the next wait for it. */
export class IndexError extends Error {
  override readonly name = "IndexError";
}

/** A gradient that does not exist or that can no longer be computed. */
export class GradError extends Error {
  override readonly name = "GradError";
}

/** Use of a tensor or device after it was freed. */
export class DisposedError extends Error {
  override readonly name = "DisposedError";
}

/** Something in a captured function that a replay could not repeat. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

/** No usable GPU, a request over the adapter's limits, or an error that the GPU reported. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
}

/** A file that is not in the format it should be in. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
