// voxpix as a worker.
import { createRequire } from "node:module";
import {
  backward,
  batchNorm2d,
  capture,
  conv2d,
  linear,
  matmul,
  mse,
  openDevice,
  Parameter,
  relu,
  reshape,
  Sgd,
  sigmoid,
  tensor,
  upsample2d,
} from "../../dist/index.js";
import { conv2dGradInput, conv2dGradWeight } from "../../dist/tensor/ops/conv2d.js";
import { countWork } from "./count.mjs";
import { convShapes, decoderNet, encoderNet, eps, learningRate, numbers, product, weightsOf } from "./data.mjs";
import { serve } from "./serve.mjs";

// The package that voxpix itself loads, not that of the peers.
const { globals } = await import(createRequire(new URL("../../dist/index.js", import.meta.url)).resolve("webgpu"));
const counts = countWork(globals);
const device = await openDevice(process.env.VOXPIX_ADAPTER === "swiftshader" ? { adapter: "swiftshader" } : {});
const make = (shape, seed) => tensor(device, numbers(product(shape), seed), shape);
const parameter = (shape, seed) => Parameter.from(tensor(device, weightsOf(shape, seed), shape));

function op(run, before = () => undefined) {
  let last = null;
  let ready = false;
  const keep = async () => {
    if (!ready) await before();
    ready = true;
    last?.dispose();
    last = run();
  };
  return { run: keep, drain: () => device.finish(), probe: async () => (await last.data()).slice(0, 64) };
}

function training(net, forward) {
  const [x, y] = [make(net.x, 1), make(net.y, 2)];
  const convs = net.convs.map((shape, i) => parameter(shape, 10 + i));
  const dense = parameter(net.dense, 20);
  const gains = Array.from({ length: net.norms }, (_, i) => parameter([net.convs[i][3]], 30 + i));
  const shifts = Array.from({ length: net.norms }, (_, i) => parameter([net.convs[i][3]], 40 + i));
  const optimizer = new Sgd([...convs, dense, ...gains, ...shifts], { lr: learningRate });
  const norm = (h, i) => relu(batchNorm2d(h, gains[i], shifts[i], { mode: "train", eps }));
  const step = capture(device, (input, target) => {
    const loss = mse(forward(input, convs, dense, norm), target);
    optimizer.step(backward(loss));
    return loss;
  });
  const work = op(
    () => step(x, y),
    () => step.prepare(x, y),
  );
  return { ...work, dispose: () => step.dispose() };
}

serve((row) => {
  if (row.op === "matmul") {
    const [a, b] = [make([row.M, row.K], 1), make([row.K, row.N], 2)];
    return op(() => matmul(a, b));
  }
  if (row.op === "encoder") {
    return training(encoderNet(row), (x, convs, dense, norm) => {
      let h = x;
      for (const [i, weight] of convs.entries()) h = norm(conv2d(h, weight, null, { stride: 2, padding: "same" }), i);
      return linear(reshape(h, { shape: [row.N, -1] }), dense, null);
    });
  }
  if (row.op === "decoder") {
    const net = decoderNet(row);
    return training(net, (x, [first, second, last], dense, norm) => {
      let h = reshape(linear(x, dense, null), { shape: [row.N, net.map, net.map, row.channels] });
      for (const [i, weight] of [first, second].entries())
        h = upsample2d(norm(conv2d(h, weight, null, { padding: "same" }), i), { scale: 2, mode: "nearest" });
      return sigmoid(conv2d(h, last, null, { padding: "same" }));
    });
  }
  const shapes = convShapes(row);
  const [x, w, g] = [make(shapes.x, 1), make(shapes.weight, 2), make(shapes.y, 3)];
  const options = { stride: row.S, padding: "same" };
  if (row.op === "conv") return op(() => conv2d(x, w, null, options));
  if (row.op === "convdx") return op(() => conv2dGradInput(g, w, { ...options, inputSize: shapes.x.slice(1, 3) }));
  if (row.op === "convdw") return op(() => conv2dGradWeight(x, g, { ...options, kernelSize: [row.K, row.K] }));
  if (row.op === "upsample") return op(() => upsample2d(x, { scale: 2, mode: "nearest" }));
  const [weight, bias] = [make([row.C], 4), make([row.C], 5)];
  return op(() => batchNorm2d(x, weight, bias, { mode: "train", eps }));
}, counts);
