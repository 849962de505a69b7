/** Reverse-mode differentiation: walks from a scalar to the leaves and returns the gradients as a value. */
import { GradError, ShapeError } from "../kernels/errors.js";
import { add } from "./ops/elementwise.js";
import { sumTo } from "./ops/sum.js";
import { formatShape, sameShape } from "./shape.js";
import { full, type GraphNode, type Tensor } from "./tensor.js";

/** Options of `backward`. */
export interface BackwardOptions {
  /** Gradients with respect to these, leaves or not. Default: every leaf with `requiresGrad` that was reached. */
  readonly wrt?: readonly Tensor[];
  /** The gradient at the output, of its shape. Default: 1, for which the output must be a scalar. */
  readonly gradOutput?: Tensor;
  /** Record the gradient computation itself, so that gradients can be differentiated again. Default false. */
  readonly createGraph?: boolean;
}

/** Gradients by tensor. */
export class Gradients extends Map<Tensor, Tensor> {
  /** The gradient of a tensor. @throws {GradError} when the output did not depend on it. */
  of(tensor: Tensor): Tensor {
    const gradient = this.get(tensor);
    if (!gradient) {
      throw new GradError(
        `backward: there is no gradient for a tensor of shape ${formatShape(tensor.shape)}: the output does not depend on it, or it has requiresGrad false`,
      );
    }
    return gradient;
  }
}

/** Every tensor with a node that `output` was made from, latest first; each comes before what it was made from. */
function reachable(output: Tensor): Tensor[] {
  const seen = new Set<Tensor>([output]);
  const stack = [output];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    for (const input of tensor.node?.inputs ?? []) {
      if (!input?.requiresGrad || seen.has(input)) continue;
      seen.add(input);
      stack.push(input);
    }
  }
  return [...seen]
    .filter((tensor) => tensor.node !== null)
    .sort((a, b) => (b.node as GraphNode).order - (a.node as GraphNode).order);
}

/** Tensors whose gradient leads to one of `targets`; everything else needs no gradient. */
function leadingTo(targets: ReadonlySet<Tensor> | null, latestFirst: readonly Tensor[]): (tensor: Tensor) => boolean {
  if (targets === null) return (tensor) => tensor.requiresGrad;
  const useful = new Set<Tensor>(targets);
  for (const tensor of [...latestFirst].reverse()) {
    if (tensor.node?.inputs.some((input) => input && useful.has(input))) useful.add(tensor);
  }
  return (tensor) => useful.has(tensor);
}

function checkNode(node: GraphNode): void {
  node.inputs.forEach((input, i) => {
    if (input && !input.disposed && input.storage.version !== node.versions[i]) {
      throw new GradError(
        `backward: an input of ${node.op}, ${formatShape(input.shape)}, was changed in place after ${node.op} ran; run the forward pass again`,
      );
    }
  });
}

function seed(output: Tensor, gradOutput: Tensor | undefined): Tensor {
  if (!gradOutput) {
    if (output.size === 1) return full(output.device, output.shape, 1);
    throw new GradError(
      `backward: the output must be a scalar, got ${formatShape(output.shape)}; reduce it, or give gradOutput`,
    );
  }
  if (!sameShape(gradOutput.shape, output.shape)) {
    throw new ShapeError(
      `backward: gradOutput must have the output's shape ${formatShape(output.shape)}, got ${formatShape(gradOutput.shape)}`,
    );
  }
  return gradOutput;
}

/** Gradients that wait to be used, each added up from the paths that lead to it, with a count of who still holds it. */
class Pending {
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #holders = new Map<Tensor, number>();
  readonly #freeing: boolean;

  constructor(freeing: boolean) {
    this.#freeing = freeing;
  }

  get(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor);
  }

  hold(gradient: Tensor): void {
    this.#holders.set(gradient, (this.#holders.get(gradient) ?? 0) + 1);
  }

  release(gradient: Tensor): void {
    const count = (this.#holders.get(gradient) ?? 0) - 1;
    this.#holders.set(gradient, count);
    if (count > 0) return;
    this.#holders.delete(gradient);
    if (this.#freeing) gradient.dispose();
  }

  accumulate(tensor: Tensor, gradient: Tensor): void {
    const before = this.#gradients.get(tensor);
    const total = before ? add(before, gradient) : gradient;
    this.hold(total);
    this.#gradients.set(tensor, total);
    if (before) this.release(before);
  }
}

/** Applies one node's gradient functions, and adds the results to what its inputs have so far. */
function propagate(
  node: GraphNode,
  gradOutput: Tensor,
  wanted: (tensor: Tensor) => boolean,
  pending: Pending,
  freeing: boolean,
): void {
  // A scope of its own frees the temporaries of these gradients at once, unless they are part of a graph. One for all inputs, so
  // that a gradient function may leave what the next one needs too.
  using scope = freeing ? gradOutput.device.scope() : null;
  node.inputs.forEach((input, i) => {
    if (!input?.requiresGrad || !wanted(input)) return;
    const gradient = node.gradients[i];
    if (gradient === "zero") return;
    if (!gradient)
      throw new GradError(
        `backward: ${node.op} has no gradient with respect to its input ${i} ${formatShape(input.shape)}`,
      );
    const raw = gradient(gradOutput);
    const fitted = sameShape(raw.shape, input.shape) ? raw : sumTo(raw, { shape: input.shape });
    pending.hold(fitted);
    pending.accumulate(input, fitted);
    pending.release(fitted);
    const total = pending.get(input);
    if (total) scope?.keep(total);
  });
}

/**
 * The gradients of a scalar with respect to the tensors it was computed from.
 *
 * @param output - A scalar, or any tensor together with `gradOutput`.
 * @returns A map from tensor to gradient, each of its tensor's shape.
 * @throws {GradError} when the output depends on nothing that needs a gradient, when an op on the way has none, or when a
 *   value that it needs was changed in place or freed since.
 */
export function backward(output: Tensor, options: BackwardOptions = {}): Gradients {
  if (!output.requiresGrad) throw new GradError("backward: the output depends on no tensor with requiresGrad");
  const { device } = output;
  const targets = options.wrt ? new Set(options.wrt) : null;
  const run = () => {
    const nodes = reachable(output);
    for (const { node } of nodes) if (node) checkNode(node);
    const wanted = leadingTo(targets, nodes);
    const pending = new Pending(!options.createGraph);
    const start = seed(output, options.gradOutput);
    if (options.gradOutput) pending.hold(start);
    pending.accumulate(output, start);
    const leaves = new Set<Tensor>();
    for (const tensor of nodes) {
      const gradOutput = pending.get(tensor);
      const { node } = tensor;
      if (!gradOutput || !node) continue;
      propagate(node, gradOutput, wanted, pending, !options.createGraph);
      for (const input of node.inputs) if (input?.requiresGrad && !input.node) leaves.add(input);
      if (!targets?.has(tensor)) pending.release(gradOutput);
    }
    if (!output.node) leaves.add(output);
    const result = new Gradients();
    for (const tensor of targets ?? leaves) {
      const gradient = pending.get(tensor);
      if (gradient) result.set(tensor, gradient);
    }
    return result;
  };
  return options.createGraph ? run() : device.noGrad(run);
}
