// tfjs as a worker: `webgpu` or `wasm`.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { convShapes, decoderNet, encoderNet, eps, learningRate, numbers, product, weightsOf } from "./data.mjs";
import { counts } from "./dawn.mjs";
import { serve } from "./serve.mjs";

const tf = createRequire(import.meta.url)("./node_modules/tfjs-bundle.cjs");
const backend = process.argv[2];
tf.setWasmPaths(fileURLToPath(new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url)));
if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend} here`);
await tf.ready();
if (backend === "webgpu") tf.env().set("WEBGPU_CPU_FORWARD", false);

const make = (shape, seed) => tf.tensor(numbers(product(shape), seed), shape);
const variable = (shape, seed) => tf.variable(tf.tensor(weightsOf(shape, seed), shape));

function op(run) {
  let last = null;
  const drain = async () => {
    if (backend !== "webgpu") return;
    const gpu = tf.backend();
    gpu.ensureCommandEncoderReady();
    gpu.endComputePassEncoder();
    gpu.submitQueue();
    await gpu.device.queue.onSubmittedWorkDone();
  };
  return {
    run() {
      last?.dispose();
      last = run();
    },
    drain,
    probe: async () => (await last.data()).slice(0, 64),
  };
}

function training(net, forward) {
  const [x, y] = [make(net.x, 1), make(net.y, 2)];
  const convs = net.convs.map((shape, i) => variable(shape, 10 + i));
  const dense = variable(net.dense, 20);
  const gains = Array.from({ length: net.norms }, (_, i) => variable([net.convs[i][3]], 30 + i));
  const shifts = Array.from({ length: net.norms }, (_, i) => variable([net.convs[i][3]], 40 + i));
  const norm = (h, i) => {
    const { mean, variance } = tf.moments(h, [0, 1, 2]);
    return tf.relu(tf.batchNorm(h, mean, variance, shifts[i], gains[i], eps));
  };
  const optimizer = tf.train.sgd(learningRate);
  return op(() => optimizer.minimize(() => tf.mean(tf.square(tf.sub(forward(x, convs, dense, norm), y))), true));
}

serve(
  (row) => {
    tf.disposeVariables();
    if (row.op === "matmul") {
      const [a, b] = [make([row.M, row.K], 1), make([row.K, row.N], 2)];
      return op(() => tf.matMul(a, b));
    }
    if (row.op === "encoder") {
      return training(encoderNet(row), (x, convs, dense, norm) => {
        let h = x;
        for (const [i, weight] of convs.entries()) h = norm(tf.conv2d(h, weight, 2, "same"), i);
        return tf.matMul(tf.reshape(h, [row.N, -1]), dense);
      });
    }
    if (row.op === "decoder") {
      const net = decoderNet(row);
      return training(net, (x, [first, second, last], dense, norm) => {
        let h = tf.reshape(tf.matMul(x, dense), [row.N, net.map, net.map, row.channels]);
        for (const [i, weight] of [first, second].entries()) {
          h = norm(tf.conv2d(h, weight, 1, "same"), i);
          h = tf.image.resizeNearestNeighbor(h, [2 * h.shape[1], 2 * h.shape[2]]);
        }
        return tf.sigmoid(tf.conv2d(h, last, 1, "same"));
      });
    }
    const shapes = convShapes(row);
    const [x, w, g] = [make(shapes.x, 1), make(shapes.weight, 2), make(shapes.y, 3)];
    const options = { strides: row.S, pad: "same", dataFormat: "NHWC" };
    const kernel = (name, inputs, extra) => op(() => tf.engine().runKernel(name, inputs, { ...options, ...extra }));
    if (row.op === "conv") return op(() => tf.conv2d(x, w, row.S, "same"));
    if (row.op === "convdx") return kernel("Conv2DBackpropInput", { dy: g, filter: w }, { inputShape: shapes.x });
    if (row.op === "convdw") return kernel("Conv2DBackpropFilter", { x, dy: g }, { filterShape: shapes.weight });
    if (row.op === "upsample") return op(() => tf.image.resizeNearestNeighbor(x, [2 * row.H, 2 * row.W]));
    const [weight, bias] = [make([row.C], 4), make([row.C], 5)];
    return op(() =>
      tf.tidy(() => {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        return tf.batchNorm(x, mean, variance, bias, weight, eps);
      }),
    );
  },
  backend === "webgpu" ? counts : null,
);
