/** Reverse-mode differentiation: walks from a scalar to the leaves and returns the gradients as a value. */
import { DeviceError, DisposedError, GradError, ShapeError } from "../kernels/errors.js";
import type { Scope } from "../kernels/scope.js";
import { widened } from "./define-op.js";
import { add } from "./ops/elementwise.js";
import { sumTo } from "./ops/sum.js";
import { readOptions } from "./options.js";
import { formatShape, sameShape } from "./shape.js";
import { checkTensor, constant, full, type GraphNode, type Tensor, zeros } from "./tensor.js";

/** Options of `backward`. */
export interface BackwardOptions {
  /** Gradients with respect to these, leaves or not. Default: every leaf with `requiresGrad` that was reached. */
  readonly wrt?: readonly Tensor[];
  /** The gradient at the output, of its shape. Default: 1, for which the output must be a scalar. */
  readonly gradOutput?: Tensor;
  /** Record the gradient computation itself, so that gradients can be differentiated again. Default false. */
  readonly createGraph?: boolean;
}

/** Gradients by tensor; zeros where only step functions (`sign`, `floor`) lead to the tensor. */
export class Gradients extends Map<Tensor, Tensor> {
  /** The gradient of a tensor. @throws {GradError} when the output did not depend on it. */
  of(tensor: Tensor): Tensor {
    checkTensor("Gradients.of", "tensor", tensor);
    const gradient = this.get(tensor);
    if (!gradient) {
      throw new GradError(
        `backward: there is no gradient for a tensor of shape ${formatShape(tensor.shape)}: the output does not depend on it, or it has requiresGrad false`,
      );
    }
    return gradient;
  }
}

/** Every tensor that needs a gradient and that `output` was made from, itself included. */
function reachable(output: Tensor): ReadonlySet<Tensor> {
  const seen = new Set<Tensor>([output]);
  const stack = [output];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    for (const input of tensor.node?.inputs ?? []) {
      if (!input?.requiresGrad || seen.has(input)) continue;
      seen.add(input);
      stack.push(input);
    }
  }
  return seen;
}

/** Those with a node, latest first; each comes before what it was made from. */
const latestFirst = (tensors: ReadonlySet<Tensor>): Tensor[] =>
  [...tensors]
    .filter((tensor) => tensor.node !== null)
    .sort((a, b) => (b.node as GraphNode).order - (a.node as GraphNode).order);

/** Tensors whose gradient leads to one of `targets`; everything else needs no gradient. */
function leadingTo(targets: ReadonlySet<Tensor> | null, nodes: readonly Tensor[]): (tensor: Tensor) => boolean {
  if (targets === null) return (tensor) => tensor.requiresGrad;
  const useful = new Set<Tensor>(targets);
  for (const tensor of [...nodes].reverse()) {
    if (tensor.node?.inputs.some((input) => input && useful.has(input))) useful.add(tensor);
  }
  return (tensor) => useful.has(tensor);
}

/** @throws {GradError} when what an op read or wrote has been changed since. */
function checkUnchanged(output: Tensor, node: GraphNode): void {
  const changed = (tensor: Tensor | null, version: number | undefined) =>
    tensor !== null && !tensor.disposed && tensor.storage.version !== version;
  const input = node.inputs.find((tensor, i) => changed(tensor, node.versions[i]));
  if (!input && !changed(output, node.outputVersion)) return;
  const [what, { shape }] = input ? ["an input", input] : ["the result", output];
  throw new GradError(
    `backward: ${what} of ${node.op}, ${formatShape(shape)}, was changed in place after ${node.op} ran; run the forward pass again`,
  );
}

function freedError(what: string): GradError {
  return new GradError(
    `backward: ${what} was freed before backward; call backward inside the scope of the forward pass, or keep it with scope.keep(tensor)`,
  );
}

function seed(output: Tensor, gradOutput: Tensor | undefined, returned: boolean): Tensor {
  if (!gradOutput) {
    // One that is handed out may be written to; the shared constant may not.
    if (output.size === 1 && returned) return full(output.device, output.shape, 1);
    if (output.size === 1) return constant(output.device, 1).view(output.shape);
    throw new GradError(
      `backward: the output must be a scalar, got ${formatShape(output.shape)}; reduce it, or give gradOutput`,
    );
  }
  if (gradOutput.device !== output.device)
    throw new DeviceError("backward: gradOutput lives on another device than the output");
  // Reading the storage throws when it was freed.
  void gradOutput.storage;
  if (!sameShape(gradOutput.shape, output.shape)) {
    throw new ShapeError(
      `backward: gradOutput must have the output's shape ${formatShape(output.shape)}, got ${formatShape(gradOutput.shape)}`,
    );
  }
  return gradOutput.dtype === "f16" ? widened(gradOutput) : gradOutput;
}

/** Gradients that wait to be used, each added up from the paths that lead to it, with a count of who still holds it. */
class Pending {
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #holders = new Map<Tensor, number>();
  readonly #scope: Scope | null;

  /** @param scope - Owns the gradients that may be freed as soon as nobody holds them; `null`: all are part of a graph. */
  constructor(scope: Scope | null) {
    this.#scope = scope;
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
    // A gradient function may hand out a tensor that is not backward's to free: a saved value, a constant, its own cache.
    if (this.#scope?.owns(gradient)) gradient.dispose();
  }

  accumulate(tensor: Tensor, gradient: Tensor): void {
    const before = this.#gradients.get(tensor);
    const total = before ? add(before, gradient) : gradient;
    this.hold(total);
    this.#gradients.set(tensor, total);
    if (before) this.release(before);
  }
}

function gradientOf(node: GraphNode, gradient: (gradOutput: Tensor) => Tensor, gradOutput: Tensor): Tensor {
  try {
    return gradient(gradOutput);
  } catch (error) {
    const freed = node.inputs.find((input) => input?.disposed);
    if (!(error instanceof DisposedError) || !freed) throw error;
    throw freedError(`an input of ${node.op}, ${formatShape(freed.shape)}, that its gradient needs`);
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
    const raw = gradientOf(node, gradient, gradOutput);
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
 * @returns A map from tensor to gradient, each of its tensor's shape, and f32 for f16 tensors too.
 * @throws {GradError} when the output depends on nothing that needs a gradient, when an op on the way has none, or when a
 *   value that it needs was changed in place or freed since.
 */
export function backward(output: Tensor, options: BackwardOptions = {}): Gradients {
  checkTensor("backward", "output", output);
  readOptions<BackwardOptions>("backward", options, {
    wrt: "tensors?",
    gradOutput: "tensor?",
    createGraph: "boolean?",
  });
  if (!output.requiresGrad) throw new GradError("backward: the output depends on no tensor with requiresGrad");
  // Throws when it was freed.
  void output.storage;
  const run = () => {
    using scope = options.createGraph ? null : output.device.scope();
    const gradients = walk(output, options, scope);
    for (const gradient of gradients.values()) scope?.keep(gradient);
    return gradients;
  };
  return options.createGraph ? run() : output.device.noGrad(run);
}

/** The walk itself; `scope` owns what it creates, unless that is to be part of a graph. */
function walk(output: Tensor, { wrt, gradOutput }: BackwardOptions, scope: Scope | null): Gradients {
  const targets = wrt ? new Set(wrt) : null;
  const reached = reachable(output);
  const nodes = latestFirst(reached);
  for (const tensor of nodes) checkUnchanged(tensor, tensor.node as GraphNode);
  const wanted = leadingTo(targets, nodes);
  const pending = new Pending(scope);
  const start = seed(output, gradOutput, !output.node || (targets?.has(output) ?? false));
  if (gradOutput) pending.hold(start);
  pending.accumulate(output, start);
  const leaves = [...reached].filter((tensor) => !tensor.node);
  for (const tensor of nodes) {
    const gradient = pending.get(tensor);
    const node = tensor.node as GraphNode;
    if (!gradient) continue;
    if (node.freed && !targets) throw freedError(`the result of ${node.op}, ${formatShape(tensor.shape)},`);
    propagate(node, gradient, wanted, pending, scope !== null);
    if (!targets?.has(tensor)) pending.release(gradient);
  }
  const result = new Gradients();
  for (const tensor of targets ?? leaves) {
    const gradient = pending.get(tensor);
    if (gradient) result.set(tensor, gradient);
  }
  const lost = nodes.find(({ node }) => node?.freed);
  if (targets && lost && result.size < targets.size)
    throw freedError(`the result of ${lost.node?.op}, ${formatShape(lost.shape)}, on the way to a tensor in wrt`);
  for (const tensor of targets ?? leaves)
    if (reached.has(tensor) && !result.has(tensor)) result.set(tensor, zeros(tensor.device, tensor.shape));
  return result;
}
