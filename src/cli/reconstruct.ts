/** `voxpix reconstruct`: images from fMRI that the run has not seen. */
import type { Command } from "commander";
import type { Matrix } from "../data/dataset.js";
import { DataError } from "../data/errors.js";
import { readFmriTable } from "../data/fmri-table.js";
import { averageRepeats, selectColumns, voxelStatistics, zScore } from "../data/normalise.js";
import { reconstruct } from "../model/reconstruct.js";
import { writeImages } from "../report/image-files.js";
import { makeFolder } from "./make-folder.js";
import { RunFolder } from "./run-folder.js";
import { openTrained, type Trained } from "./run-training.js";

/** New fMRI with the voxels of the training data, scaled as the training data was. */
function normalised(fmri: Matrix, file: string, { raw, split, voxelIndices }: Trained): Matrix {
  const voxels = raw.responses[0]?.columns ?? 0;
  if (fmri.columns !== voxels) {
    throw new DataError(
      `${file} has ${fmri.columns} voxels, the run was trained on recordings of ${voxels}`,
      "Give one row per scan and one column per voxel, in the order of the training data.",
    );
  }
  const train = averageRepeats(split.train.map((i) => raw.responses[i] as Matrix));
  const kept = selectColumns(fmri, voxelIndices);
  const bad = kept.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DataError(
      `${file}: row ${Math.floor(bad / kept.columns) + 1} holds ${kept.values[bad]} in a voxel that the run uses`,
      "Remove or repair that row.",
    );
  }
  return zScore(kept, voxelStatistics(selectColumns(train, voxelIndices)));
}

/** Adds the command. */
export function addReconstruct(program: Command): void {
  program
    .command("reconstruct")
    .description("reconstruct images from new fMRI with a trained run")
    .argument("<run>", "the run folder that training printed")
    .requiredOption(
      "--fmri <file>",
      "fMRI, one row per scan, the voxels of the training data: .npy, .npz, .csv, .mat or .h5",
    )
    .requiredOption("--out <folder>", "where the images go, as PNG, one per row")
    .option("--debug", "show where an error came from")
    .addHelpText(
      "after",
      `
Each row becomes a PNG, numbered from 1: average repeats of one picture first. Of a file with several tables the one called fmri is taken.

Examples:
  $ voxpix reconstruct runs/digit69-full-20260131-094500 --fmri new.npy --out images/
  $ voxpix reconstruct runs/folder-full-20260131-094500 --fmri session2.h5 --out session2/`,
    )
    .action(async (run: string, options: { fmri: string; out: string }) => {
      const { config } = RunFolder.open(run);
      const fmri = await readFmriTable(options.fmri);
      const trained = await openTrained(run, config);
      const images = await reconstruct(trained.device, trained.decoder, normalised(fmri, options.fmri, trained));
      trained.device.destroy();
      makeFolder(options.out, "--out");
      await writeImages(images, options.out);
      process.stdout.write(`${images.count} images in ${options.out}\n`);
    });
}
