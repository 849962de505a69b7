// log: logarithms to base e, 2 and 10, and log(1 + v).
//
// Numerics v = 2^e m, sqrt(1/2) <= m < sqrt(2), taken from the bits, subnormals too; f = m - 1 is exact; a polynomial for f. Below 1.5 ULP.
// Source   Cody & Waite 1980, Software manual for the elementary functions; coefficients: scripts/fit-polynomials.py.

// The exponent and the significand of a positive finite v; 0x3f3504f3 is sqrt(1/2).
fn exponent_and_significand(v: f32) -> vec2f {
  let bits = bitcast<u32>(v) & 0x7fffffffu;
  let subnormal = bits < 0x00800000u;
  // A subnormal is its bits times 2^-149.
  let normal = bitcast<i32>(select(bits, bitcast<u32>(f32(bits)), subnormal));
  let e = (normal - 0x3f3504f3) >> 23u;
  return vec2f(f32(e) - select(0.0, 149.0, subnormal), bitcast<f32>(normal - (e << 23u)));
}

// log(1 + f) - f for sqrt(1/2) <= 1 + f < sqrt(2).
fn log_tail(f: f32) -> f32 {
  var p = 0.118835486 + f * (-0.116700992 + f * 0.067492716);
  p = 0.200020716 + f * (-0.166679889 + f * (0.142203584 + f * (-0.124062337 + f * p)));
  return f * f * (f * (0.333333135 + f * (-0.250000089 + f * p)) - 0.5);
}

// What a logarithm is where v is zero (-infinity), negative or NaN (NaN) or infinite; else `regular`.
fn log_special(v: f32, regular: f32) -> f32 {
  let bits = bitcast<u32>(v);
  let high = select(regular, v, bits >= 0x7f800000u);
  let negative = select(high, nan_of(v), bits > 0x80000000u);
  return select(negative, infinity_of(-1.0 - abs(v)), (bits & 0x7fffffffu) == 0u);
}

fn logarithm(v: f32) -> f32 {
  let parts = exponent_and_significand(v);
  let f = parts.y - 1.0;
  let low = log_tail(f) + parts.x * 3.19461833e-05;
  return log_special(v, parts.x * 0.693115234375 + (f + low));
}

fn logarithm_2(v: f32) -> f32 {
  let parts = exponent_and_significand(v);
  let f = parts.y - 1.0;
  let high = leading(f);
  let low = (f - high) + log_tail(f);
  return log_special(v, parts.x + (high * 1.4423828125 + (high * 0.000312228396 + low * 1.44269504)));
}

fn logarithm_10(v: f32) -> f32 {
  let parts = exponent_and_significand(v);
  let f = parts.y - 1.0;
  let high = leading(f);
  let low = (f - high) + log_tail(f);
  let rest = (high * 9.03803375e-05 + low * 0.434294492) + parts.x * 4.60503907e-06;
  return log_special(v, parts.x * 0.301025390625 + (high * 0.4342041015625 + rest));
}

// log u for u = 1 + v with its last bit cleared, plus the rest over u: what rounding 1 + v lost is not lost.
fn logarithm_1_plus(v: f32) -> f32 {
  let whole = 1.0 + v;
  let u = bitcast<f32>(bitcast<u32>(whole) & 0xfffffffeu);
  let rest = select(v - (u - 1.0), 1.0 - (u - v), v > 1.0);
  let parts = exponent_and_significand(u);
  let f = parts.y - 1.0;
  let low = log_tail(f) + (parts.x * 3.19461833e-05 + rest / u);
  let result = log_special(whole, parts.x * 0.693115234375 + (f + low));
  return select(result, v, abs(v) < 1e-9);
}
