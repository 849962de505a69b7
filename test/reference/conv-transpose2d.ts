/** The transposed convolution and its gradients in float64: every pixel of the input is scattered over the output. */

/** Sizes and options, all explicit; `H`, `W` of the input, `OH`, `OW` of the output. */
export interface ConvTranspose2dReference {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly KH: number;
  readonly KW: number;
  readonly OH: number;
  readonly OW: number;
  readonly O: number;
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Pixels taken off the top and the left. */
  readonly before: readonly [number, number];
  readonly groups: number;
}

/** Calls `visit` with the flat indices of (input, weight, output) of every product. */
function eachProduct(g: ConvTranspose2dReference, visit: (x: number, weight: number, y: number) => void): void {
  const [inputs, outputs] = [g.C / g.groups, g.O / g.groups];
  for (let n = 0; n < g.N; n++)
    for (let p = 0; p < g.H; p++)
      for (let q = 0; q < g.W; q++)
        for (let kh = 0; kh < g.KH; kh++)
          for (let kw = 0; kw < g.KW; kw++) {
            const h = p * g.stride[0] + kh * g.dilation[0] - g.before[0];
            const w = q * g.stride[1] + kw * g.dilation[1] - g.before[1];
            if (h < 0 || w < 0 || h >= g.OH || w >= g.OW) continue;
            for (let c = 0; c < g.C; c++)
              for (let o = 0; o < outputs; o++)
                visit(
                  ((n * g.H + p) * g.W + q) * g.C + c,
                  ((kh * g.KW + kw) * outputs + o) * g.C + c,
                  ((n * g.OH + h) * g.OW + w) * g.O + Math.floor(c / inputs) * outputs + o,
                );
          }
}

/** `y[N, OH, OW, O]`. */
export function convTranspose2dReference(
  g: ConvTranspose2dReference,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
): Float64Array {
  const y = new Float64Array(g.N * g.OH * g.OW * g.O).map((_, i) => (bias ? bias[i % g.O]! : 0));
  eachProduct(g, (i, w, o) => {
    y[o]! += x[i]! * weight[w]!;
  });
  return y;
}

/** The gradients of all three inputs at `gradOutput`. */
export function convTranspose2dGradReference(
  g: ConvTranspose2dReference,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  gradOutput: ArrayLike<number>,
): { x: Float64Array; weight: Float64Array; bias: Float64Array } {
  const gradients = {
    x: new Float64Array(x.length),
    weight: new Float64Array(weight.length),
    bias: new Float64Array(g.O),
  };
  eachProduct(g, (i, w, o) => {
    gradients.x[i]! += gradOutput[o]! * weight[w]!;
    gradients.weight[w]! += gradOutput[o]! * x[i]!;
  });
  for (let i = 0; i < gradOutput.length; i++) gradients.bias[i % g.O]! += gradOutput[i]!;
  return gradients;
}
