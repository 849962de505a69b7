// sort-order: the order that sorts one axis, stable, in one pass of a merge sort.
//
//   first pass: sorts blocks of 32;  MERGE: joins neighbouring runs of `width` sorted elements into runs of 2 width
//
// Shapes   keys, order, output [OUTER, L, INNER]; order and output hold places along the axis
// Layout   row-major, contiguous; T in keys, u32 in order and output.
// Mapping  one invocation = one element, which finds its place in the output: its rank among its own run and the other one.
// Numerics exact. NaN comes after every number when sorted upwards, before when downwards.
// Gradient none: whole numbers.
// Source   merge by ranks, Cole 1988; no barrier, no atomics.

struct Dims {
  n: u32,
  L: u32,
  inner: u32,
  width: u32,
}

alias T = f32;
const MERGE = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> keys: array<T>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// True when key `a` must come before key `b` whatever their places are.
fn before(a: T, b: T) -> bool { return a < b; }

@compute @workgroup_size(64)
fn sort_order(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let i = index % dims.inner;
  let p = (index / dims.inner) % dims.L;
  let base = index / (dims.inner * dims.L) * dims.L * dims.inner + i;
  let run = p / dims.width * dims.width;

  if (!MERGE) {
    let own = keys[index];
    var rank = run;
    for (var q = run; q < min(run + dims.width, dims.L); q++) {
      let other = keys[base + q * dims.inner];
      if (before(other, own) || (q < p && !before(own, other))) { rank++; }
    }
    output[base + rank * dims.inner] = p;
    return;
  }

  let place = order[index];
  let own = keys[base + place * dims.inner];
  let is_left = (run / dims.width) % 2u == 0u;
  let other_run = select(run - dims.width, min(run + dims.width, dims.L), is_left);
  var first = other_run;
  var last = select(run, min(other_run + dims.width, dims.L), is_left);
  while (first < last) {
    let middle = (first + last) / 2u;
    let other = keys[base + order[base + middle * dims.inner] * dims.inner];
    // Of equal keys those of the left run come first.
    let goes_before = before(other, own) || (!is_left && !before(own, other));
    if (goes_before) { first = middle + 1u; } else { last = middle; }
  }
  let begin = min(run, other_run);
  output[base + (begin + (p - run) + (first - other_run)) * dims.inner] = place;
}
