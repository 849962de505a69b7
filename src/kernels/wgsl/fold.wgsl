// fold: the transpose of unfold: windows put back into an image, overlaps added up: col2im.
//
//   output[n, h, w, c] = sum over ky, kx with h + padding = p*stride + ky*dilation, w + padding = q*stride + kx*dilation
//     of input[n, p, q, ky, kx, c]
//
// Shapes   input [N, OH, OW, KH, KW, C]     output NHWC [N, H, W, C]
// Layout   row-major, contiguous, f32; V is f32, or vec4f when the channels are a multiple of 4, and C then counts vec4s.
// Mapping  one invocation = one V of the output; it gathers, so there are no atomics; grid x then y.
// Numerics accumulates in f32 the taps of a row, then the rows: at most KH * KW terms.
// Gradient unfold.wgsl, its transpose; each is the other's gradient.
// Source   torch.nn.functional.fold, channels last.

alias V = f32;

struct Dims {
  // Kernel, stride, padding before and dilation of each axis.
  rows: vec4u,
  columns: vec4u,
  n: u32,
  H: u32,
  W: u32,
  OH: u32,
  OW: u32,
  C: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<V>;
@group(0) @binding(2) var<storage, read_write> output: array<V>;

@compute @workgroup_size(64)
fn fold(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.n) { return; }
  let pixel = index / dims.C;
  let c = index - pixel * dims.C;
  let line = pixel / dims.W;
  let n = line / dims.H;
  let y = line - n * dims.H + dims.rows.z;
  let x = pixel - line * dims.W + dims.columns.z;

  var total = V();
  for (var ky = 0u; ky < dims.rows.x; ky++) {
    let top = ky * dims.rows.w;
    if (top > y) { break; }
    let p = (y - top) / dims.rows.y;
    if (p * dims.rows.y != y - top || p >= dims.OH) { continue; }
    var sum = V();
    for (var kx = 0u; kx < dims.columns.x; kx++) {
      let left = kx * dims.columns.w;
      if (left > x) { break; }
      let q = (x - left) / dims.columns.y;
      if (q * dims.columns.y != x - left || q >= dims.OW) { continue; }
      let window = (n * dims.OH + p) * dims.OW + q;
      sum += input[((window * dims.rows.x + ky) * dims.columns.x + kx) * dims.C + c];
    }
    total += sum;
  }
  output[index] = total;
}
