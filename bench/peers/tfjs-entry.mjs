// tfjs as one file: its published Node build leaves out the gradients, and Node cannot load its ES modules.
export * from "@tensorflow/tfjs-core";

import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-backend-webgpu";

export { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
