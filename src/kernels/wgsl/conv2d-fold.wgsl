// conv2d-fold: adds up what each tap of a convolution brings to a pixel; the second half of conv2d and conv2d-grad-input with few
// channels in the result.
//
//   output[n,y,x,c] = bias[c] + sum over ky, kx of partial[n, (y*step_y + base_y + ky*tap_y) / DIVIDE_Y, (x ...) / DIVIDE_X, ky, kx, c]
//   over the taps where both divisions are whole and lie inside.
//
//   conv2d            step = stride, base = -padding, tap = dilation, DIVIDE = 1
//   conv2d-grad-input step = 1, base = padding, tap = -dilation, DIVIDE = stride
//
// Shapes   partial [N, PH, PW, KH, KW, C], a matrix product of the source's pixels [N*PH*PW, K] and the weight [K, KH*KW*C]
//          bias    [C]                     output NHWC [N, H, W, C]
// Layout   row-major, contiguous, f32.
// Mapping  one invocation = one output element; grid x then y cover them.
// Numerics adds KH*KW sums in the order ky -> kx, in f32.
// Gradient conv2d, conv2d-grad-input, conv2d-grad-weight.
// Source   im2col turned round ("col2im"), Chellapilla et al. 2006: with 3 channels in the result a matrix product over pixels alone
//          would leave its tiles mostly empty; with 3 * KH * KW columns it does not.

struct Dims {
  N: u32,
  H: u32,
  W: u32,
  C: u32,
  PH: u32,
  PW: u32,
  KH: u32,
  KW: u32,
  step_y: i32,
  step_x: i32,
  base_y: i32,
  base_x: i32,
  tap_y: i32,
  tap_x: i32,
  // Distance of the taps that reach one pixel: DIVIDE over its common divisor with the dilation.
  next_y: u32,
  next_x: u32,
  has_bias: u32,
  // Whether relu follows.
  rectify: u32,
}

const DIVIDE_Y = 1u;
const DIVIDE_X = 1u;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partial_sums: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// As the elementwise relu, to the bit.
fn finish(v: f32) -> f32 {
  return select(v, select(max(v, 0.0), v, is_nan(v)), dims.rectify != 0u);
}

@compute @workgroup_size(64)
fn conv2d_fold(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.N * dims.H * dims.W * dims.C) { return; }
  let c = index % dims.C;
  let x = (index / dims.C) % dims.W;
  let y = (index / (dims.C * dims.W)) % dims.H;
  let n = index / (dims.C * dims.W * dims.H);
  let taps = dims.KW * dims.C;

  // The first taps for which the divisions are whole; if there is none among the first `next`, there is none at all.
  let top = i32(y) * dims.step_y + dims.base_y;
  var first_y = 0u;
  while (first_y < dims.next_y && (top + i32(first_y) * dims.tap_y) % i32(DIVIDE_Y) != 0) { first_y++; }
  first_y = select(first_y, dims.KH, first_y == dims.next_y);
  let left = i32(x) * dims.step_x + dims.base_x;
  var first_x = 0u;
  while (first_x < dims.next_x && (left + i32(first_x) * dims.tap_x) % i32(DIVIDE_X) != 0) { first_x++; }
  first_x = select(first_x, dims.KW, first_x == dims.next_x);

  var sum = 0.0;
  if (dims.has_bias != 0u) { sum = bias[c]; }
  for (var ky = first_y; ky < dims.KH; ky += dims.next_y) {
    // As an unsigned number, a negative position is beyond every end.
    let line = u32(top + i32(ky) * dims.tap_y) / DIVIDE_Y;
    if (line >= dims.PH) { continue; }
    let start = (n * dims.PH + line) * dims.PW;
    for (var kx = first_x; kx < dims.KW; kx += dims.next_x) {
      let pixel = u32(left + i32(kx) * dims.tap_x) / DIVIDE_X;
      if (pixel < dims.PW) { sum += partial_sums[((start + pixel) * dims.KH + ky) * taps + kx * dims.C + c]; }
    }
  }
  output[index] = finish(sum);
}
