// Which clock the benchmarks read, and the GPU's own: timestamp queries, written before and after what is timed.
import { globals } from "webgpu";
import { openDevice } from "../dist/kernels/open-device.js";

/** What each clock is called in the output. */
const names = {
  cpu: "CPU time of the software driver, spread over the cores",
  gpu: "timestamp queries of the GPU",
  wall: "wall time until the GPU is done",
};
const clocks = new WeakMap();

/** Opens a device, and hands out what WebGPU calls it. */
export async function openWithGpu(options) {
  const { prototype } = globals.GPUAdapter;
  const { requestDevice } = prototype;
  let gpu = null;
  prototype.requestDevice = async function (...args) {
    gpu = await requestDevice.apply(this, args);
    return gpu;
  };
  try {
    return { device: await openDevice(options), gpu };
  } finally {
    prototype.requestDevice = requestDevice;
  }
}

/** The clock for an adapter: the one that was asked for, or the best it has. A software driver's timestamps are wall times. */
export function chooseClock({ software, features }, asked) {
  if (asked !== undefined && !(asked in names)) throw new Error(`--clock must be cpu, gpu or wall, got ${asked}`);
  const stamps = features.includes("timestamp-query");
  if (asked === "gpu" && !stamps) throw new Error("--clock gpu: this adapter has no timestamp queries");
  return asked ?? (software ? "cpu" : stamps ? "gpu" : "wall");
}

/** Sets the clock of a device. */
export function useClock(device, gpu, asked) {
  const kind = chooseClock(device.adapter, asked);
  clocks.set(device, { kind, stamps: kind === "gpu" ? new Stamps(device, gpu) : null });
}

/** The clock in words. */
export const clockName = (device) => names[clocks.get(device).kind];

/** The device's timestamps, or `null` where another clock is read. */
export const stampsOf = (device) => clocks.get(device)?.stamps ?? null;

/** Milliseconds of a time by the device's clock; by the wall where the driver's CPU time cannot be read. */
export function readClock(device, { wall, cpu, gpu }) {
  const { kind } = clocks.get(device);
  if (kind === "gpu") return gpu;
  return kind === "cpu" && cpu > 0 ? cpu : wall;
}

/** Two timestamps around commands. */
class Stamps {
  #device;
  #gpu;
  #queries;
  #resolved;
  #staging;

  constructor(device, gpu) {
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = globals.GPUBufferUsage;
    this.#device = device;
    this.#gpu = gpu;
    this.#queries = gpu.createQuerySet({ type: "timestamp", count: 2 });
    this.#resolved = gpu.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
    this.#staging = gpu.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
  }

  begin() {
    this.#stamp({ beginningOfPassWriteIndex: 0 });
  }

  end() {
    this.#stamp({ beginningOfPassWriteIndex: 1 });
  }

  /** Milliseconds between the two. */
  async read() {
    const encoder = this.#gpu.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16);
    this.#gpu.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(globals.GPUMapMode.READ);
    const [from, to] = new BigUint64Array(this.#staging.getMappedRange());
    const ms = Number(to - from) / 1e6;
    this.#staging.unmap();
    return ms;
  }

  /** An empty pass that notes the time when it begins, after all that was submitted before. */
  #stamp(write) {
    this.#device.flush();
    const encoder = this.#gpu.createCommandEncoder();
    encoder.beginComputePass({ timestampWrites: { querySet: this.#queries, ...write } }).end();
    this.#gpu.queue.submit([encoder.finish()]);
  }
}
