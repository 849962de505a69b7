/**
 * An op of your own, with a WGSL kernel of your own: swish, `y = x / (1 + e^-x)`.
 *
 *   npm run example -- custom-op
 *
 * It checks the gradient against finite differences, then fits a sine with a network that uses the op.
 */

import type { Tensor } from "voxpix";
import { Adam, backward, defineKernel, defineOp, gradcheck, Linear, mse, openDevice, Sequential, tensor } from "voxpix";

const swishKernel = defineKernel(`
  @group(0) @binding(1) var<storage, read> x: array<f32>;
  @group(0) @binding(2) var<storage, read_write> y: array<f32>;
  @compute @workgroup_size(64)
  fn swish(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&y)) { y[id.x] = x[id.x] / (1.0 + exp(-x[id.x])); }
  }`);

/** The op: what goes in, the shape that comes out, the kernel, and the gradient, which is made of ops and so has one itself. */
const swish = defineOp({
  name: "swish",
  inputs: ["x"],
  plan: ([x]) => ({ shape: x.shape }),
  forward({ output }, [x]) {
    swishKernel({ x, y: output }, { threads: x.size });
    return { x };
  },
  vjp: {
    x({ x }, gradOutput): Tensor {
      const s = x.sigmoid();
      return gradOutput.mul(s.add(x.mul(s).mul(s.neg().add(1)))); // s + x s (1 - s)
    },
  },
});

const device = await openDevice();
const rng = device.rng(0);
const error = await gradcheck(swish, [rng.normal([5, 7])]);
console.log(`gradient against finite differences: off by ${error.toExponential(1)} beyond rounding`);

const points = Array.from({ length: 64 }, (_, i) => i / 8 - 4);
const sine = points.map((point) => Math.sin(point));
const [x, y] = [tensor(device, points, [64, 1]), tensor(device, sine, [64, 1])];
const layer = (inFeatures: number, outFeatures: number) => new Linear(rng, { inFeatures, outFeatures });
const net = new Sequential([layer(1, 32), swish, layer(32, 1)]);
const optimizer = new Adam(net.parameters(), { lr: 0.05 });
for (let step = 0; step <= 200; step++) {
  using _scope = device.scope(); // frees what the step makes
  const loss = mse(net.forward(x), y);
  optimizer.step(backward(loss));
  if (step % 50 === 0) console.log(`step ${step}: loss ${(await loss.item()).toFixed(5)}`);
}
device.destroy();
