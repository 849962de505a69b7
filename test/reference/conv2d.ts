/** Convolution and its two gradients in float64: one loop over all products, each added where it belongs. */

/** Sizes and options, all explicit; padding as [[top, bottom], [left, right]]. */
export interface Conv2dReference {
  readonly N: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly KH: number;
  readonly KW: number;
  readonly O: number;
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
  readonly groups: number;
}

/** Height and width of the output. */
export function conv2dOutputSize(g: Conv2dReference): [number, number] {
  const size = (input: number, kernel: number, axis: 0 | 1) =>
    Math.floor(
      (input + g.padding[axis][0] + g.padding[axis][1] - g.dilation[axis] * (kernel - 1) - 1) / g.stride[axis],
    ) + 1;
  return [size(g.H, g.KH, 0), size(g.W, g.KW, 1)];
}

/** Calls `visit` with the flat indices of (input, weight, output) of every product of the convolution. */
function eachProduct(g: Conv2dReference, visit: (input: number, weight: number, output: number) => void): void {
  const [OH, OW] = conv2dOutputSize(g);
  const channels = g.C / g.groups;
  const outputs = g.O / g.groups;
  for (let n = 0; n < g.N; n++) {
    for (let oy = 0; oy < OH; oy++) {
      for (let ox = 0; ox < OW; ox++) {
        for (let ky = 0; ky < g.KH; ky++) {
          const y = oy * g.stride[0] + ky * g.dilation[0] - g.padding[0][0];
          if (y < 0 || y >= g.H) continue;
          for (let kx = 0; kx < g.KW; kx++) {
            const x = ox * g.stride[1] + kx * g.dilation[1] - g.padding[1][0];
            if (x < 0 || x >= g.W) continue;
            for (let o = 0; o < g.O; o++) {
              for (let c = 0; c < channels; c++) {
                const channel = Math.floor(o / outputs) * channels + c;
                visit(
                  ((n * g.H + y) * g.W + x) * g.C + channel,
                  ((ky * g.KW + kx) * channels + c) * g.O + o,
                  ((n * OH + oy) * OW + ox) * g.O + o,
                );
              }
            }
          }
        }
      }
    }
  }
}

/** `output[N, OH, OW, O]`. */
export function conv2dReference(
  g: Conv2dReference,
  input: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
): Float64Array {
  const [OH, OW] = conv2dOutputSize(g);
  const result = new Float64Array(g.N * OH * OW * g.O).map((_, i) => (bias ? bias[i % g.O]! : 0));
  eachProduct(g, (i, w, o) => {
    result[o]! += input[i]! * weight[w]!;
  });
  return result;
}

/** `gradInput[N, H, W, C]`. */
export function conv2dGradInputReference(
  g: Conv2dReference,
  gradOutput: ArrayLike<number>,
  weight: ArrayLike<number>,
): Float64Array {
  const result = new Float64Array(g.N * g.H * g.W * g.C);
  eachProduct(g, (i, w, o) => {
    result[i]! += gradOutput[o]! * weight[w]!;
  });
  return result;
}

/** `gradWeight[KH, KW, C / groups, O]`. */
export function conv2dGradWeightReference(
  g: Conv2dReference,
  input: ArrayLike<number>,
  gradOutput: ArrayLike<number>,
): Float64Array {
  const result = new Float64Array((g.KH * g.KW * g.C * g.O) / g.groups);
  eachProduct(g, (i, w, o) => {
    result[w]! += input[i]! * gradOutput[o]!;
  });
  return result;
}
