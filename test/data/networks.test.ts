import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConvWeights } from "../../src/data/feature-weights.js";
import { loadFeatureWeights } from "../../src/data/feature-weights.js";
import { openBytes } from "../../src/data/file-bytes.js";
import { readFirstCell, scanMat5 } from "../../src/data/mat5-scan.js";
import { openPth } from "../../src/data/pth.js";
import { openSafetensors } from "../../src/data/safetensors-file.js";
import { expectDataError, fixture, onlyDataErrorsAsync, temporaryFolder } from "./helpers.js";

const weights = (name: string) => fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));
const expected = JSON.parse(readFileSync(weights("expected.json"), "utf8")) as {
  image: number[];
  conv1_1: number[];
  conv1_2Sums: [number, number];
  alexnet: number[];
  base: number[];
};
const { folder, write } = temporaryFolder();

/** The convolution with padding 1 and ReLU at row 3, column 4 of the picture [7, 9, 3], on pixels of 0 to 255 minus their mean. */
function convolvedAt({ hwio, bias, meanRgb, shape }: ConvWeights): number[] {
  const [kh, kw, c, o] = shape;
  return Array.from({ length: o }, (_, out) => {
    let sum = bias?.[out] ?? 0;
    for (let y = 0; y < kh; y++) {
      for (let x = 0; x < kw; x++) {
        for (let i = 0; i < c; i++) {
          const pixel = 255 * (expected.image[((2 + y) * 9 + 3 + x) * 3 + i] as number) - (meanRgb?.[i] ?? 0);
          sum += pixel * (hwio[((y * kw + x) * c + i) * o + out] as number);
        }
      }
    }
    return Math.max(0, sum);
  });
}

/** A safetensors file of the tensors that torch saved as vgg19.pth. */
function vggSafetensors(): Uint8Array {
  const shapes = { "0": [64, 3, 3, 3], "2": [64, 64, 3, 3], "5": [128, 64, 3, 3], "7": [128, 128, 3, 3] } as const;
  const table: Record<string, object> = { __metadata__: { format: "pt" } };
  const parts: Float32Array[] = [];
  let at = 0;
  const add = (name: string, shape: readonly number[], values: Float32Array) => {
    table[name] = { dtype: "F32", shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
    parts.push(values);
  };
  for (const [place, [o, i, h, w]] of Object.entries(shapes)) {
    const values = Float32Array.from({ length: o * i * h * w }, (_, n) => {
      const [x, y, c, k] = [n % w, Math.floor(n / w) % h, Math.floor(n / (w * h)) % i, Math.floor(n / (w * h * i))];
      return expected.base[Number(place) + k + 2 * c + 3 * y + 5 * x] as number;
    });
    add(`features.${place}.weight`, [o, i, h, w], values);
    add(`features.${place}.bias`, [o], Float32Array.from(expected.base.slice(10, 10 + o)));
  }
  // The rest of a network, which must not be read.
  add("classifier.0.weight", [1000, 1000], new Float32Array(1_000_000));
  const text = new TextEncoder().encode(JSON.stringify(table));
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.length), true);
  return Buffer.concat([head, text, ...parts.map(({ buffer }) => Buffer.from(buffer))]);
}

function layerOf(vgg19: Readonly<Record<string, ConvWeights>> | null, name: string): ConvWeights {
  const layer = vgg19?.[name];
  if (layer === undefined) throw new Error(`no ${name}`);
  return layer;
}

function expectVgg(vgg19: Readonly<Record<string, ConvWeights>> | null) {
  const first = convolvedAt(layerOf(vgg19, "conv1_1"));
  const largest = Math.max(...expected.conv1_1);
  first.forEach((value, i) => {
    expect(Math.abs(value - (expected.conv1_1[i] as number))).toBeLessThan(1e-5 * largest);
  });
  const { hwio, shape } = layerOf(vgg19, "conv1_2");
  expect(shape).toEqual([3, 3, 64, 64]);
  const sums = [0, 0];
  hwio.forEach((value, at) => {
    const [o, i, x, y] = [at % 64, Math.floor(at / 64) % 64, Math.floor(at / 4096) % 3, Math.floor(at / 12288)];
    sums[0] = (sums[0] as number) + value;
    sums[1] = (sums[1] as number) + value * (((o * 64 + i) * 3 + y) * 3 + x);
  });
  sums.forEach((sum, i) => {
    expect(Math.abs(sum / (expected.conv1_2Sums[i] as number) - 1)).toBeLessThan(1e-6);
  });
  expect(vgg19?.["conv2_2"]?.bias?.[127]).toBeCloseTo(expected.base[137] as number, 6);
}

describe("torchvision's networks", () => {
  test.each(["vgg19.pth", "vgg19-legacy.pth"])("%s", async (name) => {
    const { conv1, vgg19 } = await loadFeatureWeights(weights(name));
    expect(conv1).toBeNull();
    expectVgg(vgg19);
  });

  test("AlexNet inside a training checkpoint of a wrapped model", async () => {
    const { conv1, vgg19 } = await loadFeatureWeights(weights("alexnet.pth"));
    expect(vgg19).toBeNull();
    expect(conv1).toMatchObject({ shape: [11, 11, 3, 64], network: "AlexNet" });
    const at = (o: number, i: number, h: number, w: number) =>
      conv1?.hwio[((h * 11 + w) * 3 + i) * 64 + o] ?? Number.NaN;
    const scale = [0.229, 0.224, 0.225].map((sd) => 255 * sd) as [number, number, number];
    expect(at(0, 0, 0, 0) * scale[0]).toBeCloseTo(expected.alexnet[0] as number, 6);
    expect(at(5, 2, 3, 7) * scale[2]).toBeCloseTo(expected.alexnet[1] as number, 6);
    expect(at(63, 1, 10, 4) * scale[1]).toBeCloseTo(expected.alexnet[2] as number, 6);
    expect(conv1?.bias?.[32]).toBe(0.5);
    expect(conv1?.meanRgb?.map((mean) => mean.toFixed(3))).toEqual(["123.675", "116.280", "103.530"]);
  });

  test("safetensors, and both networks of one folder", async () => {
    const both = join(folder, "both");
    mkdirSync(both);
    write("both/vgg19.safetensors", vggSafetensors());
    copyFileSync(weights("alexnet.pth"), join(both, "alexnet.pth"));
    const { conv1, vgg19 } = await loadFeatureWeights(both);
    expectVgg(vgg19);
    expect(conv1?.network).toBe("AlexNet");
    copyFileSync(weights("imagenet-caffe-ref.mat"), join(both, "caffe.mat"));
    await expectDataError(() => loadFeatureWeights(both), /weights of conv1 are there twice\. Keep one/);
  });

  test("of a .pth only tensors are read: integers, doubles and shared storages too", async () => {
    const file = await openPth(weights("alexnet.pth"));
    expect(file.shapes.get("module.classifier.6.bias")).toEqual([3]);
    expect((await file.read("module.classifier.6.bias")).values).toEqual(Float32Array.of(0, 1, 2));
    await expectDataError(() => file.read("none"), /alexnet.pth: no tensor none, it holds module.features.0.weight/);
    await file.close();
  });

  test.each<[string, RegExp]>([
    ["evil.pth", /evil.pth: its pickle asks for (os|posix).system; only tensors are read, and nothing is run/],
    ["whole-model.pth", /its pickle asks for torch.nn.modules.conv.Conv2d; .*state_dict/],
    ["no-tensors.pth", /no-tensors.pth: no state dict/],
    ["no-features.pth", /neither AlexNet nor VGG19: it has no features.0.weight, but features.0.bias/],
    ["vgg16.pth", /neither AlexNet nor VGG19: a shallower VGG/],
    ["other-network.mat", /not CaffeNet: the filters of its first layer are \[3, 11, 3, 96\]/],
    ["expected.json", /expected.json: a table as text, expected weights of a network/],
  ])("rejects %s", async (name, message) => {
    await expectDataError(() => loadFeatureWeights(weights(name)), message);
    expect(existsSync("voxpix-was-run")).toBe(false);
  });

  test.each(["vgg19.pth", "vgg19-legacy.pth", "alexnet.pth"])(
    "cut or changed bytes of %s give a DataError and nothing else",
    async (name) => {
      const whole = readFileSync(weights(name));
      const readAll = async (bytes: Uint8Array) => {
        const file = await openPth(write("changed.pth", bytes));
        try {
          for (const tensor of ["features.0.weight", "module.features.0.bias"]) {
            if (file.shapes.has(tensor)) await file.read(tensor);
          }
        } finally {
          await file.close();
        }
      };
      for (let length = 1; length < whole.length; length += 53)
        await onlyDataErrorsAsync(() => readAll(whole.subarray(0, length)));
      for (let at = 0; at < whole.length; at += 31) {
        const bytes = Uint8Array.from(whole);
        bytes[at] = ((bytes[at] as number) + 97) % 256;
        await onlyDataErrorsAsync(() => readAll(bytes));
      }
    },
  );
});

describe("CaffeNet", () => {
  test.each(["imagenet-caffe-ref.mat", "caffenet-early.mat"])("%s", async (name) => {
    const { conv1 } = await loadFeatureWeights(weights(name));
    expect(conv1?.shape).toEqual([11, 11, 3, 96]);
    for (const [h, w, i, o] of [
      [0, 0, 0, 0],
      [3, 7, 2, 50],
      [10, 1, 1, 95],
    ] as const) {
      expect(conv1?.hwio[((h * 11 + w) * 3 + i) * 96 + o]).toBe(((h + 2 * w + 3 * i + 5 * o) % 17) - 8);
    }
    expect(conv1?.bias?.[0]).toBe(-48);
    expect(conv1?.meanRgb).toBeUndefined();
  });

  test("is read by seeking: the large layers behind the first stay on the disk", async () => {
    const bytes = await openBytes(weights("imagenet-caffe-ref.mat"));
    let most = 0;
    const counted = {
      file: bytes.file,
      size: bytes.size,
      close: () => bytes.close(),
      read: (start: number, end: number) => {
        most = Math.max(most, end - start);
        return bytes.read(start, end);
      },
    };
    const scan = await scanMat5(counted);
    const layers = scan.variables.find(({ name }) => name === "layers");
    expect(layers).toMatchObject({ className: "cell", dims: [1, 2] });
    if (layers === undefined) throw new Error("no layers");
    expect(await readFirstCell(counted, scan, layers)).toMatchObject({ kind: "struct" });
    expect(most).toBeLessThan(bytes.size / 3);
    await counted.close();
  });
});

describe("safetensors", () => {
  const whole = vggSafetensors();
  let server: Server;
  let url = "";
  let sent = 0;
  let failures = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
      if (request.url === "/whole") {
        response.writeHead(200).end(whole);
      } else if (request.url === "/busy" && failures++ < 2) {
        response.writeHead(503).end();
      } else if (request.url === "/gone" || range === null) {
        response.writeHead(404).end();
      } else {
        const [start, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, whole.length)];
        sent += end - start;
        response
          .writeHead(206, { "Content-Range": `bytes ${start}-${end - 1}/${whole.length}` })
          .end(whole.subarray(start, end));
      }
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test("over HTTP only the table and the wanted layers are fetched", async () => {
    const { vgg19 } = await loadFeatureWeights(`${url}/vgg19.safetensors`);
    expectVgg(vgg19);
    expect(sent).toBeLessThan(1_100_000);
    expect(whole.length).toBeGreaterThan(5_000_000);
  });

  test("a busy server is asked again; others are refused", async () => {
    const file = await openSafetensors(`${url}/busy`);
    expect(file.shapes.size).toBe(9);
    await expectDataError(() => openSafetensors(`${url}/gone`), /gone: cannot be read \(HTTP 404\)/);
    await expectDataError(
      () => openSafetensors(`${url}/whole`),
      /the server sends whole files only, not ranges\. Download/,
    );
    await expectDataError(() => openSafetensors("http://127.0.0.1:9/x"), /cannot be read \(bad port\)/);
  });

  const file = (table: string, data = 0) => {
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(table.length));
    return Buffer.concat([head, Buffer.from(table), Buffer.alloc(data)]);
  };
  test.each<[string, RegExp, Uint8Array]>([
    ["short", /its table should have 0 of 3 bytes/, Uint8Array.of(1, 2, 3)],
    ["long-table", /its table should have \d+ of 12 bytes/, Buffer.concat([Buffer.alloc(8, 1), Buffer.from("{}{}")])],
    ["json", /its table is not JSON/, file("{x}")],
    ["fields", /a has no dtype, shape and data_offsets/, file('{"a":{"dtype":"F32"}}')],
    ["beyond", /a lies at 0 to 8 of 4 bytes/, file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4)],
    ["size", /a lies at 0 to 4 of 4 bytes/, file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4)],
  ])("rejects %s", async (name, message, bytes) => {
    const path = write(`${name}.safetensors`, bytes);
    await expectDataError(() => openSafetensors(path), message);
  });

  test("half, bfloat16 and double tensors", async () => {
    const table = JSON.stringify({
      h: { dtype: "F16", shape: [2], data_offsets: [0, 4] },
      b: { dtype: "BF16", shape: [2], data_offsets: [4, 8] },
      d: { dtype: "F64", shape: [1], data_offsets: [8, 16] },
    });
    const bytes = file(table, 16);
    const at = bytes.length - 16;
    bytes.writeUInt16LE(0x3c00, at);
    bytes.writeUInt16LE(0xc100, at + 2);
    bytes.writeUInt16LE(0x3f80, at + 4);
    bytes.writeUInt16LE(0xc020, at + 6);
    bytes.writeDoubleLE(0.1, at + 8);
    const opened = await openSafetensors(write("types.safetensors", bytes));
    expect((await opened.read("h")).values).toEqual(Float32Array.of(1, -2.5));
    expect((await opened.read("b")).values).toEqual(Float32Array.of(1, -2.5));
    expect((await opened.read("d")).values).toEqual(Float32Array.of(0.1));
    await opened.close();
  });

  test("a file of another kind", async () => {
    await expectDataError(() => loadFeatureWeights(fixture("f4.npy")), /a NumPy array, expected weights of a network/);
  });
});
