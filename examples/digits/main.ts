/**
 * A small convolutional network learns to read digits:
 *   npm run example -- digits                                         digits drawn by the program
 *   npm run example -- digits --images FILE.gz --labels FILE.gz       MNIST's files, or others in IDX format
 */
import { parseArgs } from "node:util";
import type { Tensor } from "voxpix";
import { Adam, backward, Conv2d, crossEntropy, Linear, openDevice, relu, Sequential, tensor } from "voxpix";
import { HostRandom } from "voxpix/data";
import { drawDigits, readDigits } from "./data.js";

const { values: options } = parseArgs({
  options: { images: { type: "string" }, labels: { type: "string" }, steps: { type: "string", default: "600" } },
});
const random = new HostRandom(0);
const given = options.images && options.labels && (await readDigits(options.images, options.labels));
const { images, labels } = given || drawDigits(6000, random);
const trained = Math.floor(0.9 * labels.length); // the last tenth is never trained on

const device = await openDevice();
const rng = device.rng(0); // every random number comes from a seed
const net = new Sequential([
  new Conv2d(rng, { inChannels: 1, outChannels: 16, kernelSize: 3, stride: 2, padding: 1 }), // 28 x 28 -> 14 x 14
  relu,
  new Conv2d(rng, { inChannels: 16, outChannels: 32, kernelSize: 3, stride: 2, padding: 1 }), // 14 x 14 -> 7 x 7
  relu,
  (x) => x.reshape([-1, 7 * 7 * 32]),
  new Linear(rng, { inFeatures: 7 * 7 * 32, outFeatures: 10 }),
]);
const optimizer = new Adam(net.parameters(), { lr: 2e-3 });

/** Some of the images as a tensor, NHWC, and the numbers that they show. */
function batchOf(indices: readonly number[]): [x: Tensor, y: Tensor] {
  const pixels = indices.flatMap((i) => Array.from(images.subarray(i * 784, (i + 1) * 784)));
  const digits = indices.map((i) => labels[i] ?? 0);
  return [
    tensor(device, pixels, [indices.length, 28, 28, 1]),
    tensor(device, digits, [indices.length], { dtype: "i32" }),
  ];
}

for (let step = 1; step <= Number(options.steps); step++) {
  using _scope = device.scope(); // frees what the step makes
  const [x, y] = batchOf(Array.from({ length: 64 }, () => random.integer(trained)));
  const loss = crossEntropy(net.forward(x), y);
  optimizer.step(backward(loss));
  if (step % 50 === 0 || step === 1) console.log(`step ${step}: loss ${(await loss.item()).toFixed(3)}`);
}

const test = Array.from({ length: labels.length - trained }, (_, i) => trained + i);
const scores = await device.noGrad(() => net.forward(batchOf(test)[0])).data();
const best = test.map((_, row) => scores.subarray(10 * row, 10 * row + 10)).map((row) => row.indexOf(Math.max(...row)));
const right = test.filter((i, row) => labels[i] === best[row]).length;
console.log(
  `${right} of ${test.length} digits it had not seen are right: ${((100 * right) / test.length).toFixed(1)} %`,
);
device.destroy();
