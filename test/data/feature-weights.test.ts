import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadFeatureWeights } from "../../src/data/feature-weights.js";
import { encodeNpy } from "../../src/data/npy.js";

const scratch = mkdtempSync(join(tmpdir(), "voxpix-weights-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const layers = [
  ["conv1_1", 64, 3],
  ["conv1_2", 64, 64],
  ["conv2_1", 128, 64],
  ["conv2_2", 128, 128],
] as const;

/** Each filter value tells where it stands: its index in out, in, height, width order. */
function write(folder: string, name: string, shape: readonly number[]): void {
  mkdirSync(folder, { recursive: true });
  const size = shape.reduce((a, b) => a * b, 1);
  writeFileSync(
    join(folder, name),
    encodeNpy(
      Float32Array.from({ length: size }, (_, i) => i),
      shape,
    ),
  );
}

function writeVgg(folder: string, skip = ""): void {
  for (const [name, out, input] of layers) {
    if (name === skip) continue;
    write(folder, `${name}_w_oihw.npy`, [out, input, 3, 3]);
    write(folder, `${name}_b.npy`, [out]);
  }
}

describe("loadFeatureWeights", () => {
  test("VGG19: out, in, height, width becomes height, width, in, out; the first layer's B, G, R becomes R, G, B", async () => {
    const folder = join(scratch, "both");
    writeVgg(join(folder, "vgg19"));
    const { vgg19, conv1 } = await loadFeatureWeights(folder);
    expect(conv1).toBeNull();
    expect(vgg19!["conv1_1"]!.shape).toEqual([3, 3, 3, 64]);
    // Row 1, column 2, red (stored last of B, G, R), filter 5.
    expect(vgg19!["conv1_1"]!.hwio[((1 * 3 + 2) * 3 + 0) * 64 + 5]).toBe(((5 * 3 + 2) * 3 + 1) * 3 + 2);
    // Deeper layers keep their order of inputs.
    expect(vgg19!["conv2_1"]!.hwio[((2 * 3 + 0) * 64 + 7) * 128 + 11]).toBe(((11 * 64 + 7) * 3 + 2) * 3);
    expect(vgg19!["conv2_2"]!.bias).toHaveLength(128);
  });

  test("CaffeNet conv1 alone, in the folder itself", async () => {
    const folder = join(scratch, "caffe");
    write(folder, "caffenet_conv1_oihw_rgb_f32.npy", [96, 3, 11, 11]);
    const { vgg19, conv1 } = await loadFeatureWeights(folder);
    expect(vgg19).toBeNull();
    expect(conv1!.shape).toEqual([11, 11, 3, 96]);
    expect(conv1!.hwio[((4 * 11 + 6) * 3 + 1) * 96 + 50]).toBe(((50 * 3 + 1) * 11 + 4) * 11 + 6);
  });

  test("refuses an empty folder, a missing layer and a wrong shape, by name", async () => {
    const empty = join(scratch, "empty");
    mkdirSync(empty);
    await expect(loadFeatureWeights(empty)).rejects.toThrow(`${empty} holds no feature weights`);
    const missing = join(scratch, "missing");
    writeVgg(missing, "conv2_1");
    await expect(loadFeatureWeights(missing)).rejects.toThrow("not conv2_1_w_oihw.npy and conv2_1_b.npy");
    const wrong = join(scratch, "wrong");
    write(wrong, "caffenet_conv1_oihw_rgb_f32.npy", [96, 3, 11]);
    await expect(loadFeatureWeights(wrong)).rejects.toThrow(
      "holds an array of shape [96, 3, 11], expected [out, 3, 11, 11]",
    );
    await expect(loadFeatureWeights(join(scratch, "nowhere"))).rejects.toThrow("nowhere");
  });
});
