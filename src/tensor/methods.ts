/** Arithmetic as methods of Tensor. Imported for its effect, so that `tensor.ts` itself knows no op. */
import { relu, sigmoid, tanh } from "./ops/activations.js";
import type { Operand } from "./ops/elementwise/define-row.js";
import * as elementwise from "./ops/elementwise.js";
import { exp, log } from "./ops/functions.js";
import { max, min } from "./ops/max.js";
import { reshape } from "./ops/reshape.js";
import { mean, type ReduceOptions, sum } from "./ops/sum.js";
import { transpose } from "./ops/transpose.js";
import type { Shape } from "./shape.js";
import { Tensor } from "./tensor.js";

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

const methods: TensorMethods & ThisType<Tensor> = {
  add(y) {
    return elementwise.add(this, y);
  },
  sub(y) {
    return elementwise.sub(this, y);
  },
  mul(y) {
    return elementwise.mul(this, y);
  },
  div(y) {
    return elementwise.div(this, y);
  },
  pow(y) {
    return elementwise.pow(this, y);
  },
  neg() {
    return elementwise.neg(this);
  },
  abs() {
    return elementwise.abs(this);
  },
  exp() {
    return exp(this);
  },
  log() {
    return log(this);
  },
  sqrt() {
    return elementwise.sqrt(this);
  },
  square() {
    return elementwise.square(this);
  },
  relu() {
    return relu(this);
  },
  sigmoid() {
    return sigmoid(this);
  },
  tanh() {
    return tanh(this);
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
