// jax-js as a worker. Its layouts are NCHW and OIHW.

import {
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  grad,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from "@jax-js/jax";
import {
  convShapes,
  decoderNet,
  encoderNet,
  eps,
  learningRate,
  numbers,
  permute,
  product,
  weightsOf,
} from "./data.mjs";
import { counts } from "./dawn.mjs";
import { serve } from "./serve.mjs";

await init("webgpu");
defaultDevice("webgpu");
const device = getWebGPUDevice();
const channelsFirst = [0, 3, 1, 2];
const outputsFirst = [3, 2, 0, 1];

/** An array of channels-last numbers, its axes in `order`. */
function arrange(values, shape, order) {
  if (!order) return np.array(values).reshape(shape);
  return np.array(permute(values, shape, order)).reshape(order.map((axis) => shape[axis]));
}
const make = (shape, seed, order) => arrange(numbers(product(shape), seed), shape, order);
const weight = (shape, seed, order) => arrange(weightsOf(shape, seed), shape, order);

/** `back`: from the result's layout to channels last. */
function op(run, back = null) {
  let last = null;
  return {
    run() {
      last?.dispose();
      last = run();
    },
    async drain() {
      await blockUntilReady(last);
      await device.queue.onSubmittedWorkDone();
    },
    async probe() {
      const { shape } = last;
      const values = await last.ref.data();
      return (back ? permute(values, shape, back) : values).slice(0, 64);
    },
  };
}

function training(net, order, forward) {
  const [x, y] = [make(net.x, 1, order.x), make(net.y, 2, order.y)];
  let parameters = Object.fromEntries(net.convs.map((shape, i) => [`conv${i}`, weight(shape, 10 + i, outputsFirst)]));
  parameters.dense = order.dense(weightsOf(net.dense, 20));
  for (let i = 0; i < net.norms; i++) {
    parameters[`gain${i}`] = weight([net.convs[i][3]], 30 + i);
    parameters[`shift${i}`] = weight([net.convs[i][3]], 40 + i);
  }
  const lossOf = (p, input, target) => {
    const difference = forward(input, p).sub(target);
    return difference.ref.mul(difference).mean();
  };
  const step = jit((p, input, target) => {
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(p), input, target);
    const next = {};
    for (const name of Object.keys(p)) next[name] = p[name].sub(gradients[name].mul(learningRate));
    return [loss, next];
  });
  return op(() => {
    const [loss, next] = step(parameters, x.ref, y.ref);
    parameters = next;
    return loss;
  });
}

/** Batch norm over all axes but that of the channels, 1. */
function normalize(x, scale, shift) {
  const channels = [1, x.shape[1], 1, 1];
  const mean = np.mean(x.ref, [0, 2, 3], { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.mean(centred.ref.mul(centred.ref), [0, 2, 3], { keepdims: true });
  const normal = centred.div(np.sqrt(variance.add(eps)));
  return normal.mul(scale.reshape(channels)).add(shift.reshape(channels));
}
const conv = (x, w, stride) => lax.convGeneralDilated(x, w, [stride, stride], "SAME");
function doubled(x) {
  const [n, c, h, w] = x.shape;
  return np.broadcastTo(x.reshape([n, c, h, 1, w, 1]), [n, c, h, 2, w, 2]).reshape([n, c, 2 * h, 2 * w]);
}

serve((row) => {
  if (row.op === "matmul") {
    const [a, b] = [make([row.M, row.K], 1), make([row.K, row.N], 2)];
    const f = jit((x, y) => np.matmul(x, y));
    return op(() => f(a.ref, b.ref));
  }
  if (row.op === "encoder") {
    const net = encoderNet(row);
    const map = row.side / 8;
    // Its features come channels first; the dense weight's rows follow.
    const dense = (values) => arrange(permute(values, [map, map, row.channels, row.voxels], [2, 0, 1, 3]), net.dense);
    return training(net, { x: channelsFirst, dense }, (x, p) => {
      let h = x;
      for (const i of [0, 1, 2]) h = nn.relu(normalize(conv(h, p[`conv${i}`], 2), p[`gain${i}`], p[`shift${i}`]));
      return np.dot(h.reshape([row.N, -1]), p.dense);
    });
  }
  if (row.op === "decoder") {
    const net = decoderNet(row);
    const { map } = net;
    const dense = (values) => arrange(permute(values, [row.voxels, map, map, row.channels], channelsFirst), net.dense);
    return training(net, { y: channelsFirst, dense }, (x, p) => {
      let h = np.dot(x, p.dense).reshape([row.N, row.channels, map, map]);
      for (const i of [0, 1]) {
        h = doubled(nn.relu(normalize(conv(h, p[`conv${i}`], 1), p[`gain${i}`], p[`shift${i}`])));
      }
      return nn.sigmoid(conv(h, p.conv2, 1));
    });
  }
  const shapes = convShapes(row);
  const x = make(shapes.x, 1, channelsFirst);
  const w = make(shapes.weight, 2, outputsFirst);
  const g = make(shapes.y, 3, channelsFirst);
  const back = [0, 2, 3, 1];
  const onGradient = (a, b, c) => conv(a, b, row.S).mul(c).sum();
  if (row.op === "conv") {
    const f = jit((a, b) => conv(a, b, row.S));
    return op(() => f(x.ref, w.ref), back);
  }
  if (row.op === "convdx") {
    const f = jit((a, b, c) => grad((v) => onGradient(v, b, c))(a));
    return op(() => f(x.ref, w.ref, g.ref), back);
  }
  if (row.op === "convdw") {
    const f = jit((a, b, c) => grad((v) => onGradient(a, v, c))(b));
    return op(() => f(x.ref, w.ref, g.ref), [2, 3, 1, 0]);
  }
  if (row.op === "upsample") {
    const f = jit(doubled);
    return op(() => f(x.ref), back);
  }
  const [scale, shift] = [make([row.C], 4), make([row.C], 5)];
  const f = jit(normalize);
  return op(() => f(x.ref, scale.ref, shift.ref), back);
}, counts);
