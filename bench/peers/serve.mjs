// A worker: `prepare(row)` gives { run, drain, probe }; the parent says what to prepare and how often to run it.
export function serve(prepare, counts = null) {
  let work = null;
  const answers = {
    async prepare({ row }) {
      work?.dispose?.();
      work = null;
      if (counts) Object.assign(counts, { pipelines: 0, peakBytes: counts.bytes });
      const start = performance.now();
      work = await prepare(row);
      const ready = performance.now();
      await work.run();
      await work.drain();
      const firstMs = performance.now() - ready;
      const { pipelines } = counts ?? {};
      return { firstMs, prepareMs: ready - start, pipelines, probe: Array.from(await work.probe()) };
    },
    async time({ calls }) {
      const { dispatches, submits } = counts ?? {};
      const cpu = process.cpuUsage();
      const start = performance.now();
      for (let i = 0; i < calls; i++) await work.run();
      await work.drain();
      const { user, system } = process.cpuUsage(cpu);
      const time = { wall: (performance.now() - start) / calls, cpu: (user + system) / 1000 / calls };
      if (!counts) return time;
      const a = (name, before) => (counts[name] - before) / calls;
      return {
        ...time,
        dispatches: a("dispatches", dispatches),
        submits: a("submits", submits),
        peakBytes: counts.peakBytes,
      };
    },
  };
  process.on("message", async (message) => {
    try {
      process.send(await answers[message.what](message));
    } catch (error) {
      process.send({ error: String(error?.message ?? error).split("\n")[0] });
    }
  });
  process.send({ ready: true });
}
