/** Sums of products over named axes, one combination of all indices after another, in float64. Letters only, and a result. */
export function einsumReference(
  equation: string,
  tensors: readonly { readonly values: ArrayLike<number>; readonly shape: readonly number[] }[],
): { shape: number[]; values: number[] } {
  const [left, right] = equation.split("->") as [string, string];
  const terms = left.split(",");
  const letters = [...new Set(left.replaceAll(",", ""))];
  const sizes = new Map<string, number>();
  terms.forEach((term, t) => {
    [...term].forEach((letter, i) => {
      sizes.set(letter, Math.max(sizes.get(letter) ?? 0, tensors[t]!.shape[i]!));
    });
  });
  const shape = [...right].map((letter) => sizes.get(letter)!);
  const values = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0);
  const total = letters.reduce((n, letter) => n * sizes.get(letter)!, 1);
  for (let k = 0; k < total; k++) {
    const at = new Map<string, number>();
    let rest = k;
    for (const letter of letters) {
      at.set(letter, rest % sizes.get(letter)!);
      rest = Math.floor(rest / sizes.get(letter)!);
    }
    // An axis of size 1 is read at 0 whatever the letter says.
    const place = (term: string, own: readonly number[]) =>
      [...term].reduce((p, letter, i) => p * own[i]! + (own[i] === 1 ? 0 : at.get(letter)!), 0);
    const product = terms.reduce((p, term, t) => p * tensors[t]!.values[place(term, tensors[t]!.shape)]!, 1);
    values[place(right, shape)]! += product;
  }
  return { shape, values };
}
