// pad: copies of edge, mirrored or opposite elements before and after one axis.
//
//   output[o, p, i] = input[o, source(p - before), i]
//   source(p) = clamp(p, 0, L - 1) for mode replicate; p reflected at 0 and at L - 1, without repeating them, for mode reflect;
//   reflected at -1/2 and at L - 1/2, with them repeated, for mode symmetric; p mod L for mode circular
//
// Shapes   input [OUTER, L, INNER]     output [OUTER, PL, INNER], PL = before + L + after; reflect needs before, after < L; symmetric and circular <= L.
// Layout   row-major, contiguous, 32-bit words, copied bit by bit: any element type.
// Mapping  one invocation = one output element; workgroups of 64, numbered over grid x then y.
// Numerics exact.
// Gradient pad-grad-input.wgsl.
// Source   the modes of torch.nn.functional.pad and numpy.pad ("edge", "reflect", "symmetric", "wrap"); several axes are padded one after another.

struct Dims {
  n: u32,
  L: u32,
  PL: u32,
  inner: u32,
  before: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

fn replicate(p: i32, last: i32) -> i32 { return clamp(p, 0, last); }
fn reflect(p: i32, last: i32) -> i32 { return last - abs(last - abs(p)); }
fn symmetric(p: i32, last: i32) -> i32 { return select(last - abs(last - p) + select(0, 1, p > last), -1 - p, p < 0); }
fn circular(p: i32, last: i32) -> i32 { return (p + last + 1) % (last + 1); }
fn source(p: i32, last: i32) -> i32 { return replicate(p, last); }

@compute @workgroup_size(64)
fn pad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let i = index % dims.inner;
  let p = (index / dims.inner) % dims.PL;
  let o = index / (dims.inner * dims.PL);
  let nearest = u32(source(i32(p) - i32(dims.before), i32(dims.L) - 1));
  output[index] = input[(o * dims.L + nearest) * dims.inner + i];
}
