// bits: what WGSL leaves open about NaN, infinity, signed zero and subnormals, settled by looking at the bits.
//
// WGSL may assume that floats are finite, may flush subnormals to zero and need not keep the sign of zero. Integers are exact, so
// these functions are the same on every adapter. NaN and infinity are made from a value's bits: a constant one is an error in WGSL.

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn is_infinite(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) == 0x7f800000u;
}

fn is_finite(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

// False for both zeros only: NaN and subnormals count as true, as they do in PyTorch.
fn is_true(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) != 0u;
}

fn ordered(v: f32, w: f32) -> bool {
  return !is_nan(v) && !is_nan(w);
}

// A whole number that is ordered as the floats are; both zeros are 0.
fn order_key(v: f32) -> i32 {
  let bits = bitcast<i32>(v);
  return select(bits, -(bits & 0x7fffffff), bits < 0);
}

// v limited to [low, high], which may be infinite; NaN stays NaN.
fn limited(v: f32, low: f32, high: f32) -> f32 {
  let above = select(v, low, order_key(v) < order_key(low));
  return select(select(above, high, order_key(above) > order_key(high)), v, is_nan(v));
}

fn nan_of(v: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(v) | 0x7fc00000u);
}

// Infinity with the sign of v.
fn infinity_of(v: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(v) & 0x80000000u) | 0x7f800000u);
}

// The size of v with the sign of w.
fn copy_sign(v: f32, w: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(v) & 0x7fffffffu) | (bitcast<u32>(w) & 0x80000000u));
}

// The leading 12 bits of the significand: products of two such numbers are exact, and no compiler sees through it.
fn leading(v: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(v) & 0xfffff000u);
}

// 2^n for -126 <= n <= 127.
fn power_of_two(n: i32) -> f32 {
  return bitcast<f32>(u32(n + 127) << 23u);
}

// v 2^n for -252 <= n <= 254, in two steps, as 2^n itself may not be representable.
fn scale_by_power(v: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return v * power_of_two(half) * power_of_two(n - half);
}
