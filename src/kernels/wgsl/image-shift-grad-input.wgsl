// image-shift-grad-input: the transpose of image-shift: every input pixel sums the output pixels that copied it.
//
//   output[n, i, j, c] = sum over y with clamp(y - dy[n]) = i and x with clamp(x - dx[n]) = j of grad_output[n, y, x, c]
//
// Shapes   grad_output, output NHWC [N, H, W, C]     dy, dx [N]
// Layout   row-major, contiguous, f32; dy, dx i32.
// Mapping  one invocation = one output element, gathering; workgroups of 64, numbered over grid x then y.
// Numerics accumulates in f32, order y -> x; one term inside, |dy| + 1 or |dx| + 1 along an edge, their product in a corner.
// Gradient image-shift.wgsl.
// Source   the positions of image-shift.wgsl, inverted: along each axis they are one run.

struct Dims {
  N: u32,
  H: u32,
  W: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<i32>;
@group(0) @binding(3) var<storage, read> dx: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// The run [x, y) of positions p with clamp(p - shift, 0, size - 1) = i; empty where the copy fell off the image.
fn copies(i: u32, shift: i32, size: u32) -> vec2i {
  let last = i32(size) - 1;
  let own = i32(i) + clamp(shift, -last, last);
  let begin = select(own, 0, i == 0u);
  let end = select(own + 1, last + 1, i32(i) == last);
  return clamp(vec2i(begin, end), vec2i(0), vec2i(last + 1));
}

@compute @workgroup_size(64)
fn image_shift_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.N * dims.H * dims.W * dims.C) { return; }
  let c = index % dims.C;
  let j = (index / dims.C) % dims.W;
  let i = (index / (dims.C * dims.W)) % dims.H;
  let n = index / (dims.C * dims.W * dims.H);
  let rows = copies(i, dy[n], dims.H);
  let columns = copies(j, dx[n], dims.W);
  var sum = 0.0;
  for (var y = rows.x; y < rows.y; y++) {
    for (var x = columns.x; x < columns.y; x++) {
      sum += grad_output[((n * dims.H + u32(y)) * dims.W + u32(x)) * dims.C + c];
    }
  }
  output[index] = sum;
}
