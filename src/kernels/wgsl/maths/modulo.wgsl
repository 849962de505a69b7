// modulo: the remainders of a division, and its floor.
//
// Numerics exact, as C's fmod: long division of the significands, 8 bits a step. Subnormal results may be flushed to zero.
// Source   C17 7.12.10.1; the signs of PyTorch: fmod has the sign of v, remainder that of w.

// |v| modulo |w| for finite numbers, w not 0.
fn modulo_of_sizes(v: u32, w: u32) -> f32 {
  let v_exponent = max(v >> 23u, 1u);
  let w_exponent = max(w >> 23u, 1u);
  let divisor = (w & 0x007fffffu) | select(0u, 0x00800000u, w >= 0x00800000u);
  var rest = ((v & 0x007fffffu) | select(0u, 0x00800000u, v >= 0x00800000u)) % divisor;
  for (var steps = v_exponent - w_exponent; steps > 0u && rest > 0u; steps -= min(steps, 8u)) {
    rest = (rest << min(steps, 8u)) % divisor;
  }
  return scale_by_power(f32(rest), i32(w_exponent) - 150);
}

fn float_fmod(v: f32, w: f32) -> f32 {
  let v_bits = bitcast<u32>(v) & 0x7fffffffu;
  let w_bits = bitcast<u32>(w) & 0x7fffffffu;
  if (v_bits >= 0x7f800000u || w_bits > 0x7f800000u || w_bits == 0u) { return nan_of(v); }
  if (v_bits < w_bits) { return v; }
  return copy_sign(modulo_of_sizes(v_bits, w_bits), v);
}

fn float_remainder(v: f32, w: f32) -> f32 {
  let rest = float_fmod(v, w);
  return select(rest, rest + w, is_true(rest) && (rest < 0.0) != (w < 0.0));
}

// The floor of the true quotient: v / w itself may round up to a whole number.
fn float_floor_div(v: f32, w: f32) -> f32 {
  let rest = float_fmod(v, w);
  let quotient = (v - rest) / w - select(0.0, 1.0, is_true(rest) && (rest < 0.0) != (w < 0.0));
  let below = floor(quotient);
  let whole = select(copy_sign(0.0, v / w), below + select(0.0, 1.0, quotient - below > 0.5), is_true(quotient));
  return select(select(whole, v / w, !is_true(w)), nan_of(v), is_nan(rest) && is_true(w));
}

// Whole numbers: a divisor of 0 gives the quotient -1 or the largest number, and the remainder v, on every adapter.
fn i32_fmod(v: i32, w: i32) -> i32 {
  return select(v % select(w, 1, w == 0 || w == -1), select(0, v, w == 0), w == 0 || w == -1);
}

fn i32_remainder(v: i32, w: i32) -> i32 {
  let rest = i32_fmod(v, w);
  return select(rest, rest + w, rest != 0 && w != 0 && (rest < 0) != (w < 0));
}

fn i32_floor_div(v: i32, w: i32) -> i32 {
  if (w == 0) { return -1; }
  if (w == -1) { return -v; }
  return v / w - select(0, 1, v % w != 0 && (v < 0) != (w < 0));
}

fn u32_remainder(v: u32, w: u32) -> u32 {
  return select(v % max(w, 1u), v, w == 0u);
}

fn u32_floor_div(v: u32, w: u32) -> u32 {
  return select(v / max(w, 1u), 0xffffffffu, w == 0u);
}
