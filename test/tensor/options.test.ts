/** What TypeScript refuses and plain JavaScript can still ask for: an error that says what is wrong, before any GPU work. */
import { expect, test } from "vitest";
import * as vp from "../../src/index.js";
import { randomTensor, testDevice } from "../device.js";

const device = await testDevice();
const x = randomTensor(device, [2, 5, 7, 3], 1);
const affine = randomTensor(device, [3], 2);
/** The functions as JavaScript sees them. */
const js = vp as unknown as Record<string, (...args: unknown[]) => unknown>;

const misuses: [call: string, args: unknown[], message: string][] = [
  [
    "upsample2d",
    [x, { scale: 2, mode: "cubic" }],
    'upsample2d: mode must be "nearest" or "nearest-exact" or "bilinear" or "bicubic", got "cubic"',
  ],
  ["upsample2d", [x], "upsample2d: either scale or size must be given, got neither"],
  ["maxPool2d", [x, {}], "maxPool2d: kernelSize must be a whole number, or two of them, got undefined"],
  ["avgPool2d", [x, { kernelSize: "2" }], "avgPool2d: kernelSize must be a whole number, or two of them, got 2"],
  [
    "avgPool2d",
    [x, { kernelSize: [2, 2, 2] }],
    "avgPool2d: kernelSize must be a whole number, or two of them, got 2,2,2",
  ],
  ["batchNorm2d", [x, affine, affine], 'batchNorm2d: mode must be "train" or "eval", got undefined'],
  ["batchNorm2d", [x, affine, affine, { mode: "test" }], 'batchNorm2d: mode must be "train" or "eval", got "test"'],
  [
    "batchNorm2d",
    [x, affine, affine, { mode: "train", eps: -1 }],
    "batchNorm2d: eps must be a finite number >= 0, got -1",
  ],
  [
    "groupNorm",
    [x, affine, affine, { groups: 3, eps: Number.NaN }],
    "groupNorm: eps must be a finite number >= 0, got NaN",
  ],
  ["layerNorm", [x, affine, affine, { eps: -1e-5 }], "layerNorm: eps must be a finite number >= 0, got -0.00001"],
  ["rmsNorm", [x, affine, { eps: -1 }], "rmsNorm: eps must be a finite number >= 0, got -1"],
  ["dropout", [x, { rate: 0.5 }], "dropout: rng must be a generator, got none; see device.rng(seed)"],
];

test.each(misuses)("%s is refused: $2", (call, args, message) => {
  expect(() => js[call]?.(...args)).toThrow(new vp.ShapeError(message));
});
