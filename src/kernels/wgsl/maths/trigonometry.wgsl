// trigonometry: sin, cos, tan for every finite float.
//
// Numerics v less the nearest multiple of pi / 2, by integers: v 2 / pi modulo 4 to 64 bits, from the bits of 2 / pi that matter at
//          v's exponent; so large arguments are as good as small ones. Then a polynomial. Within 2 ULP.
// Source   Payne & Hanek 1983, Radian reduction for trigonometric functions; coefficients: scripts/fit-polynomials.py.

// 2 / pi, 32 bits a word; the first word stands before the point.
const two_over_pi = array<u32, 8>(0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);

// The high word of a 32 x 32 bit product, from products of halves.
fn multiply_high_word(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (cross >> 16u) + (other >> 16u);
}

// 32 bits of 2 / pi from bit `first` on.
fn two_over_pi_bits(first: u32) -> u32 {
  let word = first >> 5u;
  let shift = first & 31u;
  return select(two_over_pi[word], (two_over_pi[word] << shift) | (two_over_pi[word + 1u] >> (32u - shift)), shift > 0u);
}

// v = y pi / 2 + x, |x| <= pi / 4, y modulo 4.
fn quarter_turns(v: f32) -> vec2f {
  let bits = bitcast<u32>(v) & 0x7fffffffu;
  if (bits < 0x3f490fdbu || bits >= 0x7f800000u) { return vec2f(v, 0.0); }
  // |v| = significand 2^(exponent - 150); the bits before `first` make whole multiples of 4.
  let significand = (bits & 0x007fffffu) | 0x00800000u;
  let first = (bits >> 23u) - 120u;
  let middle_word = two_over_pi_bits(first + 32u);
  let carry_word = multiply_high_word(significand, two_over_pi_bits(first + 64u));
  let middle = significand * middle_word + carry_word;
  let carry = select(0u, 1u, middle < carry_word);
  let top = significand * two_over_pi_bits(first) + multiply_high_word(significand, middle_word) + carry;
  // (top, middle) is |v| / (2 pi) modulo 1; what is left of the nearest quarter, as sign and size.
  let quarters = (top + 0x20000000u) >> 30u;
  let rest = top - (quarters << 30u);
  let negative = rest >= 0x80000000u;
  let low = select(middle, ~middle + 1u, negative);
  let high = select(rest, ~rest + select(0u, 1u, middle == 0u), negative);
  // The leading 32 bits of it, times 2 pi in two parts.
  let whole = select(high, low, high == 0u);
  let zeros = countLeadingZeros(whole);
  let next = select(low, 0u, high == 0u);
  let word = select(whole, (whole << zeros) | (next >> (32u - zeros)), zeros > 0u);
  let a = f32(word & 0xfff00000u);
  let b = f32(word & 0x000fffffu);
  let turns = a * 6.28125 + (a * 0.00193530717 + b * 6.28318531);
  let size = turns * power_of_two(-32 - i32(zeros) - select(0, 32, high == 0u));
  let flip = negative != (bitcast<u32>(v) >= 0x80000000u);
  let turned = select(quarters, 4u - quarters, bitcast<u32>(v) >= 0x80000000u);
  return vec2f(select(size, -size, flip), f32(turned & 3u));
}

fn sine_near(r: f32) -> f32 {
  let s = r * r;
  return r + r * (s * (-0.166666672 + s * (0.0083333794 + s * (-0.000198530761 + s * 2.8327529e-06))));
}

fn cosine_near(r: f32) -> f32 {
  let s = r * r;
  return 1.0 - (0.5 * s - s * s * (0.0416666456 + s * (-0.00138873095 + s * 2.44323273e-05)));
}

fn sine(v: f32) -> f32 {
  let turned = quarter_turns(v);
  let q = u32(turned.y);
  let size = select(sine_near(turned.x), cosine_near(turned.x), (q & 1u) == 1u);
  return select(nan_of(v), select(size, -size, q >= 2u), is_finite(v));
}

fn cosine(v: f32) -> f32 {
  let turned = quarter_turns(v);
  let q = u32(turned.y);
  let size = select(cosine_near(turned.x), sine_near(turned.x), (q & 1u) == 1u);
  return select(nan_of(v), select(size, -size, q == 1u || q == 2u), is_finite(v));
}

fn tangent(v: f32) -> f32 {
  let turned = quarter_turns(v);
  let odd = (u32(turned.y) & 1u) == 1u;
  let s = sine_near(turned.x);
  let c = cosine_near(turned.x);
  return select(nan_of(v), select(s, -c, odd) / select(c, s, odd), is_finite(v));
}
