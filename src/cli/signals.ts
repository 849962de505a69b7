/** Ctrl-C and friends: the run stops after the step in progress, with its checkpoint written. */
import { exitCodes } from "./errors.js";

/** Whether, and how, a run was asked to stop. */
export interface StopSwitch {
  readonly requested: () => boolean;
  /** The exit code that goes with the signal. */
  readonly exitCode: () => number;
  /** Puts the signals back to their usual meaning. */
  release(): void;
}

const signals = { SIGINT: exitCodes.ctrlC, SIGTERM: exitCodes.interrupted, SIGUSR2: exitCodes.interrupted } as const;

/** Catches SIGINT, SIGTERM and SIGUSR2. A second one ends the process at once; the checkpoint on disk stays as it was. */
export function stopOnSignals(): StopSwitch {
  let code: number | null = null;
  const handlers = Object.entries(signals).map(([signal, exitCode]) => {
    const handler = () => {
      if (code !== null) process.exit(exitCode);
      code = exitCode;
      process.stderr.write("\nvoxpix: stopping after this step; again to stop at once\n");
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return {
    requested: () => code !== null,
    exitCode: () => code ?? exitCodes.done,
    release() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}
