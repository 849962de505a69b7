/** Orders in which frameworks store filters. */

/** [out, in, height, width] to [height, width, in, out]; `reverse` turns filters for BGR pixels into filters for RGB. */
export function toHwio(
  values: ArrayLike<number>,
  [o, i, h, w]: readonly [number, number, number, number],
  reverse: boolean,
): Float32Array {
  const result = new Float32Array(values.length);
  for (let out = 0; out < o; out++) {
    for (let input = 0; input < i; input++) {
      const target = reverse ? i - 1 - input : input;
      for (let pixel = 0; pixel < h * w; pixel++) {
        result[(pixel * i + target) * o + out] = values[(out * i + input) * h * w + pixel] as number;
      }
    }
  }
  return result;
}
