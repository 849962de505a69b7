// Puts Dawn where libraries for browsers look for WebGPU. To be imported first.
import { create, globals } from "webgpu";
import { countWork } from "./count.mjs";

Object.assign(globalThis, globals);
export const counts = countWork(globals);
const gpu = create([]);
globalThis.keepDawn = gpu;
Object.defineProperty(globalThis, "navigator", {
  value: { userAgent: `Node.js/${process.versions.node}`, hardwareConcurrency: 2, gpu },
  configurable: true,
  writable: true,
});
