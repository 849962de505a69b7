/** What someone who installed the package writes: a small convolutional network, trained a few steps. The same file runs in Node and in a page. */
import {
  Adam,
  backward,
  Conv2d,
  type Device,
  Linear,
  maxPool2d,
  mse,
  type OpenDeviceOptions,
  openDevice,
  relu,
  Sequential,
  type Tensor,
} from "voxpix";

/** Trains on random images towards their mean brightness in each quarter; @returns the loss of every step. */
export async function train(steps: number, options: OpenDeviceOptions = {}): Promise<number[]> {
  const device: Device = await openDevice(options);
  const rng = device.rng(7);
  const net = new Sequential([
    new Conv2d(rng, { inChannels: 3, outChannels: 8, kernelSize: 3, padding: 1 }),
    relu,
    (x) => maxPool2d(x, { kernelSize: 2 }),
    new Conv2d(rng, { inChannels: 8, outChannels: 8, kernelSize: 3, padding: 1 }),
    relu,
    (x) => x.reshape([-1, 8 * 4 * 4]),
    new Linear(rng, { inFeatures: 8 * 4 * 4, outFeatures: 4 }),
  ]);
  const optimizer = new Adam(net.parameters(), { lr: 0.01 });
  const x: Tensor = rng.uniform([16, 8, 8, 3]);
  const y = x
    .reshape([16, 2, 4, 2, 4 * 3])
    .mean({ axes: [2, 4] })
    .reshape([16, 4]);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    using _scope = device.scope();
    const loss = mse(net.forward(x), y);
    optimizer.step(backward(loss));
    losses.push(await loss.item());
  }
  device.destroy();
  return losses;
}
