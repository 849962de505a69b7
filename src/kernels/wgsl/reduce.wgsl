// reduce: combines the elements along one axis, in one pass of many threads each.
//
//   output[o, s, i] = finish(combine over r in s, s + SPLIT, s + 2 SPLIT, ... < R of element(input[o, r, i]))
//
// Shapes   input [OUTER, R, INNER]     output [OUTER, SPLIT, INNER]; the host repeats it on its own output until SPLIT is 1.
// Layout   row-major, contiguous, 32-bit elements: T in the input, A in the output and while combining.
// Mapping  one invocation = one output element; neighbours read neighbouring addresses whatever INNER is.
// Numerics four running values a thread, combined at the end; with at most 256 elements a thread the relative error of a sum
//          of R terms grows like log(R) * 64 eps_f32 at worst. `start` is the first element for max and min, so no infinity is needed.
//          Integers wrap around.
// Gradient broadcast of the output's gradient (sum, mean), or to where the extreme was (max, min): src/tensor/ops.
// Source   pairwise summation, Higham 1993; no barrier, no atomics, so the same bits on every run.

struct Dims {
  outer: u32,
  R: u32,
  inner: u32,
  split: u32,
  scale: f32,
}

alias T = f32;
alias A = f32;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<T>;
@group(0) @binding(2) var<storage, read_write> output: array<A>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn element(v: T) -> A { return v; }
fn combine(a: A, b: A) -> A { return a + b; }
fn start(first: A) -> A { return A(); }
fn finish(v: A) -> A { return v; }

@compute @workgroup_size(64)
fn reduce(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.outer * dims.split * dims.inner) { return; }
  let i = index % dims.inner;
  let s = (index / dims.inner) % dims.split;
  let o = index / (dims.inner * dims.split);
  let base = o * dims.R * dims.inner + i;

  let first = start(element(input[base + s * dims.inner]));
  var a = first;
  var b = first;
  var c = first;
  var d = first;
  var r = s;
  let step = dims.split;
  for (; r + 3u * step < dims.R; r += 4u * step) {
    a = combine(a, element(input[base + r * dims.inner]));
    b = combine(b, element(input[base + (r + step) * dims.inner]));
    c = combine(c, element(input[base + (r + 2u * step) * dims.inner]));
    d = combine(d, element(input[base + (r + 3u * step) * dims.inner]));
  }
  for (; r < dims.R; r += step) {
    a = combine(a, element(input[base + r * dims.inner]));
  }
  output[index] = finish(combine(combine(a, b), combine(c, d)));
}
