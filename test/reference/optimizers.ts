/** Trajectories of the optimizers in float64: the parameter after applying every gradient in turn. */

type Numbers = ArrayLike<number>;

/** torch.optim.SGD. */
export function sgdReference(
  start: Numbers,
  gradients: readonly Numbers[],
  {
    lr,
    momentum = 0,
    nesterov = false,
    dampening = 0,
    weightDecay = 0,
  }: { lr: number; momentum?: number; nesterov?: boolean; dampening?: number; weightDecay?: number },
): Float64Array {
  const p = Float64Array.from(start);
  const b = new Float64Array(p.length);
  gradients.forEach((gradient, step) => {
    for (let i = 0; i < p.length; i++) {
      let g = gradient[i]! + weightDecay * p[i]!;
      if (momentum > 0) {
        b[i] = step === 0 ? g : momentum * b[i]! + (1 - dampening) * g;
        g = nesterov ? g + momentum * b[i]! : b[i]!;
      }
      p[i]! -= lr * g;
    }
  });
  return p;
}

/** keras.optimizers.SGD of Keras 2.2.4: the velocity holds the learning rate. */
export function kerasSgdReference(
  start: Numbers,
  gradients: readonly Numbers[],
  { lr, momentum, nesterov }: { lr: number; momentum: number; nesterov: boolean },
): Float64Array {
  const p = Float64Array.from(start);
  const moments = new Float64Array(p.length);
  for (const gradient of gradients) {
    for (let i = 0; i < p.length; i++) {
      const v = momentum * moments[i]! - lr * gradient[i]!;
      moments[i] = v;
      p[i]! += nesterov ? momentum * v - lr * gradient[i]! : v;
    }
  }
  return p;
}

/** torch.optim.Adam, or keras.optimizers.Adam of Keras 2.2.4 with `keras`: they differ in where eps stands. */
export function adamReference(
  start: Numbers,
  gradients: readonly Numbers[],
  {
    lr = 1e-3,
    betas = [0.9, 0.999],
    eps = 1e-8,
    amsgrad = false,
    weightDecay = 0,
  }: { lr?: number; betas?: readonly [number, number]; eps?: number; amsgrad?: boolean; weightDecay?: number },
  keras = false,
): Float64Array {
  const p = Float64Array.from(start);
  const [m, v, largest] = [0, 0, 0].map(() => new Float64Array(p.length)) as [Float64Array, Float64Array, Float64Array];
  gradients.forEach((gradient, step) => {
    const c1 = 1 - betas[0] ** (step + 1);
    const c2 = 1 - betas[1] ** (step + 1);
    for (let i = 0; i < p.length; i++) {
      const g = gradient[i]! + weightDecay * p[i]!;
      m[i] = betas[0] * m[i]! + (1 - betas[0]) * g;
      v[i] = betas[1] * v[i]! + (1 - betas[1]) * g * g;
      largest[i] = Math.max(largest[i]!, v[i]!);
      const root = Math.sqrt(amsgrad ? largest[i]! : v[i]!);
      p[i]! -= keras
        ? (lr * Math.sqrt(c2) * m[i]!) / (c1 * (root + eps))
        : (lr * m[i]!) / (c1 * (root / Math.sqrt(c2) + eps));
    }
  });
  return p;
}

interface Common {
  lr: number;
  eps: number;
  weightDecay?: number;
  maximize?: boolean;
}

/** Steps of an optimizer of torch.optim, one element at a time: `update` gets the element's own state, empty at first. */
function elementwise<S extends object>(
  start: Numbers,
  gradients: readonly Numbers[],
  { weightDecay = 0, maximize = false }: { weightDecay?: number; maximize?: boolean },
  update: (p: number, g: number, t: number, state: Partial<S>) => number,
): Float64Array {
  return Float64Array.from(start, (value, i) => {
    const state: Partial<S> = {};
    return gradients.reduce<number>(
      (p, gradient, step) => update(p, (maximize ? -1 : 1) * gradient[i]! + weightDecay * p, step + 1, state),
      value,
    );
  });
}

/** torch.optim.RMSprop. */
export function rmsPropReference(
  start: Numbers,
  gradients: readonly Numbers[],
  options: Common & { alpha: number; momentum?: number; centered?: boolean },
): Float64Array {
  const { lr, eps, alpha, momentum = 0, centered = false } = options;
  return elementwise<{ v: number; a: number; b: number }>(start, gradients, options, (p, g, _t, state) => {
    state.v = alpha * (state.v ?? 0) + (1 - alpha) * g * g;
    state.a = centered ? alpha * (state.a ?? 0) + (1 - alpha) * g : 0;
    state.b = momentum * (state.b ?? 0) + g / (Math.sqrt(state.v - state.a ** 2) + eps);
    return p - lr * state.b;
  });
}

/** torch.optim.Adagrad. */
export function adagradReference(
  start: Numbers,
  gradients: readonly Numbers[],
  options: Common & { lrDecay?: number; initialAccumulatorValue?: number },
): Float64Array {
  const { lr, eps, lrDecay = 0, initialAccumulatorValue = 0 } = options;
  return elementwise<{ sum: number }>(start, gradients, options, (p, g, t, state) => {
    state.sum = (state.sum ?? initialAccumulatorValue) + g * g;
    return p - ((lr / (1 + (t - 1) * lrDecay)) * g) / (Math.sqrt(state.sum) + eps);
  });
}
