/**
 * A network learns to double the resolution of photographs, better than interpolation does.
 *
 *   npm run example -- super-resolution [--photos FOLDER] [--steps 400]
 *
 * Writes super-resolution.png: bilinear interpolation, the network, and the truth, of photographs it was not trained on.
 */
import { parseArgs } from "node:util";
import sharp from "sharp";
import * as vp from "voxpix";
import { loadImageFolder } from "voxpix/data";

const { values: options } = parseArgs({
  options: { photos: { type: "string", default: "assets/photos" }, steps: { type: "string", default: "400" } },
});
const side = 128;
const { images } = await loadImageFolder(options.photos, { height: side, width: side });
const held = 3; // the last photographs are kept for the test

const device = await vp.openDevice();
const all = vp.tensor(device, images.pixels, [images.count, side, side, 3]);
const range = (from: number, to: number) => vp.slice(all, { start: [from, 0, 0, 0], end: [to, side, side, 3] });
const halve = (x: vp.Tensor) => vp.avgPool2d(x, { kernelSize: 2 });
const double = (x: vp.Tensor) => vp.upsample2d(x, { scale: 2, mode: "bilinear" });

const rng = device.rng(0);
const conv = (inChannels: number, outChannels: number, init: vp.Initialiser = vp.heNormal) =>
  new vp.Conv2d(rng, { inChannels, outChannels, kernelSize: 3, padding: 1, init });
const last = conv(32, 2 * 2 * 3, vp.zerosInit); // so that training starts from plain interpolation
const net = new vp.Sequential([conv(3, 32), vp.relu, conv(32, 32), vp.relu, last]);

/** Interpolates, and adds the detail that the network finds: 12 channels of a pixel become 3 of 2 x 2 pixels. */
function enlarge(x: vp.Tensor): vp.Tensor {
  const [N = 0, H = 0, W = 0] = x.shape;
  const blocks = net.forward(x).reshape([N, H, W, 2, 2, 3]).transpose([0, 1, 3, 2, 4, 5]);
  return double(x).add(blocks.reshape([N, 2 * H, 2 * W, 3]));
}

const optimizer = new vp.Adam(net.parameters(), { lr: 2e-3 });
for (let step = 0; step < Number(options.steps); step++) {
  using _scope = device.scope(); // frees what the step makes
  const at = step % (images.count - held); // one photograph a step, in turn
  const truth = range(at, at + 1);
  const loss = vp.l1(enlarge(halve(truth)), truth);
  optimizer.step(vp.backward(loss));
  if (step % 50 === 0) console.log(`step ${step}: mean error ${(await loss.item()).toFixed(4)}`);
}

/** Peak signal-to-noise ratio: 10 dB more is a tenth of the squared error. */
const decibels = async (x: vp.Tensor, y: vp.Tensor) => -10 * Math.log10(await x.sub(y).square().mean().item());
const truth = range(images.count - held, images.count);
const plain = double(halve(truth));
const sharper = device.noGrad(() => vp.clamp(enlarge(halve(truth)), { min: 0, max: 1 }));
const [before, after] = [await decibels(plain, truth), await decibels(sharper, truth)];
console.log(`bilinear ${before.toFixed(2)} dB, network ${after.toFixed(2)} dB`);
const pixels = Uint8Array.from(await vp.concat([plain, sharper, truth], { axis: 2 }).data(), (value) => 255 * value);
await sharp(pixels, { raw: { width: 3 * side, height: held * side, channels: 3 } }).toFile("super-resolution.png");
device.destroy();
