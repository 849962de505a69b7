// widen: IEEE half precision to single precision.
//
//   output[i] = the value of half i of input
//
// Shapes   input [ceil(n / 2)] words, output [n]
// Layout   halves two to a 32-bit word, the earlier in the low 16 bits; what is in the last word of an odd n is not read. f32.
// Mapping  one invocation = one word = 2 outputs; grid x then y cover the workgroups.
// Numerics exact, in whole numbers: NaN keeps its payload, subnormal halves become normal f32. No driver can flush them.
// Gradient cast
// Source   IEEE 754-2019, binary16.

struct Dims {
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

fn widened(half: u32) -> u32 {
  let sign = (half & 0x8000u) << 16u;
  let exponent = (half >> 10u) & 31u;
  let fraction = half & 1023u;
  if (exponent == 31u) { return sign | 0x7f800000u | (fraction << 13u); }
  if (exponent > 0u) { return sign | ((exponent + 112u) << 23u) | (fraction << 13u); }
  if (fraction == 0u) { return sign; }
  // fraction 2^-24, with its leading bit as the hidden one.
  let leading = firstLeadingBit(fraction);
  return sign | ((leading + 103u) << 23u) | ((fraction << (23u - leading)) & 0x7fffffu);
}

@compute @workgroup_size(64)
fn widen(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = (group.y * groups.x + group.x) * 64u + lane;
  let first = 2u * word;
  if (first >= dims.n) { return; }
  let halves = input[word];
  output[first] = widened(halves & 0xffffu);
  if (first + 1u < dims.n) { output[first + 1u] = widened(halves >> 16u); }
}
