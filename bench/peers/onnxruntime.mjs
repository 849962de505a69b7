// onnxruntime-node as a worker, forward ops only: each row is an ONNX model of one node. Its layouts are NCHW and OIHW.
import ort from "onnxruntime-node";
import { convShapes, numbers, permute, product } from "./data.mjs";
import { serve } from "./serve.mjs";

// Protocol buffers, as far as an ONNX model of one node needs them: field numbers are those of onnx.proto.
function varint(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
const int = (field, value) => [...varint(8 * field), ...varint(value)];
const bytes = (field, content) => [...varint(8 * field + 2), ...varint(content.length), ...content];
const text = (field, value) => bytes(field, [...Buffer.from(value)]);
const value = (field, { name, dims }) => {
  const shape = dims.flatMap((size) => bytes(1, int(1, size)));
  return bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...int(1, 1), ...bytes(2, shape)]))]);
};
const integers = (name, list) => bytes(5, [...text(1, name), ...list.flatMap((item) => int(8, item)), ...int(20, 7)]);
const string = (name, content) => bytes(5, [...text(1, name), ...text(4, content), ...int(20, 3)]);
function model(op, attributes, inputs, output) {
  const names = inputs.flatMap(({ name }) => text(1, name));
  const node = [...names, ...text(2, "y"), ...text(4, op), ...attributes.flat()];
  const ends = [...inputs.flatMap((input) => value(11, input)), ...value(12, { name: "y", dims: output })];
  return Uint8Array.from([
    ...int(1, 8),
    ...bytes(7, [...bytes(1, node), ...text(2, "g"), ...ends]),
    ...bytes(8, int(2, 13)),
  ]);
}

/** `back`: from the result's layout to channels last. */
async function work(op, attributes, tensors, output, back = null) {
  const inputs = Object.entries(tensors).map(([name, { dims }]) => ({ name, dims }));
  const session = await ort.InferenceSession.create(model(op, attributes, inputs, output));
  let last = null;
  return {
    async run() {
      last = (await session.run(tensors)).y;
    },
    drain: () => undefined,
    probe: () => (back ? permute(last.data, output, back) : last.data).slice(0, 64),
    dispose: () => session.release(),
  };
}
const tensor = (values, dims) => new ort.Tensor("float32", values, dims);
const make = (shape, seed, order) =>
  order
    ? tensor(
        permute(numbers(product(shape), seed), shape, order),
        order.map((axis) => shape[axis]),
      )
    : tensor(numbers(product(shape), seed), shape);

serve((row) => {
  if (row.op === "matmul") {
    const [a, b] = [make([row.M, row.K], 1), make([row.K, row.N], 2)];
    return work("MatMul", [], { a, b }, [row.M, row.N]);
  }
  const [channelsFirst, back] = [
    [0, 3, 1, 2],
    [0, 2, 3, 1],
  ];
  if (row.op === "conv") {
    const { x, weight, y } = convShapes(row);
    const tensors = { x: make(x, 1, channelsFirst), w: make(weight, 2, [3, 2, 0, 1]) };
    const attributes = [integers("strides", [row.S, row.S]), string("auto_pad", "SAME_UPPER")];
    return work("Conv", attributes, tensors, [y[0], y[3], y[1], y[2]], back);
  }
  throw new Error("forward matmul and conv2d only");
});
