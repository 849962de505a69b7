/** Servers that break, lie, stall and change their minds: a download ends whole, resumable or not at all, and says why. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fetchFile } from "../../src/data/fetch-file.js";
import { retryAfterMs } from "../../src/data/http.js";
import { openSafetensors } from "../../src/data/safetensors-file.js";
import { expectDataError, temporaryFolder } from "./helpers.js";

const { folder } = temporaryFolder();
const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) % 251));
const other = Buffer.from(content).reverse();
const size = content.length;
const sha256 = createHash("sha256").update(content).digest("hex");
const fast = { sha256: null, waitMs: 1, attempts: 3, stallMs: 2_000 };

type Handle = (request: IncomingMessage, response: ServerResponse, call: number) => void;
let server: Server;
let url = "";
let handle: Handle;
let asked: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.headers.range);
    handle(request, response, asked.length);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

/** The first 50,000 bytes, then a broken connection. */
const breaks = (response: ServerResponse, headers: Record<string, string> = { ETag: '"v1"' }) => {
  response.writeHead(200, { "Content-Length": size, ...headers });
  response.write(content.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 200));
};
const target = (name: string) => join(folder, name, "file.bin");
const left = (name: string) => (existsSync(join(folder, name)) ? readdirSync(join(folder, name)).sort() : []);
const startOf = (request: IncomingMessage) => Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
const ranged = expect.stringMatching(/^bytes=\d+-$/);
const range = (start: number, bytes = content) => ({ "Content-Range": `bytes ${start}-${bytes.length - 1}/${size}` });

describe("fetchFile against", () => {
  test("a wrong Content-Range: the rest of something else is not appended", async () => {
    handle = (_, response, call) => {
      if (call === 1) breaks(response);
      else if (call === 2) response.writeHead(206, range(0)).end(content);
      else response.writeHead(200).end(content);
    };
    expect((await fetchFile(url, target("lies"), fast)).sha256).toBe(sha256);
    expect(asked).toEqual([undefined, ranged, undefined]);
  });

  test("a range without saying which", async () => {
    handle = (_, response, call) => {
      if (call === 1) breaks(response);
      else if (call === 2) response.writeHead(206).end(content.subarray(0, 150_000));
      else response.writeHead(200).end(content);
    };
    expect((await fetchFile(url, target("silent"), fast)).sha256).toBe(sha256);
  });

  test("a file that changes between two breaks of the connection", async () => {
    handle = (request, response, call) => {
      if (call === 1) return breaks(response);
      expect(request.headers["if-range"]).toBe('"v1"');
      response.writeHead(200, { ETag: '"v2"', "Content-Length": size }).end(other);
    };
    await fetchFile(url, target("changed"), fast);
    expect(readFileSync(target("changed")).equals(other)).toBe(true);
  });

  test("an end before the size that the range announced", async () => {
    handle = (request, response, call) => {
      const start = startOf(request);
      if (call === 1) breaks(response);
      else response.writeHead(206, range(start)).end(content.subarray(start, call === 2 ? 90_000 : size));
    };
    expect((await fetchFile(url, target("short"), fast)).sha256).toBe(sha256);
    expect(asked).toEqual([undefined, ranged, ranged]);
  });

  test("more bytes than announced", async () => {
    handle = (request, response, call) => {
      if (call === 1) breaks(response);
      else if (call === 2) response.writeHead(206, range(startOf(request))).end(content);
      else response.writeHead(200).end(content);
    };
    expect((await fetchFile(url, target("long"), fast)).sha256).toBe(sha256);
  });

  test("silence in the middle: given up, kept, and taken up again", async () => {
    handle = (request, response, call) => {
      if (call === 1)
        response.writeHead(200, { ETag: '"v1"', "Content-Length": size }).write(content.subarray(0, 50_000));
      else response.writeHead(206, range(startOf(request))).end(content.subarray(startOf(request)));
    };
    const start = performance.now();
    expect((await fetchFile(url, target("stalls"), fast)).sha256).toBe(sha256);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(asked).toEqual([undefined, ranged]);
  });

  test("silence from the start", async () => {
    handle = () => {};
    await expectDataError(
      () => fetchFile(url, target("mute"), { ...fast, attempts: 2 }),
      /file: nothing came in 2 tries \(no answer for 2 s\)\. Check the network/,
    );
    expect(left("mute")).toEqual([]);
  });

  test("a circle of redirects is told at once", async () => {
    handle = (_, response) => response.writeHead(302, { Location: "/file" }).end();
    await expectDataError(
      () => fetchFile(url, target("circle"), { ...fast, waitMs: 60_000 }),
      /file: the server sends from address to address\. Check the address/,
    );
    expect(left("circle")).toEqual([]);
  });

  test.each(["no-address", "ftp://example.org/x", "http://"])("the address %s", async (address) => {
    await expectDataError(() => fetchFile(address, target("no"), { ...fast, waitMs: 60_000 }), /not an address/);
  });

  test("a page to log in, sent with status 200", async () => {
    handle = (_, response) => response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end("<html>");
    await expectDataError(
      () => fetchFile(url, target("page"), fast),
      /file: the server sent a web page, not a file\. Check the address, or fetch the file by hand/,
    );
    expect(left("page")).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test("packing that was not asked for: unpacked, and never taken up in the middle", async () => {
    const packed = gzipSync(content);
    const headers = { ETag: '"v1"', "Content-Encoding": "gzip", "Content-Length": packed.length };
    handle = (request, response, call) => {
      expect(request.headers["accept-encoding"]).toBe("identity");
      response.writeHead(200, headers);
      if (call > 1) response.end(packed);
      else response.write(packed.subarray(0, 300), () => setTimeout(() => response.destroy(), 200));
    };
    expect((await fetchFile(url, target("gzip"), fast)).sha256).toBe(sha256);
    expect(asked).toEqual([undefined, undefined]);
  });

  test("a busy server is left alone for as long as it asks", async () => {
    let at = 0;
    let waited = 0;
    handle = (_, response, call) => {
      if (call === 1) {
        at = performance.now();
        response.writeHead(503, { "Retry-After": "1" }).end();
      } else {
        waited = performance.now() - at;
        response.writeHead(200).end(content);
      }
    };
    await fetchFile(url, target("busy"), fast);
    expect(waited).toBeGreaterThan(950);
  });

  test("the same beginning again and again is no progress", async () => {
    // Sizes that go up and down, each from the start: no validator, so nothing can be taken up.
    handle = (_, response, call) => {
      response.writeHead(200, { "Content-Length": size });
      response.write(content.subarray(0, call % 2 === 0 ? 40_000 : 20_000), () =>
        setTimeout(() => response.destroy(), 200),
      );
    };
    await expectDataError(() => fetchFile(url, target("again"), fast), /the connection broke 3 times/);
    expect(asked.length).toBeLessThan(8);
  });

  test("another process that writes the same file", async () => {
    handle = (_, response) => {
      response.writeHead(200, { ETag: '"v1"', "Content-Length": size });
      response.write(content.subarray(0, 1000), () => {
        setTimeout(() => {
          appendFileSync(`${target("two")}.part`, "x");
          response.end(content.subarray(1000));
        }, 50);
      });
    };
    await expectDataError(() => fetchFile(url, target("two"), fast), /file\.bin\.part: another process writes it/);
    expect(left("two")).toEqual([]);
  });
});

describe("retryAfterMs", () => {
  const answer = (value: string) => new Response(null, { headers: { "Retry-After": value } });
  test("seconds, dates, nonsense, and no more than two minutes", () => {
    expect(retryAfterMs(new Response(null))).toBe(0);
    expect(retryAfterMs(answer("7"))).toBe(7_000);
    expect(retryAfterMs(answer("86400"))).toBe(120_000);
    expect(retryAfterMs(answer("soon"))).toBe(0);
    expect(retryAfterMs(answer("Wed, 21 Oct 2015 07:28:00 GMT"))).toBe(0);
    const inAMinute = retryAfterMs(answer(new Date(Date.now() + 60_000).toUTCString()));
    expect(inAMinute).toBeGreaterThan(55_000);
    expect(inAMinute).toBeLessThanOrEqual(60_000);
  });
});

describe("safetensors by range against", () => {
  const table = Buffer.from(JSON.stringify({ a: { dtype: "F32", shape: [4], data_offsets: [0, 16] } }));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(table.length));
  const file = Buffer.concat([head, table, Buffer.from(new Float32Array([1, 2, 3, 4]).buffer)]);

  /** Answers ranges of `file`; `shape` may change the headers and bytes of the answer to a call. */
  const serves =
    (
      shape: (
        call: number,
        start: number,
        end: number,
      ) => { headers?: Record<string, string>; bytes?: Buffer } = () => ({}),
    ): Handle =>
    (request, response, call) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
      const [start, end] = [Number(from), Math.min(Number(to) + 1, file.length)];
      const { headers, bytes } = shape(call, start, end);
      response.writeHead(206, {
        ETag: '"v1"',
        "Content-Range": `bytes ${start}-${end - 1}/${file.length}`,
        ...headers,
      });
      response.end(bytes ?? file.subarray(start, end));
    };
  const readA = async () => {
    const opened = await openSafetensors(url);
    return (await opened.read("a")).values;
  };

  test("nothing at all: it is read", async () => {
    handle = serves();
    expect([...(await readA())]).toEqual([1, 2, 3, 4]);
    expect(asked).toHaveLength(4);
  });

  test.each<[string, ReturnType<typeof serves>, RegExp]>([
    [
      "other bytes than asked for",
      serves((call, start, end) =>
        call === 4 ? { headers: { "Content-Range": `bytes ${start - 4}-${end - 5}/${file.length}` } } : {},
      ),
      /cannot be read \(bytes \d+-\d+ were asked for, the server sent bytes \d+-\d+\/\d+\)/,
    ],
    [
      "a file that changes while it is read",
      serves((call) => (call === 4 ? { headers: { ETag: '"v2"' } } : {})),
      /file: the file changed on the server while it was read\. Run the command again/,
    ],
    [
      "too few bytes",
      serves((call, start, end) => (call >= 4 ? { bytes: file.subarray(start, end - 3) } : {})),
      /cannot be read \(13 bytes came for 16\)/,
    ],
    [
      "too many bytes",
      serves((call) => (call >= 4 ? { bytes: Buffer.alloc(1_000_000) } : {})),
      /cannot be read \(\d+ bytes came for 16\)/,
    ],
    [
      "packed bytes",
      serves((call, start, end) =>
        call === 4 ? { headers: { "Content-Encoding": "gzip" }, bytes: gzipSync(file.subarray(start, end)) } : {},
      ),
      /were asked for, the server sent gzip\)/,
    ],
    [
      "a circle of redirects",
      (_, response) => response.writeHead(302, { Location: "/file" }).end(),
      /the server sends from address to address/,
    ],
  ])("%s", async (_, hostile, message) => {
    handle = hostile;
    await expectDataError(readA, message);
  });

  test("breaks that pass", async () => {
    const good = serves();
    handle = (request, response, call) => (call % 2 === 1 ? response.destroy() : good(request, response, call));
    expect([...(await readA())]).toEqual([1, 2, 3, 4]);
  });
});
