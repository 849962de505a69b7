import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { downloads } from "../../src/data/downloads.js";
import { fetchFile } from "../../src/data/fetch-file.js";
import { expectDataError, temporaryFolder } from "./helpers.js";

const { folder } = temporaryFolder();
const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 251));
const sha256 = createHash("sha256").update(content).digest("hex");
const fast = { sha256, waitMs: 1, attempts: 4 };

let server: Server;
let url = "";
let handle: (request: IncomingMessage, response: ServerResponse) => void;
let asked: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.headers.range);
    handle(request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
});

/** A server of `content` with ranges; `breakAfter` ends each answer after so many bytes. */
function ranged({ etag = '"v1"', breakAfter = Number.POSITIVE_INFINITY } = {}): typeof handle {
  return (request, response) => {
    const wanted = request.headers["if-range"] === etag ? /bytes=(\d+)-/.exec(request.headers.range ?? "") : null;
    const start = wanted === null ? 0 : Number(wanted[1]);
    if (start >= content.length) {
      response.writeHead(416, { "Content-Range": `bytes */${content.length}` }).end();
      return;
    }
    response.writeHead(wanted === null ? 200 : 206, {
      ETag: etag,
      "Content-Length": content.length - start,
      ...(wanted && { "Content-Range": `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    const part = content.subarray(start, start + breakAfter);
    if (part.length === content.length - start) response.end(part);
    else response.write(part, () => setTimeout(() => response.destroy(), 200));
  };
}

const target = (name: string) => join(folder, name, "file.bin");
const read = (path: string) => readFileSync(path);

describe("fetchFile", () => {
  test("a whole file, its checksum, and nothing beside it", async () => {
    handle = ranged();
    const seen: number[] = [];
    const result = await fetchFile(url, target("whole"), { ...fast, onProgress: (done) => seen.push(done) });
    expect(result).toEqual({ bytes: content.length, sha256, resumedFrom: 0 });
    expect(read(target("whole")).equals(content)).toBe(true);
    expect([existsSync(`${target("whole")}.part`), existsSync(`${target("whole")}.part.json`)]).toEqual([false, false]);
    expect(seen.at(-1)).toBe(content.length);
  });

  test("a connection that breaks again and again is taken up where it broke", async () => {
    handle = ranged({ breakAfter: 70_000 });
    const result = await fetchFile(url, target("broken"), fast);
    expect(read(target("broken")).equals(content)).toBe(true);
    expect(result.sha256).toBe(sha256);
    // Of what a broken connection brought last, some may be lost on a busy machine; what is there is never asked for again.
    const starts = asked.map((header) => Number(/\d+/.exec(header ?? "0")?.[0]));
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
    expect(starts.length).toBeGreaterThanOrEqual(5);
  });

  test("what an earlier call left is used by the next", async () => {
    handle = ranged({ breakAfter: 100_000 });
    await expectDataError(
      () => fetchFile(url, target("later"), { ...fast, attempts: 1 }),
      /connection broke 1 times .* 100000 bytes are in .*file.bin.part/,
    );
    expect(existsSync(target("later"))).toBe(false);
    handle = ranged();
    expect(await fetchFile(url, target("later"), fast)).toMatchObject({ resumedFrom: 100_000, bytes: content.length });
    expect(read(target("later")).equals(content)).toBe(true);
    // The part of another address is not.
    writeFileSync(`${target("later")}.part`, "other");
    writeFileSync(`${target("later")}.part.json`, JSON.stringify({ url: "http://elsewhere/", validator: '"v1"' }));
    expect((await fetchFile(url, target("later"), fast)).resumedFrom).toBe(0);
  });

  test("a file that changed on the server is fetched from its start", async () => {
    handle = ranged({ etag: '"old"', breakAfter: 50_000 });
    await expectDataError(() => fetchFile(url, target("changed"), { ...fast, attempts: 1 }), /connection broke/);
    handle = ranged({ etag: '"new"' });
    expect((await fetchFile(url, target("changed"), fast)).resumedFrom).toBe(0);
    expect(read(target("changed")).equals(content)).toBe(true);
  });

  test("a server without ranges: from the start each time, and right in the end", async () => {
    let calls = 0;
    handle = (_, response) => {
      response.writeHead(200, { "Content-Length": content.length });
      if (calls++ < 2) response.write(content.subarray(0, 1000), () => setTimeout(() => response.destroy(), 200));
      else response.end(content);
    };
    expect((await fetchFile(url, target("plain"), fast)).bytes).toBe(content.length);
    expect(read(target("plain")).equals(content)).toBe(true);
    expect(asked).toEqual([undefined, undefined, undefined]);
  });

  test("a part that is whole already only needs its name", async () => {
    handle = ranged({ breakAfter: 299_999 });
    await expectDataError(() => fetchFile(url, target("complete"), { ...fast, attempts: 1 }), /connection broke/);
    writeFileSync(`${target("complete")}.part`, content);
    handle = ranged();
    expect((await fetchFile(url, target("complete"), fast)).bytes).toBe(content.length);
    writeFileSync(`${target("complete")}.part`, Buffer.concat([content, content]));
    writeFileSync(`${target("complete")}.part.json`, JSON.stringify({ url, validator: '"v1"' }));
    expect((await fetchFile(url, target("complete"), fast)).bytes).toBe(content.length);
  });

  test("a wrong checksum throws the file away", async () => {
    handle = ranged();
    await expectDataError(
      () => fetchFile(url, target("wrong"), { ...fast, sha256: "0123abcd" }),
      /the checksum is wrong: SHA-256 [0-9a-f]{64}, expected 0123abcd\.\.\./,
    );
    expect([existsSync(target("wrong")), existsSync(`${target("wrong")}.part`)]).toEqual([false, false]);
    expect((await fetchFile(url, target("wrong"), { ...fast, sha256: sha256.slice(0, 8).toUpperCase() })).sha256).toBe(
      sha256,
    );
  });

  test("refusals are told at once, busy servers asked again", async () => {
    handle = (_, response) => response.writeHead(404).end();
    await expectDataError(() => fetchFile(url, target("gone"), fast), /file: HTTP 404/);
    expect(asked).toHaveLength(1);
    let calls = 0;
    handle = (request, response) => {
      if (calls++ < 2) response.writeHead(503).end();
      else ranged()(request, response);
    };
    expect((await fetchFile(url, target("busy"), fast)).bytes).toBe(content.length);
    await expectDataError(
      () => fetchFile("http://127.0.0.1:9/x", target("dead"), { ...fast, attempts: 2 }),
      /x: nothing came in 2 tries \(bad port\)/,
    );
  });
});

describe("voxpix download", () => {
  const cli = resolve(import.meta.dirname, "../../dist/cli.js");
  const run = (...args: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((done) =>
      execFile(
        process.execPath,
        [cli, "download", ...args],
        { cwd: folder, env: { ...process.env, NO_COLOR: "1" } },
        (error, out, err) => done({ code: error ? Number(error.code) : 0, out, err }),
      ),
    );

  test("--list names everything once, with its licence, and what must be asked for", async () => {
    const { out, code } = await run("--list");
    expect(code).toBe(0);
    for (const { name, licence } of downloads) {
      expect(out).toContain(name);
      expect(out).toContain(licence);
    }
    expect(out).toMatch(/vim-1: .*\n.*crcns\.org/);
    expect(out).toMatch(/ImageNet pictures: /);
    expect(new Set(downloads.map(({ name }) => name)).size).toBe(downloads.length);
    expect(
      downloads.every(
        ({ url: address, sha256: sum }) => URL.canParse(address) && (sum === null || /^[0-9a-f]{8,64}$/.test(sum)),
      ),
    ).toBe(true);
  });

  test("fetches into a folder, prints the checksum, does not fetch twice", async () => {
    handle = ranged();
    const first = await run("kay", "--url", url, "--out", "got");
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toContain(`SHA-256 ${sha256} (no checksum is published; note this one)`);
    expect(read(join(folder, "got/kay_images.npz")).equals(content)).toBe(true);
    const again = await run("kay", "--url", url, "--out", "got", "--json");
    expect(JSON.parse(again.out)).toMatchObject({ name: "kay", sha256 });
    expect(asked).toHaveLength(1);
  });

  test("does not take another file of the same name for it, and says what cannot be written", async () => {
    writeFileSync(join(folder, "vgg19-dcbb9e9d.pth"), "half of it");
    expect(await run("vgg19", "--out", ".")).toMatchObject({
      code: 3,
      err: expect.stringMatching(/vgg19-dcbb9e9d\.pth is there already, with SHA-256 [0-9a-f]{64}, not dcbb9e9d\.\.\./),
    });
    writeFileSync(join(folder, "a-file"), "");
    expect(await run("kay", "--url", url, "--out", "a-file")).toMatchObject({
      code: 4,
      err: expect.stringMatching(/a-file cannot be made .*choose another --out/),
    });
  });

  test("refuses a wrong checksum, an unknown name and what must be asked for", async () => {
    handle = ranged();
    const wrong = await run("vgg19", "--url", url, "--out", "bad");
    expect([wrong.code, existsSync(join(folder, "bad/vgg19-dcbb9e9d.pth"))]).toEqual([3, false]);
    expect(wrong.err).toMatch(/the checksum is wrong/);
    expect(await run("nothing")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/there is no nothing to download/),
    });
    expect(await run("vim-1")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/vim-1 cannot be fetched: make an account at crcns.org/),
    });
  });
});
