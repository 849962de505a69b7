/** The entry point `voxpix/data`: datasets, file formats, images and the simulated subject. */
export { BData, openBData } from "./bdata.js";
export type { Dataset, ImageSet, Matrix, RawDataset, Recordings, Region, Split } from "./dataset.js";
export { selectImages, selectRows } from "./dataset.js";
export { type Description, describe } from "./describe.js";
export { type Digit69Options, loadDigit69, readDigit69 } from "./digit69.js";
export { DataError } from "./errors.js";
export {
  type ConvWeights,
  type FeatureWeights,
  loadFeatureWeights,
  noFeatureWeights,
} from "./feature-weights.js";
export { readFmriTable } from "./fmri-table.js";
export { type FolderOptions, loadFolder, readFolder } from "./folder.js";
export { kFold, refold } from "./folds.js";
export { type GodOptions, loadGod, readGod } from "./god.js";
export { type FileKind, fileKinds, identify, identifyDataset } from "./identify.js";
export { type IdxArray, parseIdx, readIdx, readIdxImages } from "./idx.js";
export { type ImageStreamOptions, openImageStream } from "./image-stream.js";
export { type ImageOptions, loadImage, loadImageAt, loadImageFolder, type NamedImages } from "./images.js";
export { type KayOptions, loadKay, readKay } from "./kay.js";
export { parseMat5, readMat5 } from "./mat5.js";
export type { MatArray } from "./mat5-elements.js";
export {
  type MatCell,
  type MatFile,
  type MatNumeric,
  type MatStruct,
  type MatText,
  type MatUnsupported,
  type MatValue,
  matMatrix,
  matNumeric,
  rowMajor,
} from "./mat5-values.js";
export {
  averageRepeats,
  type NormalisedDataset,
  type NormaliseOptions,
  normalise,
  signalToNoise,
  type VoxelStatistics,
  voxelStatistics,
  zScore,
} from "./normalise.js";
export {
  encodeNpy,
  type NpyArray,
  npyMatrix,
  parseNpy,
  readNpy,
} from "./npy.js";
export type { NpyValues } from "./npy-dtypes.js";
export { Npz } from "./npz.js";
export { HostRandom } from "./random.js";
export { type Box, imagesToGrey, imagesToRgb, type Pixels, resample, resizeImages } from "./resample.js";
export { selectRois, voxelsOfChoice } from "./rois.js";
export {
  type SimulatedDataset,
  type SimulateOptions,
  type Simulation,
  simulate,
  simulateRecordings,
} from "./simulate.js";
export { loadSsfmri2im, readSsfmri2im, type Ssfmri2imOptions } from "./ssfmri2im.js";
export { keepTestRepeats, targetGroups, withoutTargets } from "./test-fmri.js";
export { loadUnlabeledImages, openUnlabeledImages, withUnlabeledImages } from "./unlabeled.js";
export type { ImageStream } from "./unlabeled-stream.js";
export { loadVim1, readVim1, type Vim1Options } from "./vim1.js";
export type { SimulatedVoxel, VoxelKind } from "./voxel-model.js";
