import type { Tensor } from "./tensor.js";

/** How a tensor was made: kept only while an input of it needs a gradient. */
export interface GraphNode {
  readonly op: string;
  /** Order of creation; backward walks it downwards. */
  readonly order: number;
  readonly inputs: readonly (Tensor | null)[];
  /** In-place version of each input's storage when the op ran. */
  readonly versions: readonly number[];
  /** In-place version of the result's storage when the op had run. */
  readonly outputVersion: number;
  /** Set when the result was freed, which drops everything else here. */
  readonly freed?: true;
  /** One gradient function per input; `null` where there is none, `"zero"` where it is zero everywhere. */
  readonly gradients: readonly (((gradOutput: Tensor) => Tensor) | "zero" | null)[];
}
