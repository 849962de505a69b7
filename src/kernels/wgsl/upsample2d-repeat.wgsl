// upsample2d by whole factors to the nearest pixel: every pixel is repeated.
//
//   output[n, h * REPEAT_Y + i, w * REPEAT_X + j, c] = input[n, h, w, c] for i < REPEAT_Y, j < REPEAT_X
//
// Shapes   input NHWC [N, H, W, C]     output NHWC [N, H * REPEAT_Y, W * REPEAT_X, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of the input; grid x then y.
// Numerics exact.
// Gradient upsample2d-grad.wgsl.
// Source   upsample2d.wgsl, whose result this is: one load and two divisions for all the outputs of a pixel, where that has one and five for each.

alias V = f32;
const REPEAT_Y = 2u;
const REPEAT_X = 2u;

struct Dims {
  n: u32,
  W: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<V>;
@group(0) @binding(2) var<storage, read_write> output: array<V>;

@compute @workgroup_size(64)
fn upsample2d_repeat(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let pixel = index / dims.C;
  // Images lie one after the other, in the input as in the output, so a row is one of all images' rows.
  let row = pixel / dims.W;
  let column = pixel - row * dims.W;
  let line = dims.W * REPEAT_X;
  let first = (row * REPEAT_Y * line + column * REPEAT_X) * dims.C + index - pixel * dims.C;
  let value = input[index];
  for (var i = 0u; i < REPEAT_Y; i++) { // unroll
    for (var j = 0u; j < REPEAT_X; j++) { // unroll
      output[first + (i * line + j) * dims.C] = value;
    }
  }
}
