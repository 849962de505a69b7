// Puts Dawn where libraries for browsers look for WebGPU. To be imported first.
import { create, globals } from "webgpu";

Object.assign(globalThis, globals);
const gpu = create([]);
globalThis.keepDawn = gpu;
Object.defineProperty(globalThis, "navigator", {
  value: { userAgent: `Node.js/${process.versions.node}`, hardwareConcurrency: 2, gpu },
  configurable: true,
  writable: true,
});
