// arg-reduce: where the largest or smallest element along one axis is, in one pass of many threads each.
//
//   output[o, s, i] = the r, among r = s, s + SPLIT, s + 2 SPLIT, ... < R, whose input[o, r, i] is best; the lowest of equals
//   after the first pass the r's of the pass before are compared, through `found`
//
// Shapes   input [OUTER, LENGTH, INNER]     found [OUTER, R, INNER]     output [OUTER, SPLIT, INNER]
// Layout   row-major, contiguous; T in the input, u32 in `found` and the output.
// Mapping  one invocation = one output element; the host repeats it on its own output until SPLIT is 1.
// Numerics exact. NaN is better than any number, and the first NaN is the best.
// Gradient none: a whole number.
// Source   the rules of torch.argmax and numpy.argmax.

struct Dims {
  outer: u32,
  length: u32,
  R: u32,
  inner: u32,
  split: u32,
}

alias T = f32;
const AGAIN = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<T>;
@group(0) @binding(2) var<storage, read> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// True when `a` beats `b` whatever their places are.
fn better(a: T, b: T) -> bool { return a > b; }
// True when neither beats the other.
fn same(a: T, b: T) -> bool { return a == b; }

@compute @workgroup_size(64)
fn arg_reduce(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.outer * dims.split * dims.inner) { return; }
  let i = index % dims.inner;
  let s = (index / dims.inner) % dims.split;
  let o = index / (dims.inner * dims.split);

  var best = 0u;
  var best_value = input[0];
  for (var r = s; r < dims.R; r += dims.split) {
    var place = r;
    if (AGAIN) { place = found[(o * dims.R + r) * dims.inner + i]; }
    let value = input[(o * dims.length + place) * dims.inner + i];
    if (r == s || better(value, best_value) || (same(value, best_value) && place < best)) {
      best = place;
      best_value = value;
    }
  }
  output[index] = best;
}
