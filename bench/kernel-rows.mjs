// The rows of `npm run bench`: what is computed, and how a result is checked.
import { Adam } from "../dist/nn/adam.js";
import { backward } from "../dist/tensor/backward.js";
import { batchNorm2d } from "../dist/tensor/ops/batch-norm2d.js";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "../dist/tensor/ops/conv2d.js";
import { add, relu, sigmoid } from "../dist/tensor/ops/elementwise.js";
import { linear } from "../dist/tensor/ops/linear.js";
import { matmul } from "../dist/tensor/ops/matmul.js";
import { sum } from "../dist/tensor/ops/sum.js";
import { upsample2d } from "../dist/tensor/ops/upsample2d.js";
import { zeros } from "../dist/tensor/tensor.js";
import { random, uniform } from "./common.mjs";

const host = async (t) => (await t.data()).map(Number);

/** Compares some elements with sums in double precision; `expected(i)` gives the value and the sum of its terms' magnitudes. */
async function sampled(name, result, expected) {
  const got = await result.data();
  const places = [0, got.length - 1, ...uniform(30, 3, 0, got.length).map(Math.floor)];
  for (const i of places) {
    const [value, size] = expected(Math.floor(i));
    if (!(Math.abs(got[Math.floor(i)] - value) <= 1e-5 * Math.max(size, 1e-6)))
      throw new Error(`${name}: element ${Math.floor(i)} is ${got[Math.floor(i)]}, not ${value}`);
  }
}
const dot = (count, term) => {
  let value = 0;
  let size = 0;
  for (let k = 0; k < count; k++) {
    const product = term(k);
    value += product;
    size += Math.abs(product);
  }
  return [value, size];
};

/** A side or a number of channels, small in a quick run. */
const small =
  (quick) =>
  (n, least = 12) =>
    quick ? Math.min(n, least) : n;

/** Matrix products, even and odd. */
export function matmulRows({ device, row, quick }) {
  const at = small(quick);
  for (const [M, N, K] of [
    [1024, 1024, 1024],
    [1021, 1021, 1021],
  ]) {
    const [m, n, k] = [at(M, 37), at(N, 41), at(K, 43)];
    const work = { flops: 2 * m * n * k, bytes: 4 * (m * k + k * n + m * n) };
    row(`matmul ${m} x ${k} x ${n}`, work, () => {
      const [a, b] = [random(device, m, k), random(device, k, n)];
      const check = async (result) => {
        const [x, y] = [await host(a), await host(b)];
        const i = (e) => Math.floor(e / n);
        await sampled("matmul", result, (e) => dot(k, (p) => x[i(e) * k + p] * y[p * n + (e % n)]));
      };
      return { run: () => matmul(a, b), check };
    });
  }
}

/** The dense layers between voxels and maps. */
export function denseRows({ device, row, quick, batch }) {
  const at = small(quick);
  for (const [IN, OUT, label] of [
    [4500, 12544, "Decoder, 4,500 voxels"],
    [8500, 12544, "Decoder, 8,500 voxels"],
    [6272, 4500, "Encoder, 4,500 voxels"],
  ]) {
    const [inputs, outputs] = [at(IN, 50), at(OUT, 60)];
    const work = { flops: 2 * batch * inputs * outputs, bytes: 4 * inputs * outputs };
    const setUp = () => [
      random(device, batch, inputs),
      random(device, inputs, outputs),
      random(device, batch, outputs),
    ];
    const product = (name, run, [first, second], columns, length, term) =>
      row(`dense ${label}, batch ${batch}, ${name}`, work, () => {
        const tensors = setUp();
        const check = async (result) => {
          const [a, b] = [await tensors[first].data(), await tensors[second].data()];
          await sampled(name, result, (e) => dot(length, (k) => term(a, b, Math.floor(e / columns), e % columns, k)));
        };
        return { run: () => run(...tensors), check };
      });
    product(
      "forward",
      (x, w) => linear(x, w, null),
      [0, 1],
      outputs,
      inputs,
      (x, w, i, j, k) => x[i * inputs + k] * w[k * outputs + j],
    );
    product(
      "input gradient",
      (_x, w, g) => matmul(g, w, { transposeB: true }),
      [2, 1],
      inputs,
      outputs,
      (g, w, i, j, k) => g[i * outputs + k] * w[j * outputs + k],
    );
    product(
      "weight gradient",
      (x, _w, g) => matmul(x, g, { transposeA: true }),
      [0, 2],
      outputs,
      batch,
      (x, g, i, j, k) => x[k * inputs + i] * g[k * outputs + j],
    );
  }
}

/** Convolutions of the networks: label, height, width, channels in and out, kernel, stride. */
const layers = [
  ["Encoder conv1", 112, 112, 3, 96, 11, 2],
  ["Encoder block 1", 56, 56, 96, 32, 3, 2],
  ["Encoder block 2", 28, 28, 32, 32, 3, 2],
  ["Decoder block 1", 14, 14, 64, 64, 3, 1],
  ["Decoder block 2", 28, 28, 64, 64, 3, 1],
  ["Decoder block 3", 56, 56, 64, 64, 3, 1],
  ["Decoder output", 112, 112, 64, 3, 3, 1],
  ["VGG19 conv1_1", 112, 112, 3, 64, 3, 1],
  ["VGG19 conv1_2", 112, 112, 64, 64, 3, 1],
  ["VGG19 conv2_1", 56, 56, 64, 128, 3, 1],
  ["VGG19 conv2_2", 56, 56, 128, 128, 3, 1],
];

/** The networks' convolutions. */
export function layerRows({ batch, ...context }) {
  for (const layer of layers) convRows(context, layer, batch);
}

/** Sizes that fit no tile, each beside an even one of nearly its work. */
export function oddRows(context) {
  const { quick } = context;
  convRows(context, ["odd", 113, 111, 61, 61, 3, 1], quick ? 2 : 37);
  convRows(context, ["beside it", 112, 112, 64, 64, 3, 1], quick ? 2 : 37);
}

/** Forward, input gradient and weight gradient of one convolution. */
function convRows({ device, row, quick }, [label, H, W, C, O, K, stride], count) {
  const at = small(quick);

  const [h, w, c, o] = [at(H), at(W, 11), at(C, 8), at(O, 9)];
  const [oh, ow] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const name = `${label}: ${count} x ${h} x ${w}, ${c} to ${o}, ${K} x ${K}${stride > 1 ? ` / ${stride}` : ""}`;
  const work = {
    flops: 2 * count * oh * ow * K * K * c * o,
    bytes: 4 * (count * (h * w * c + oh * ow * o) + K * K * c * o),
  };
  const same = { padding: "same", stride };
  const before = [h, w].map((size, axis) => {
    const total = Math.max(0, ([oh, ow][axis] - 1) * stride + K - size);
    return Math.floor(total / 2);
  });
  const xShape = [count, h, w, c];
  const wShape = [K, K, c, o];
  const yShape = [count, oh, ow, o];
  const split = (i, [, b, d, e]) => [
    Math.floor(i / (b * d * e)),
    Math.floor(i / (d * e)) % b,
    Math.floor(i / e) % d,
    i % e,
  ];
  const element = (array, [, b, d, e], n, y, x, k) =>
    y < 0 || x < 0 || y >= b || x >= d ? 0 : array[((n * b + y) * d + x) * e + k];
  row(`conv2d ${name}`, work, () => {
    const [x, weight] = [random(device, ...xShape), random(device, ...wShape)];
    const check = async (result) => {
      const [input, filters] = [await host(x), await host(weight)];
      await sampled(name, result, (e) => {
        const [n, y, q, out] = split(e, yShape);
        return dot(K * K * c, (t) => {
          const [ky, kx, k] = [Math.floor(t / (K * c)), Math.floor(t / c) % K, t % c];
          const from = element(input, xShape, n, y * stride + ky - before[0], q * stride + kx - before[1], k);
          return from * filters[t * o + out];
        });
      });
    };
    return { run: () => conv2d(x, weight, null, same), check };
  });
  row(`conv2d input gradient ${name}`, work, () => {
    const [g, weight] = [random(device, ...yShape), random(device, ...wShape)];
    const check = async (result) => {
      const [gradient, filters] = [await host(g), await host(weight)];
      await sampled(name, result, (e) => {
        const [n, y, q, k] = split(e, xShape);
        return dot(K * K * o, (t) => {
          const [ky, kx, out] = [Math.floor(t / (K * o)), Math.floor(t / o) % K, t % o];
          const [p, r] = [(y + before[0] - ky) / stride, (q + before[1] - kx) / stride];
          if (!Number.isInteger(p) || !Number.isInteger(r)) return 0;
          return element(gradient, yShape, n, p, r, out) * filters[((ky * K + kx) * c + k) * o + out];
        });
      });
    };
    return { run: () => conv2dGradInput(g, weight, { ...same, inputSize: [h, w] }), check };
  });
  row(`conv2d weight gradient ${name}`, work, () => {
    const [x, g] = [random(device, ...xShape), random(device, ...yShape)];
    const check = async (result) => {
      const [input, gradient] = [await host(x), await host(g)];
      await sampled(name, result, (e) => {
        const [ky, kx, k, out] = split(e, wShape);
        return dot(count * oh * ow, (t) => {
          const [n, y, q] = [Math.floor(t / (oh * ow)), Math.floor(t / ow) % oh, t % ow];
          const from = element(input, xShape, n, y * stride + ky - before[0], q * stride + kx - before[1], k);
          return from * gradient[t * o + out];
        });
      });
    };
    return { run: () => conv2dGradWeight(x, g, { ...same, kernelSize: [K, K] }), check };
  });
}

/** What reads and writes maps: elementwise, sums, batch norm, upsampling. */
export function mapRows({ device, row, quick, batch }) {
  const at = small(quick);
  const [side, channels] = [at(56), at(64, 8)];
  const count = batch * side * side * channels;
  const map = () => random(device, batch, side, side, channels);
  const pointwise = (name, passes, make) =>
    row(`${name} ${batch} x ${side} x ${side} x ${channels}`, { bytes: 4 * count * passes }, make);
  const each = (name, op, formula) =>
    pointwise(name, 2, () => {
      const x = map();
      const check = async (result) => {
        const input = await host(x);
        await sampled(name, result, (i) => [formula(input[i]), 1]);
      };
      return { run: () => op(x), check };
    });
  each("relu", relu, (v) => Math.max(v, 0));
  each("sigmoid", sigmoid, (v) => 1 / (1 + Math.exp(-v)));
  pointwise("add", 3, () => {
    const [x, y] = [map(), map()];
    const check = async (result) => {
      const [a, b] = [await host(x), await host(y)];
      await sampled("add", result, (i) => [a[i] + b[i], 1]);
    };
    return { run: () => add(x, y), check };
  });
  pointwise("sum over pixels", 1, () => {
    const x = map();
    const check = async (result) => {
      const input = await host(x);
      await sampled("sum", result, (c) => dot(count / channels, (k) => input[k * channels + c]));
    };
    return { run: () => sum(x, { axes: [0, 1, 2] }), check };
  });
  const normOf = (x) => {
    const [weight, bias] = [random(device, channels), random(device, channels)];
    for (const t of [x, weight, bias]) t.requiresGrad = true;
    const check = async (result) => {
      const [input, gains, shifts] = [await host(x), await host(weight), await host(bias)];
      const rows = count / channels;
      await sampled("batch norm", result, (i) => {
        const c = i % channels;
        const mean = dot(rows, (k) => input[k * channels + c])[0] / rows;
        const variance = dot(rows, (k) => (input[k * channels + c] - mean) ** 2)[0] / rows;
        return [((input[i] - mean) / Math.sqrt(variance + 1e-5)) * gains[c] + shifts[c], 1];
      });
    };
    return { run: () => batchNorm2d(x, weight, bias, { mode: "train" }), check };
  };
  pointwise("batch norm forward", 3, () => {
    const { run, check } = normOf(map());
    return { run: () => device.noGrad(run), check };
  });
  pointwise("batch norm forward and backward", 8, () => {
    const { run } = normOf(map());
    const gradOutput = map();
    return {
      run: () => {
        const scope = device.scope();
        backward(run(), { gradOutput });
        scope[Symbol.dispose]();
      },
    };
  });
  for (const mode of ["nearest", "bilinear"]) {
    pointwise(`upsample to twice the size, ${mode}`, 5, () => {
      const x = map();
      const near = (v) =>
        mode === "nearest"
          ? [[Math.floor(v / 2), 1]]
          : [
              [Math.floor((v - 1) / 2), v % 2 ? 0.75 : 0.25],
              [Math.floor((v + 1) / 2), v % 2 ? 0.25 : 0.75],
            ];
      const inside = (v) => Math.min(Math.max(v, 0), side - 1);
      const check = async (result) => {
        const input = await host(x);
        await sampled(mode, result, (i) => {
          const [c, column, line] = [
            i % channels,
            Math.floor(i / channels) % (2 * side),
            Math.floor(i / channels / 2 / side),
          ];
          const [n, r] = [Math.floor(line / 2 / side), line % (2 * side)];
          const parts = near(r).flatMap(([y, p]) =>
            near(column).map(([q, w]) => p * w * input[((n * side + inside(y)) * side + inside(q)) * channels + c]),
          );
          return [parts.reduce((a, b) => a + b, 0), 1];
        });
      };
      return { run: () => upsample2d(x, { size: [2 * side, 2 * side], mode }), check };
    });
  }
}

/** The optimizer over all parameters of the paper's Decoder. */
export function optimizerRows({ device, row, quick }) {
  const parameters = quick ? 1000 : 60e6;
  row(`adam, ${parameters / 1e6} M parameters`, { bytes: 4 * parameters * 8 }, () => {
    const parameter = zeros(device, [parameters]);
    const gradient = random(device, parameters);
    const optimizer = new Adam([parameter], { lr: 1e-3, amsgrad: true });
    const check = async () => {
      const g = await host(gradient);
      const step = (v) => (-1e-3 * v) / (Math.abs(v) + 1e-8);
      await sampled("adam", parameter, (i) => [step(g[i]), 1e-3]);
    };
    const gradients = new Map([[parameter, gradient]]);
    return { run: () => optimizer.step(gradients), check, dispose: () => optimizer.dispose() };
  });
}
