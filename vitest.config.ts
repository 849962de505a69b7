import { defineConfig } from "vitest/config";

// One GPU device serves all files of a worker (isolate: false): opening a device and compiling its kernels is what costs time.
// npm test runs two halves, each with workers of its own: lavapipe maps some nine pages a pipeline, Linux allows a process 65,530
// mappings, and beyond them the driver crashes.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
