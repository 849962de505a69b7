export type { RidgeReconstruction } from "./baselines.js";
export { meanImageBaseline, nearestTrainingImageBaseline, ridgeBaseline } from "./baselines.js";
export type { RegionAccuracy } from "./encoder-accuracy.js";
export { noiseCeiling, regionAccuracy, voxelCorrelations } from "./encoder-accuracy.js";
export type { Estimate, EvaluateOptions, Evaluation, ImageScore, WayEvaluation } from "./evaluate.js";
export { evaluate, formatTable, identificationOf } from "./evaluate.js";
export type { Identification, IdentificationOptions, TiePolicy, WayResult } from "./identification.js";
export {
  candidateSets,
  correlationMatrix,
  identificationProbability,
  identify,
  pairingScores,
} from "./identification.js";
export { meanSquaredError, pearson, pixelCorrelation } from "./metrics.js";
export type { RidgeModel, RidgeOptions } from "./ridge.js";
export { fitRidge } from "./ridge.js";
export { luma, ssim } from "./ssim.js";
export type { Interval, PermutationTest, Summary, UniformSource } from "./statistics.js";
export { bootstrapInterval, holm, mean, permutationTest, quantile, summarise } from "./statistics.js";
export type { ScoreComparison, ScoreSummary, SeedScores, StudyOptions } from "./study.js";
export { compareSeeds, correctComparisons, summariseSeeds } from "./study.js";
export { csvTable, markdownTable, textTable } from "./table.js";
export type { WilcoxonResult } from "./wilcoxon.js";
export { wilcoxonSignedRank } from "./wilcoxon.js";
