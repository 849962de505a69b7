// blend: adds to a tensor in place, for moving averages and sums of gradients.
//
//   parameter = keep * parameter + gain * gradient
//
// Shapes   scalars [rows] of struct Scalars, one row a parameter
//          gradient (what is added), parameter [n] under any shape
// Layout   contiguous f32 as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = 4 elements; grid x then y cover the workgroups of 64; large parameters in windows. The host puts
//          `update` once for each of several parameters into one kernel.
// Numerics f32. Where keep is 0 the old content is ignored, NaN included.
// Gradient none.
// Source   Polyak & Juditsky 1992.

struct Dims {
  blocks: u32,
  row: u32,
}

struct Scalars {
  keep: f32,
  gain: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<Scalars>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parameter: array<vec4f>;

fn update(i: u32, s: Scalars) {
  let before = select(s.keep * parameter[i], vec4f(0.0), s.keep == 0.0);
  parameter[i] = before + s.gain * gradient[i];
}

@compute @workgroup_size(64)
fn blend(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= dims.blocks) { return; }
  update(i, scalars[dims.row]);
}
