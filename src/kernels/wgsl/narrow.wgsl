// narrow: single precision to IEEE half precision.
//
//   half i of output = the half nearest to input[i]
//
// Shapes   input [n], output [ceil(n / 2)] words
// Layout   f32; halves two to a 32-bit word, the earlier in the low 16 bits; the last half of an odd n is written as 0.
// Mapping  one invocation = one word = 2 inputs; grid x then y cover the workgroups.
// Numerics to nearest, ties to even, in whole numbers; from 65520 on infinity; below 2^-14 subnormal halves; NaN stays NaN.
// Gradient cast
// Source   IEEE 754-2019, binary16 and roundTiesToEven.

struct Dims {
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

fn narrowed(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u | ((size >> 13u) & 0x3ffu); }
  // 65520, half way between the largest half and what would be next.
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  // 2^-14 and more: a carry out of the fraction is right, it raises the exponent.
  if (size >= 0x38800000u) { return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u); }
  // 2^-25, half of the smallest half.
  if (size <= 0x33000000u) { return sign; }
  let significand = (size & 0x7fffffu) | 0x800000u;
  let shift = 126u - (size >> 23u);
  let half_less_one = (1u << (shift - 1u)) - 1u;
  return sign | ((significand + half_less_one + ((significand >> shift) & 1u)) >> shift);
}

@compute @workgroup_size(64)
fn narrow(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = (group.y * groups.x + group.x) * 64u + lane;
  let first = 2u * word;
  if (first >= dims.n) { return; }
  var halves = narrowed(input[first]);
  if (first + 1u < dims.n) { halves |= narrowed(input[first + 1u]) << 16u; }
  output[word] = halves;
}
