/** The optimizers' update rules by name. */
import { adadelta, adagrad, adam, adamax, blend, rmsprop, sgd } from "../src/kernels/optimizer-update.js";

export const updateKernels = { adadelta, adagrad, adam, adamax, blend, rmsprop, sgd };
export type UpdateKernel = keyof typeof updateKernels;
