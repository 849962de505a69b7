// random: the counter-based generator Philox4x32-10, and on it the distributions.
//
//   output[4 b + j] = draw(word j of philox(key, counter + first + b)),  j = 0..3
//
// Shapes   stream [6]: key (2 words, low first), counter (4 words, low first)     output [4 BLOCKS] of OUT
// Layout   `bool` is a u32 that is 0 or 1. The last block is written whole: buffers are multiples of 256 bytes.
// Mapping  one invocation = one block of 4 numbers; grid x then y cover the workgroups of 64.
// Numerics the words are exact and the same on every adapter; so are integers and bits below 2^-24. Normal numbers invert the
//          distribution function: relative error 3e-7 (plus the adapter's log) up to 5.5 sigma, 4e-4 at the end, 6.3 sigma.
// Gradient none: random numbers are leaves.
// Source   Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3; Giles 2012, Approximating the erfinv function.

struct Dims {
  blocks: u32,
  first: u32,
  low: f32,
  scale: f32,
  low_int: i32,
  range: u32,
}

alias OUT = u32;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> stream: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<OUT>>;

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

// Uniform in [0, 1): the 24 bits that f32 holds exactly.
fn unit(word: u32) -> f32 {
  return f32(word >> 8u) * 0x1p-24;
}

// low + scale u, u in [0, 1); the addition may round up to the end of the interval, which is not part of it.
fn uniform_number(word: u32) -> f32 {
  let value = dims.low + dims.scale * unit(word);
  return select(value, dims.low, value >= dims.low + dims.scale);
}

// sqrt(2) erfinv(x) / x, from w = -log(1 - x^2): the first branch to |x| = 0.9966, the second beyond.
fn normal_slope(w: f32) -> f32 {
  let c = w - 2.5;
  var near = 2.81022636e-08;
  near = 3.43273939e-07 + near * c;
  near = -3.5233877e-06 + near * c;
  near = -4.39150654e-06 + near * c;
  near = 0.00021858087 + near * c;
  near = -0.00125372503 + near * c;
  near = -0.00417768164 + near * c;
  near = 0.246640727 + near * c;
  near = 1.50140941 + near * c;
  let t = sqrt(max(w, 0.0)) - 3.0;
  var tail = -0.000200214257;
  tail = 0.000100950558 + tail * t;
  tail = 0.00134934322 + tail * t;
  tail = -0.00367342844 + tail * t;
  tail = 0.00573950773 + tail * t;
  tail = -0.0076224613 + tail * t;
  tail = 0.00943887047 + tail * t;
  tail = 1.00167406 + tail * t;
  tail = 2.83297682 + tail * t;
  return 1.41421356 * select(tail, near, w < 5.0);
}

// Standard normal. The top bit is the sign; 1 - x comes from the other bits directly, as f32 would lose it near x = 1.
fn normal_number(word: u32) -> f32 {
  let magnitude = word & 0x7fffffffu;
  let x = (f32(magnitude) + 0.5) * 0x1p-31;
  let edge = (f32(0x7fffffffu - magnitude) + 0.5) * 0x1p-31;
  let z = x * normal_slope(-log(edge * (1.0 + x)));
  return select(z, -z, word > 0x7fffffffu);
}

// Standard normal given that it lies within 2 sigma: x spans (-erf(sqrt 2), erf(sqrt 2)).
fn truncated_number(word: u32) -> f32 {
  let x = 0.95449974 * (f32(word & 0x7fffffffu) + 0.5) * 0x1p-31;
  let z = min(x * normal_slope(-log((1.0 - x) * (1.0 + x))), 2.0);
  return select(z, -z, word > 0x7fffffffu);
}

fn draw(word: u32) -> OUT { return word; }

@compute @workgroup_size(64)
fn random(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= dims.blocks) { return; }
  let words = words_of(dims.first + index);
  output[index] = vec4<OUT>(draw(words.x), draw(words.y), draw(words.z), draw(words.w));
}
