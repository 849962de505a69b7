// image-shift: every image of a batch moved by its own whole number of pixels, edge pixels repeated.
//
//   output[n, y, x, c] = input[n, clamp(y - dy[n], 0, H - 1), clamp(x - dx[n], 0, W - 1), c]
//
// Shapes   input, output NHWC [N, H, W, C]     dy, dx [N]
// Layout   row-major, contiguous; dy, dx i32; the images 32-bit words, copied bit by bit.
// Mapping  one invocation = one output element; workgroups of 64, numbered over grid x then y.
// Numerics exact.
// Gradient image-shift-grad-input.wgsl.
// Source   random shifts with mode "nearest" (scipy.ndimage.shift), the augmentation of Beliy et al. 2019.

struct Dims {
  N: u32,
  H: u32,
  W: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<i32>;
@group(0) @binding(3) var<storage, read> dx: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

// p - shift within [0, size - 1]; shifts beyond the image are the same as shifts of its whole size.
fn origin(p: u32, shift: i32, size: u32) -> u32 {
  let last = i32(size) - 1;
  return u32(clamp(i32(p) - clamp(shift, -last, last), 0, last));
}

@compute @workgroup_size(64)
fn image_shift(
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
  let row = origin(y, dy[n], dims.H);
  let column = origin(x, dx[n], dims.W);
  output[index] = input[((n * dims.H + row) * dims.W + column) * dims.C + c];
}
