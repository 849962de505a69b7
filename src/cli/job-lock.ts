/** One process a job: a lock file beside the run, kept fresh while the process lives. */
import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { unwritable } from "../report/write-whole.js";

const freshSeconds = 30;
/** A lock of another machine that was not touched for so long is that of a process that died. */
const staleSeconds = 300;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Who holds a lock; `null` when nobody does any more. */
function holderOf(file: string): string | null {
  try {
    const { host, pid } = JSON.parse(readFileSync(file, "utf8")) as { host: string; pid: number };
    const old = Date.now() - statSync(file).mtimeMs > 1000 * staleSeconds;
    // A container that is started again has its old name, and often the same process number.
    const dead = host === hostname() ? pid === process.pid || !alive(pid) : old;
    return dead ? null : `process ${pid} on ${host}`;
  } catch {
    // Gone, or being written this moment.
    return null;
  }
}

/**
 * Takes the lock of a folder.
 *
 * @throws {CheckpointError} when it cannot be written.
 * @returns `release`, or `holder` when another living process has it.
 */
export function takeLock(folder: string): { release(): void } | { readonly holder: string } {
  const file = join(folder, "running.json");
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, JSON.stringify({ host: hostname(), pid: process.pid }));
      closeSync(handle);
      break;
    } catch (error) {
      const taken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (!taken || attempt > 3) throw unwritable(file, error);
      const holder = holderOf(file);
      if (holder !== null) return { holder };
      rmSync(file, { force: true });
    }
  }
  const touch = () => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // Someone removed it, or the folder; what is trained is not lost for that.
    }
  };
  const timer = setInterval(touch, 1000 * freshSeconds);
  timer.unref();
  return {
    release() {
      clearInterval(timer);
      rmSync(file, { force: true });
    },
  };
}
