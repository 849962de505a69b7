// dropout: zeroes elements at random and scales the others up.
//
//   output[i] = u[i] >= rate ? scale * x[i] : 0,  scale = 1 / (1 - rate),  u[i] in [0, 1) from word i of the stream
//
// Shapes   x, output [n] under any shape     stream [6]: key (2 words, low first), counter (4 words, low first)
// Layout   contiguous f32, read and written as vec4; the last vec4 may lie over the end: buffers are multiples of 256 bytes.
// Mapping  one invocation = one block of 4 elements; grid x then y cover the workgroups of 64.
// Numerics one rounding; the mask is the same on every adapter and is never stored.
// Gradient itself: the same stream gives the same mask.
// Source   Srivastava et al. 2014 ("inverted" form, as in every framework); Philox4x32-10 as in random.wgsl.

struct Dims {
  blocks: u32,
  first: u32,
  rate: f32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> stream: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// The high word of a 32 x 32 bit product, from products of halves.
fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (cross >> 16u) + (other >> 16u);
}

fn philox(key_start: vec2u, counter: vec4u) -> vec4u {
  var key = key_start;
  var c = counter;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      multiply_high(0xCD9E8D57u, c.z) ^ c.y ^ key.x,
      0xCD9E8D57u * c.z,
      multiply_high(0xD2511F53u, c.x) ^ c.w ^ key.y,
      0xD2511F53u * c.x,
    );
    key += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}

// The words of block b of the stream; the counter's low half is one 64-bit number.
fn words_of(b: u32) -> vec4u {
  let low = stream[2] + b;
  let high = stream[3] + select(0u, 1u, low < b);
  return philox(vec2u(stream[0], stream[1]), vec4u(low, high, stream[4], stream[5]));
}

@compute @workgroup_size(64)
fn dropout(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.blocks) { return; }
  let u = vec4f(words_of(dims.first + index) >> vec4u(8u)) * 0x1p-24;
  output[index] = select(vec4f(0.0), dims.scale * x[index], u >= vec4f(dims.rate));
}
