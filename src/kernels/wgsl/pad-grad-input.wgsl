// pad-grad-input: the transpose of pad along one axis: each input element sums the output positions that copied it.
//
//   output[o, l, i] = sum over p with source(p - before) = l of grad_output[o, p, i]
//
// Shapes   grad_output [OUTER, PL, INNER]     output [OUTER, L, INNER], PL = before + L + after.
// Layout   row-major, contiguous, f32.
// Mapping  one invocation = one output element, gathering; workgroups of 64, numbered over grid x then y.
// Numerics accumulates in f32, p upwards; replicate: at most max(before, after) + L terms (the edges); else at most 3.
// Gradient pad.wgsl.
// Source   the positions of pad.wgsl, inverted: runs for replicate; l itself and its images beyond both edges for the other modes.

struct Dims {
  n: u32,
  L: u32,
  PL: u32,
  inner: u32,
  before: u32,
}

const REPLICATE = false;

fn reflect_before(l: i32, size: i32) -> i32 { return -l; }
fn reflect_after(l: i32, size: i32) -> i32 { return 2 * size - 2 - l; }
fn symmetric_before(l: i32, size: i32) -> i32 { return -1 - l; }
fn symmetric_after(l: i32, size: i32) -> i32 { return 2 * size - 1 - l; }
fn circular_before(l: i32, size: i32) -> i32 { return l - size; }
fn circular_after(l: i32, size: i32) -> i32 { return l + size; }
// Where element l is copied to, counted from the first element of the input: before it if negative, behind it from `size` on.
fn image_before(l: i32, size: i32) -> i32 { return reflect_before(l, size); }
fn image_after(l: i32, size: i32) -> i32 { return reflect_after(l, size); }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn pad_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let i = index % dims.inner;
  let l = (index / dims.inner) % dims.L;
  let base = index / (dims.inner * dims.L) * dims.PL * dims.inner + i;
  let own = l + dims.before;
  let last = dims.L - 1u;

  var sum = 0.0;
  if (REPLICATE) {
    let first = select(own, 0u, l == 0u);
    let end = select(own + 1u, dims.PL, l == last);
    for (var p = first; p < end; p++) { sum += grad_output[base + p * dims.inner]; }
  } else {
    let size = i32(dims.L);
    let before = image_before(i32(l), size) + i32(dims.before);
    let behind = image_after(i32(l), size) + i32(dims.before);
    if (before >= 0 && before < i32(dims.before)) { sum += grad_output[base + u32(before) * dims.inner]; }
    sum += grad_output[base + own * dims.inner];
    if (behind >= size + i32(dims.before) && behind < i32(dims.PL)) { sum += grad_output[base + u32(behind) * dims.inner]; }
  }
  output[index] = sum;
}
