import { DTypeError, ShapeError } from "../../kernels/errors.js";
import { checkInputs } from "../define-op.js";
import { readOptions, show } from "../options.js";
import { describeShapes, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { cast } from "./cast.js";
import { mul } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { reshape } from "./reshape.js";
import { slice } from "./slice.js";
import { broadcastTo, sum } from "./sum.js";
import { transpose } from "./transpose.js";

/** Options of `einsum`. */
export interface EinsumOptions {
  /** A letter for each axis of each tensor, commas between tensors, then `->` and the axes of the result: `"bij,bjk->bik"`. */
  readonly equation: string;
}

/** A tensor and what its axes are called: letters, or `.0`, `.1`, ... for those of `...`. */
interface Term {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

type Fail = (rule: string) => ShapeError;

const sizeAt = ({ tensor, labels }: Term, label: string): number => tensor.shape[labels.indexOf(label)] as number;

/** The axes of one part of the equation; those of `...` are numbered from the last. */
function labelsOf(text: string, ellipsis: number, fail: Fail): string[] {
  const match = /^([a-zA-Z]*)(\.\.\.)?([a-zA-Z]*)$/.exec(text);
  if (!match) throw fail(`${show(text)} must be letters, with at most one ...`);
  const dots = match[2] === undefined ? [] : Array.from({ length: ellipsis }, (_, i) => `.${ellipsis - 1 - i}`);
  return [...(match[1] ?? ""), ...dots, ...(match[3] ?? "")];
}

/** The equation without spaces, as the parts of the operands and that of the result, which may be left out. */
function parse(equation: string, count: number, fail: Fail): { inputs: string[]; output: string | null } {
  const [left = "", right, ...more] = equation.replaceAll(" ", "").split("->");
  const inputs = left.split(",");
  if (more.length > 0) throw fail("the equation must have at most one ->");
  if (inputs.length !== count) throw fail(`the equation must name each tensor, got ${inputs.length} for ${count}`);
  return { inputs, output: right ?? null };
}

/** Letters that occur once, in alphabetical order, after the axes of `...`: the result where it is left out. */
function impliedOutput(labels: readonly string[]): string[] {
  const dots = [...new Set(labels.filter((label) => label.startsWith(".")))].sort((a, b) => b.localeCompare(a));
  const letters = labels.filter((label) => !label.startsWith("."));
  const once = letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label));
  return [...dots, ...once.sort((a, b) => (a < b ? -1 : 1))];
}

/** A letter that a tensor has twice: its diagonal. */
function withoutRepeats({ tensor, labels }: Term, fail: Fail): Term {
  const second = labels.findIndex((label, i) => labels.indexOf(label) < i);
  if (second < 0) return { tensor, labels };
  const first = labels.indexOf(labels[second] as string);
  const n = tensor.shape[first] as number;
  if (tensor.shape[second] !== n)
    throw fail(`axes called ${labels[second]} must have one size, got ${n} and ${tensor.shape[second]}`);
  const rest = labels.map((_, i) => i).filter((i) => i !== first && i !== second);
  const moved = transpose(tensor, { axes: [first, second, ...rest] });
  const flat = reshape(moved, { shape: [n * n, ...moved.shape.slice(2)] });
  const diagonal = slice(flat, { start: [0], step: [n + 1] });
  return withoutRepeats(
    { tensor: diagonal, labels: [labels[first] as string, ...rest.map((i) => labels[i] as string)] },
    fail,
  );
}

/** The axes that `keep` does not name, summed. */
function reduced(term: Term, keep: ReadonlySet<string>): Term {
  const axes = term.labels.flatMap((label, i) => (keep.has(label) ? [] : [i]));
  if (axes.length === 0) return term;
  return { tensor: sum(term.tensor, { axes }), labels: term.labels.filter((label) => keep.has(label)) };
}

/** Axes in the order of the groups, each group as one axis. */
function grouped(term: Term, groups: readonly (readonly string[])[]): Tensor {
  const axes = groups.flat().map((label) => term.labels.indexOf(label));
  const shape = groups.map((group) => sizeOf(group.map((label) => sizeAt(term, label))));
  const inOrder = axes.every((axis, i) => axis === i);
  return reshape(inOrder ? term.tensor : transpose(term.tensor, { axes }), { shape });
}

/** Axes of size 1 that another tensor has larger, stretched. */
function stretched(term: Term, sizes: ReadonlyMap<string, number>): Term {
  const shape = term.labels.map((label) => sizes.get(label) as number);
  return shape.every((size, i) => size === term.tensor.shape[i])
    ? term
    : { tensor: broadcastTo(term.tensor, { shape }), labels: term.labels };
}

/** The product of two tensors, summed over what both have and `keep` does not name: one matrix product, or none. */
function product(a: Term, b: Term, keep: ReadonlySet<string>): Term {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => keep.has(label));
  const inner = shared.filter((label) => !keep.has(label));
  const [left, right] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label))) as [
    string[],
    string[],
  ];
  const labels = [...batch, ...left, ...right];
  const shape = labels.map((label) => sizeAt(a.labels.includes(label) ? a : b, label));
  const y =
    inner.length === 0
      ? mul(grouped(a, [batch, left, []]), grouped(b, [batch, [], right]))
      : matmul(grouped(a, [batch, left, inner]), grouped(b, [batch, inner, right]));
  return { tensor: reshape(y, { shape }), labels };
}

/** The size of each axis. @throws {ShapeError} when tensors disagree. */
function sizesOf(terms: readonly Term[], fail: Fail): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const term of terms) {
    for (const label of term.labels) {
      const [own, before] = [sizeAt(term, label), sizes.get(label) ?? 1];
      if (own !== before && own !== 1 && before !== 1) {
        const what = label.startsWith(".") ? "axes under ..." : `axes called ${label}`;
        throw fail(`${what} must have one size, or 1, got ${before} and ${own}`);
      }
      sizes.set(label, before === 1 ? own : before);
    }
  }
  return sizes;
}

/** The tensors with their axes called by name, and those of the result. */
function termsOf(tensors: readonly Tensor[], equation: string, fail: Fail): { terms: Term[]; output: string[] } {
  const { inputs, output } = parse(equation, tensors.length, fail);
  const hidden = tensors.map((tensor, i) => tensor.rank - (inputs[i] as string).replace("...", "").length);
  const terms = tensors.map((tensor, i): Term => {
    const text = inputs[i] as string;
    const count = hidden[i] as number;
    if (count < 0 || (count > 0 && !text.includes("...")))
      throw fail(`${show(text)} must name each axis of tensor ${i}, which has ${tensor.rank}`);
    return withoutRepeats({ tensor, labels: labelsOf(text, count, fail) }, fail);
  });
  const all = inputs.flatMap((text, i) => labelsOf(text, hidden[i] as number, fail));
  const named = output === null ? impliedOutput(all) : labelsOf(output, Math.max(...hidden), fail);
  const wrong = named.find((label, i) => named.indexOf(label) < i || !all.includes(label));
  if (wrong !== undefined) throw fail(`the result must name axes of the tensors, each once, got ${show(output)}`);
  return { terms, output: named };
}

/**
 * Sums of products over named axes, as Einstein wrote them. `"ij,jk->ik"` is a matrix product, `"bhwc->bc"` a sum over pixels,
 * `"ii->i"` a diagonal, `"i,j->ij"` an outer product.
 *
 * A letter that the result does not name is summed over. `...` stands for axes without a name, which broadcast. Without `->`, the
 * result has the letters that occur once, in alphabetical order. Tensors are multiplied from left to right, each time as one matrix
 * product.
 *
 * @param tensors - f32, one or more.
 * @param options - `equation`.
 * @returns The axes that the equation names after `->`, in that order.
 * @throws {ShapeError} when the equation cannot be read, does not fit the tensors, or sizes disagree.
 * @see `numpy.einsum`; `torch.einsum`.
 *
 * @example
 * const [a, b] = [tensor(device, [[1, 2], [3, 4]]), tensor(device, [[5, 6], [7, 8]])];
 * einsum([a, b], { equation: "ij,kj->ik" }); // [[17, 23], [39, 53]]
 */
export function einsum(tensors: readonly Tensor[], options: EinsumOptions): Tensor {
  const { equation } = readOptions("einsum", options, { equation: "string" });
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new ShapeError(`einsum: tensors must be a list of at least one, got ${show(tensors)}`);
  const names = tensors.map((_, i) => `tensor ${i}`);
  checkInputs("einsum", names, tensors, "any");
  const odd = tensors.find(({ dtype }) => dtype !== "f32" && dtype !== "f16");
  if (odd) throw new DTypeError(`einsum: tensors must be f32, got ${odd.dtype}`);
  if (tensors.some(({ dtype }) => dtype === "f16")) {
    const y = einsum(
      tensors.map((tensor) => cast(tensor, "f32")),
      options,
    );
    return tensors.every(({ dtype }) => dtype === "f16") ? cast(y, "f16") : y;
  }
  const lines = describeShapes(tensors.map((tensor, i) => [`tensor ${i}`, tensor.shape] as const));
  const { terms, output } = termsOf(tensors, equation, (rule) => new ShapeError(`einsum: ${rule}${lines}`));
  const sizes = sizesOf(terms, (rule) => new ShapeError(`einsum: ${rule}${lines}`));
  const whole = terms.map((term) => stretched(term, sizes));
  const result = whole.slice(1).reduce((left, right, i) => {
    const later = whole.slice(i + 2).flatMap(({ labels }) => labels);
    const keep = new Set([...output, ...later]);
    const here = (own: Term, other: Term) => reduced(own, new Set([...keep, ...other.labels]));
    return product(here(left, right), here(right, left), keep);
  }, whole[0] as Term);
  return grouped(
    reduced(result, new Set(output)),
    output.map((label) => [label]),
  );
}
