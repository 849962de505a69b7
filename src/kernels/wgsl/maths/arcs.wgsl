// arcs: asin, acos, atan and atan2.
//
// Numerics polynomials on [0, 1/2] and [0, 1]; beyond, asin v = pi/2 - 2 asin sqrt((1 - v) / 2) and atan v = pi/2 - atan 1/v. Within 3 ULP.
// Source   Abramowitz & Stegun 4.4; coefficients: scripts/fit-polynomials.py.

// asin(v) for 0 <= v <= 1/2, from v and v^2.
fn arc_sine_near(v: f32, s: f32) -> f32 {
  return v + v * (s * (0.166667551 + s * (0.0749518201 + s * (0.0454861373 + s * (0.0240959246 + s * 0.0423175134)))));
}

// atan(v) for 0 <= v <= 1.
fn arc_tangent_near(v: f32) -> f32 {
  let s = v * v;
  var p = 0.0578788705 + s * (-0.0310935341 + s * (0.0108662713 - s * 0.00178214419));
  p = -0.333332986 + s * (0.199985296 + s * (-0.142640144 + s * (0.109508611 + s * (-0.0839920789 + s * p))));
  return v + v * (s * p);
}

fn arc_sine(v: f32) -> f32 {
  let x = abs(v);
  let s = 0.5 * (1.0 - min(x, 1.0));
  let near = arc_sine_near(x, x * x);
  let far = 1.57079637 - (2.0 * arc_sine_near(sqrt(s), s) + 4.37113900e-08);
  let size = select(far, near, x <= 0.5);
  return select(select(nan_of(v), copy_sign(size, v), x <= 1.0), v, v == 0.0);
}

fn arc_cosine(v: f32) -> f32 {
  let x = abs(v);
  let s = 0.5 * (1.0 - min(x, 1.0));
  let near = 1.57079637 - (copy_sign(arc_sine_near(x, x * x), v) + 4.37113900e-08);
  let edge = 2.0 * arc_sine_near(sqrt(s), s);
  let far = select(edge, 3.14159274 - (edge + 8.74227800e-08), v < 0.0);
  return select(nan_of(v), select(far, near, x <= 0.5), x <= 1.0);
}

fn arc_tangent(v: f32) -> f32 {
  let x = abs(v);
  let angle = arc_tangent_near(select(x, 1.0 / x, x > 1.0));
  let size = select(angle, 1.57079637 - (angle + 4.37113900e-08), x > 1.0);
  return select(copy_sign(size, v), v, is_nan(v) || v == 0.0);
}

// The angle of the point (x, y); zeros have signs, and infinities count as equally large.
fn arc_tangent_2(y: f32, x: f32) -> f32 {
  let large = max(abs(x), abs(y));
  let small = min(abs(x), abs(y));
  // WGSL's division is accurate for divisors up to 2^126 only.
  let scale = select(1.0, 0x1p-24, large > 1e37);
  let ratio = select((small * scale) / (large * scale), 0.0, large == 0.0);
  let near = arc_tangent_near(select(ratio, select(0.0, 1.0, is_infinite(small)), is_infinite(large)));
  let steep = select(near, 1.57079637 - (near + 4.37113900e-08), abs(y) > abs(x));
  let size = select(steep, 3.14159274 - (steep + 8.74227800e-08), bitcast<u32>(x) >= 0x80000000u);
  return select(nan_of(x), copy_sign(size, y), ordered(x, y));
}
