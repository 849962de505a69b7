// reduce-lanes: combines the elements along one axis, several invocations to one output element.
//
//   output[o, s, i] = finish(combine over r in [0, R) with r / LANES mod SPLIT = s of element(input[o, r, i]))
//
// Shapes   input [OUTER, R, INNER]     output [OUTER, SPLIT, INNER]; R >= SPLIT LANES. LANES, a power of two <= 64, is a uniform.
// Layout   row-major, contiguous, 32-bit elements: T in the input, A in the output and while combining.
// Mapping  a workgroup of 64 = 64 / LANES output elements, LANES invocations each; neighbours read neighbouring addresses where
//          INNER is 1 or at least 64 / LANES.
// Numerics four running values a lane, combined at the end; then FEW sums of LANES / FEW lanes each, then those. With at most 64
//          elements a lane no sum has more than 34 additions in a row. `start` is the first element for max and min.
// Gradient as that of reduce.wgsl.
// Source   as reduce.wgsl; the order is fixed, so the same bits on every run.

struct Dims {
  outer: u32,
  R: u32,
  inner: u32,
  split: u32,
  scale: f32,
  lanes: u32,
  few: u32,
}

alias T = f32;
alias A = f32;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<T>;
@group(0) @binding(2) var<storage, read_write> output: array<A>;

var<workgroup> scratch: array<A, 64>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn element(v: T) -> A { return v; }
fn combine(a: A, b: A) -> A { return a + b; }
fn start(first: A) -> A { return A(); }
fn finish(v: A) -> A { return v; }

@compute @workgroup_size(64)
fn reduce_lanes(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let columns = 64u / dims.lanes;
  let lane = select(thread / columns, thread % dims.lanes, dims.inner == 1u);
  let column = select(thread % columns, thread / dims.lanes, dims.inner == 1u);
  let index = (group.y * groups.x + group.x) * columns + column;
  let inside = index < dims.outer * dims.split * dims.inner;
  // Invocations without an output element of their own do the first one's work, for the barriers' sake.
  let mine = select(0u, index, inside);
  let i = mine % dims.inner;
  let s = (mine / dims.inner) % dims.split;
  let o = mine / (dims.inner * dims.split);
  let base = o * dims.R * dims.inner + i;

  var r = s * dims.lanes + lane;
  let first = start(element(input[base + r * dims.inner]));
  var a = first;
  var b = first;
  var c = first;
  var d = first;
  let step = dims.split * dims.lanes;
  for (; r + 3u * step < dims.R; r += 4u * step) {
    a = combine(a, element(input[base + r * dims.inner]));
    b = combine(b, element(input[base + (r + step) * dims.inner]));
    c = combine(c, element(input[base + (r + 2u * step) * dims.inner]));
    d = combine(d, element(input[base + (r + 3u * step) * dims.inner]));
  }
  for (; r < dims.R; r += step) {
    a = combine(a, element(input[base + r * dims.inner]));
  }
  let at = lane * columns + column;
  scratch[at] = combine(combine(a, b), combine(c, d));
  workgroupBarrier();
  if (lane < dims.few) {
    var sum = scratch[at];
    for (var other = lane + dims.few; other < dims.lanes; other += dims.few) {
      sum = combine(sum, scratch[other * columns + column]);
    }
    scratch[at] = sum;
  }
  workgroupBarrier();
  if (lane > 0u || !inside) { return; }
  var total = scratch[at];
  for (var other = 1u; other < dims.few; other++) {
    total = combine(total, scratch[other * columns + column]);
  }
  output[index] = finish(total);
}
