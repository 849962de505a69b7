/** Arithmetic as methods of Tensor. Imported for its effect, so that `tensor.ts` itself knows no op. */
import * as elementwise from "./ops/elementwise.js";
import { max, min } from "./ops/max.js";
import { reshape } from "./ops/reshape.js";
import { mean, type ReduceOptions, sum } from "./ops/sum.js";
import { transpose } from "./ops/transpose.js";
import type { Shape } from "./shape.js";
import { constant, Tensor } from "./tensor.js";

/** The right-hand side of an arithmetic method: a number is a scalar made once per device. */
type Operand = Tensor | number;

/** What the methods are. */
export interface TensorMethods {
  /** `this + y`, broadcasting. */
  add(y: Operand): Tensor;
  /** `this - y`, broadcasting. */
  sub(y: Operand): Tensor;
  /** `this * y`, broadcasting. */
  mul(y: Operand): Tensor;
  /** `this / y`, broadcasting. */
  div(y: Operand): Tensor;
  /** `this` to the power `y`, broadcasting; see the function `pow`. */
  pow(y: Operand): Tensor;
  /** `-this`. */
  neg(): Tensor;
  /** `|this|`. */
  abs(): Tensor;
  /** `e^this`. */
  exp(): Tensor;
  /** Natural logarithm. */
  log(): Tensor;
  /** Square root. */
  sqrt(): Tensor;
  /** `this * this`. */
  square(): Tensor;
  /** `max(this, 0)`. */
  relu(): Tensor;
  /** `1 / (1 + e^-this)`. */
  sigmoid(): Tensor;
  /** Hyperbolic tangent. */
  tanh(): Tensor;
  /** The sum over axes; default all. */
  sum(options?: ReduceOptions): Tensor;
  /** The mean over axes; default all. */
  mean(options?: ReduceOptions): Tensor;
  /** The largest element over axes; default all. */
  max(options?: ReduceOptions): Tensor;
  /** The smallest element over axes; default all. */
  min(options?: ReduceOptions): Tensor;
  /** The same elements under another shape; one size may be -1. */
  reshape(shape: Shape): Tensor;
  /** The axes in another order; default reversed. */
  transpose(axes?: readonly number[]): Tensor;
}

declare module "./tensor.js" {
  interface Tensor extends TensorMethods {}
}

const operand = (x: Tensor, y: Operand): Tensor => (typeof y === "number" ? constant(x.device, y) : y);

const methods: TensorMethods & ThisType<Tensor> = {
  add(y) {
    return elementwise.add(this, operand(this, y));
  },
  sub(y) {
    return elementwise.sub(this, operand(this, y));
  },
  mul(y) {
    return elementwise.mul(this, operand(this, y));
  },
  div(y) {
    return elementwise.div(this, operand(this, y));
  },
  pow(y) {
    return elementwise.pow(this, operand(this, y));
  },
  neg() {
    return elementwise.neg(this);
  },
  abs() {
    return elementwise.abs(this);
  },
  exp() {
    return elementwise.exp(this);
  },
  log() {
    return elementwise.log(this);
  },
  sqrt() {
    return elementwise.sqrt(this);
  },
  square() {
    return elementwise.square(this);
  },
  relu() {
    return elementwise.relu(this);
  },
  sigmoid() {
    return elementwise.sigmoid(this);
  },
  tanh() {
    return elementwise.tanh(this);
  },
  sum(options = {}) {
    return sum(this, options);
  },
  mean(options = {}) {
    return mean(this, options);
  },
  max(options = {}) {
    return max(this, options);
  },
  min(options = {}) {
    return min(this, options);
  },
  reshape(shape) {
    return reshape(this, { shape });
  },
  transpose(axes) {
    return transpose(this, axes ? { axes } : {});
  },
};

for (const [name, value] of Object.entries(methods))
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
