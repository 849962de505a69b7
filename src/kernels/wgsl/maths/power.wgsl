// power: v to the power w, with every special case of IEEE 754's pow.
//
// Numerics 2^(w log2 v) with log2 v to some 34 bits, as a number of 12 bits and a rest; within 2 ULP.
//          log2 v = e + log2(32 / k) + log2(1 + r): k is the whole number nearest to 32 / m, and r = m k / 32 - 1 is exact.
// Source   C17 F.10.4.4 for the special cases.

// log2(32 / k) for k = 23 .. 45: multiples of 2^-15, and what is left.
const log_steps = array<f32, 23>(
  0.4764404296875, 0.4150390625, 0.35614013671875, 0.299560546875, 0.2451171875, 0.192657470703125, 0.14202880859375,
  0.093109130859375, 0.045806884765625, 0.0, -0.044403076171875, -0.08746337890625, -0.1292724609375, -0.169921875,
  -0.209442138671875, -0.2479248046875, -0.285400390625, -0.321929931640625, -0.3575439453125, -0.392303466796875,
  -0.42626953125, -0.459442138671875, -0.491851806640625,
);
const log_rests = array<f32, 23>(
  -2.38574444e-06, -1.56322119e-06, 3.67350663e-06, -2.65016098e-07, -4.68966346e-06, -1.23927612e-05, -9.8037217e-06,
  2.73532095e-07, -3.19515243e-06, 0.0, 8.95681387e-06, 5.37655922e-07, -1.05560075e-05, -3.12644238e-06,
  -1.12269572e-05, -2.70875603e-06, -1.82823726e-06, 1.83675331e-06, -8.0593054e-06, -1.39559816e-05,
  4.77654794e-06, 1.05200343e-05, -1.28968907e-06,
);

// log2 of a positive finite v: 12 leading bits and the rest.
fn logarithm_2_pair(v: f32) -> vec2f {
  let parts = exponent_and_significand(v);
  let bits = bitcast<u32>(parts.y);
  let k = u32(clamp(round(32.0 / parts.y), 23.0, 45.0));
  let below_1 = bits < 0x3f800000u;
  let product = i32(((bits & 0x007fffffu) | 0x00800000u) * k) - select(0x10000000, 0x20000000, below_1);
  let r = f32(product) * select(0x1p-28, 0x1p-29, below_1);

  // log(1 + r) = r - r^2 / 2 + ..., the leading 12 bits apart.
  let r_high = leading(r);
  let r_low = r - r_high;
  let high = leading(r - 0.5 * r * r);
  let tail = r * r * r * (0.333333333 + r * (-0.25 + r * (0.2 - r * 0.166666667)));
  let low = ((r_high - high) - 0.5 * r_high * r_high) + (r_low - (r_high * r_low + 0.5 * r_low * r_low)) + tail;

  let whole = parts.x + log_steps[k - 23u];
  let scaled = high * 1.4423828125;
  let rest = high * 0.000312228396 + low * 1.44269504;
  let result = leading(whole + scaled);
  return vec2f(result, ((whole - result) + scaled) + (rest + log_rests[k - 23u]));
}

// v^w for positive finite v.
fn power_of_positive(v: f32, w: f32) -> f32 {
  let base = logarithm_2_pair(v);
  let exponent = clamp(w, -0x1p40, 0x1p40);
  let exponent_high = leading(exponent);
  let high = exponent_high * base.x;
  let low = (exponent - exponent_high) * base.x + exponent * base.y;
  let n = clamp(round(high + low), -160.0, 140.0);
  let r = clamp((high - n) + low, -1.0, 1.0) * 0.693147181;
  return scale_by_power(1.0 + (r + exp_tail(r)), i32(n));
}

fn power(v: f32, w: f32) -> f32 {
  let size = bitcast<u32>(v) & 0x7fffffffu;
  let negative = bitcast<u32>(v) >= 0x80000000u;
  let whole = floor(w) == w;
  let odd = whole && abs(w) < 16777216.0 && (i32(clamp(w, -16777216.0, 16777216.0)) & 1) != 0;
  let extreme = size == 0u || size == 0x7f800000u;
  // Zero to a negative power and infinity to a positive one are infinite, and the other way round zero.
  let ends = select(0.0, infinity_of(abs(v)), (size == 0u) == (w < 0.0));
  let regular = power_of_positive(select(abs(v), 1.0, extreme || is_nan(v)), w);
  let positive = select(regular, ends, extreme);
  let signed = select(positive, -positive, negative && odd);
  let real = select(signed, nan_of(v), negative && !extreme && !whole);
  let result = select(real, nan_of(v), is_nan(v) || is_nan(w));
  return select(result, 1.0, !is_true(w) || bitcast<u32>(v) == 0x3f800000u);
}

// Whole numbers wrap around; negative exponents give 0, except for the bases 1 and -1.
fn i32_power(v: i32, w: i32) -> i32 {
  if (w < 0) { return select(select(0, select(1, -1, (w & 1) != 0), v == -1), 1, v == 1); }
  return bitcast<i32>(u32_power(bitcast<u32>(v), u32(w)));
}

fn u32_power(v: u32, w: u32) -> u32 {
  var result = 1u;
  var base = v;
  for (var rest = w; rest != 0u; rest >>= 1u) {
    if ((rest & 1u) != 0u) { result *= base; }
    base *= base;
  }
  return result;
}
