import { defineConfig } from "vitest/config";

// One GPU device serves all files of a worker (isolate: false): opening a device and compiling its kernels is what costs time.
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
