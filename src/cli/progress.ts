/** Progress of a run: a bar with the time left on a terminal, one plain line an epoch elsewhere. */
import cliProgress from "cli-progress";
import pc from "picocolors";
import type { EpochReport } from "../model/training.js";

/** `93 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

const formatLosses = (losses: Readonly<Record<string, number>>) =>
  Object.entries(losses)
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join("  ");

/** Shows epochs as they end. */
export interface Progress {
  epoch(report: EpochReport): void;
  /** Clears the bar, so that other text may follow. */
  stop(): void;
}

class BarProgress implements Progress {
  readonly #bar = new cliProgress.SingleBar({
    format: (options, params, payload: { phase?: string; detail?: string; left?: string }) =>
      `${(payload.phase ?? "").padEnd(8)} ${pc.cyan(cliProgress.Format.BarFormat(params.progress, options))} ${params.value}/${params.total} epochs  ` +
      `${payload.left ?? ""} left  ${pc.dim(payload.detail ?? "")}`,
    barsize: 24,
    barCompleteChar: "━",
    barIncompleteChar: "─",
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
  });
  #phase = "";

  epoch(report: EpochReport): void {
    if (report.phase !== this.#phase) {
      if (this.#phase) this.#bar.stop();
      this.#phase = report.phase;
      this.#bar.start(report.epochs, report.epoch, { phase: report.phase });
    }
    this.#bar.update(report.epoch + 1, {
      phase: report.phase,
      detail: formatLosses(report.losses),
      left: formatSeconds(report.secondsLeft),
    });
  }

  stop(): void {
    this.#bar.stop();
  }
}

class LineProgress implements Progress {
  epoch(report: EpochReport): void {
    process.stderr.write(
      `${report.phase} epoch ${report.epoch + 1}/${report.epochs}  ${formatLosses(report.losses)}  lr ${report.lr.toPrecision(2)}  ` +
        `${formatSeconds(report.secondsLeft)} left\n`,
    );
  }

  stop(): void {}
}

/** A bar on a terminal, lines in a pipe or file, nothing with `--json`. */
export function makeProgress(json: boolean): Progress {
  if (json) return { epoch: () => {}, stop: () => {} };
  return process.stderr.isTTY ? new BarProgress() : new LineProgress();
}
