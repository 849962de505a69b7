// The same numbers and the same work for every library. Layouts are channels last; who wants another turns it.

/** Deterministic numbers, uniform in [-scale, scale). */
export function numbers(count, seed, scale = 1) {
  let state = (seed * 0x9e3779b1) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale * (state / 2 ** 31 - 1);
  });
}

export const product = (shape) => shape.reduce((a, b) => a * b, 1);

/** `values` of `shape` with its axes in another order. */
export function permute(values, shape, order) {
  const strides = shape.map((_, i) => product(shape.slice(i + 1)));
  const target = order.map((axis) => shape[axis]);
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      from += (rest % target[axis]) * strides[order[axis]];
      rest = Math.floor(rest / target[axis]);
    }
    result[i] = values[from];
  }
  return result;
}

/** Shapes of a convolution with padding "same". */
export function convShapes({ N, H, W, C, O, K, S }) {
  return { x: [N, H, W, C], weight: [K, K, C, O], y: [N, Math.ceil(H / S), Math.ceil(W / S), O] };
}

/** Images through convolutions at stride 2, each with batch norm and ReLU, to a dense layer. */
export function encoderNet({ N, side, channels, voxels }) {
  const map = side / 8;
  return {
    x: [N, side, side, 3],
    y: [N, voxels],
    convs: [
      [5, 5, 3, channels],
      [3, 3, channels, channels],
      [3, 3, channels, channels],
    ],
    dense: [map * map * channels, voxels],
    norms: 3,
  };
}

/** The other way round: a dense layer to a map, convolutions with batch norm, ReLU and upsampling by 2, and a last convolution. */
export function decoderNet({ N, side, channels, voxels }) {
  const map = side / 4;
  return {
    x: [N, voxels],
    y: [N, side, side, 3],
    map,
    dense: [voxels, map * map * channels],
    convs: [
      [3, 3, channels, channels],
      [3, 3, channels, channels],
      [3, 3, channels, 3],
    ],
    norms: 2,
  };
}

/** Initial weights that keep activations near 1. */
export const weightsOf = (shape, seed) => numbers(product(shape), seed, Math.sqrt(3 / product(shape.slice(0, -1))));
export const learningRate = 0.01;
export const eps = 1e-3;
