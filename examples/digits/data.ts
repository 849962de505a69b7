/** Two sources of images of digits: drawn here, in any number, or read from files like MNIST's. */
import { type HostRandom, readIdx, readIdxImages } from "voxpix/data";

/** Grey images, 28 x 28 in [0, 1], one after the other, and the digit that each shows. */
export interface Digits {
  readonly images: Float32Array;
  readonly labels: readonly number[];
}

/** Ten digits of 5 x 7 dots: a row is a number from 0 to 31, its bits the dots. */
const glyphs = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
];

/** Digits of random size, slant, place and brightness, in noise. */
export function drawDigits(count: number, random: HostRandom): Digits {
  const images = new Float32Array(count * 28 * 28);
  const labels = Array.from({ length: count }, () => random.integer(10));
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  labels.forEach((label, i) => {
    const [scale, slant, ink] = [between(2, 3.4), between(-0.3, 0.3), between(0.5, 1)];
    const [left, top] = [between(1, 27 - 5 * scale), between(1, 27 - 7 * scale)];
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const row = Math.floor((y - top) / scale);
        const column = Math.floor((x - left + slant * (y - 14)) / scale);
        const dots = column >= 0 && column < 5 ? (glyphs[label]?.[row] ?? 0) : 0;
        const paper = 0.3 * random.uniform();
        images[(i * 28 + y) * 28 + x] = Math.max(paper, (dots >> (4 - column)) & 1 ? ink : 0);
      }
    }
  });
  return { images, labels };
}

/** A pair of IDX files, MNIST's format, gzipped or not: `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`, say. */
export async function readDigits(imageFile: string, labelFile: string): Promise<Digits> {
  const { pixels } = await readIdxImages(imageFile);
  const { values } = await readIdx(labelFile);
  return { images: pixels, labels: Array.from(values) };
}
