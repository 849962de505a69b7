// Counts what a library asks of WebGPU, whichever it is: dispatches, submits, pipelines, and bytes of the buffers that are alive.

/** Counts from now on. `globals` are the classes of the "webgpu" package that the library itself loads. */
export function countWork({ GPUDevice, GPUQueue, GPUComputePassEncoder, GPUBuffer }) {
  const counts = { dispatches: 0, submits: 0, pipelines: 0, bytes: 0, peakBytes: 0 };
  const alive = new WeakMap();
  const around = (type, name, then) => {
    const original = type.prototype[name];
    type.prototype[name] = function (...args) {
      const result = original.apply(this, args);
      then(result, this);
      return result;
    };
  };
  around(GPUComputePassEncoder, "dispatchWorkgroups", () => counts.dispatches++);
  around(GPUComputePassEncoder, "dispatchWorkgroupsIndirect", () => counts.dispatches++);
  around(GPUQueue, "submit", () => counts.submits++);
  around(GPUDevice, "createComputePipeline", () => counts.pipelines++);
  around(GPUDevice, "createComputePipelineAsync", () => counts.pipelines++);
  around(GPUDevice, "createBuffer", (buffer) => {
    alive.set(buffer, buffer.size);
    counts.bytes += buffer.size;
    counts.peakBytes = Math.max(counts.peakBytes, counts.bytes);
  });
  around(GPUBuffer, "destroy", (_result, buffer) => {
    counts.bytes -= alive.get(buffer) ?? 0;
    alive.delete(buffer);
  });
  return counts;
}
