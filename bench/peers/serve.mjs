// A worker: `prepare(row)` gives { run, drain, probe }; the parent says what to prepare and how often to run it.
export function serve(prepare) {
  let work = null;
  const answers = {
    async prepare({ row }) {
      work?.dispose?.();
      work = null;
      const start = performance.now();
      work = await prepare(row);
      const ready = performance.now();
      await work.run();
      await work.drain();
      return { firstMs: performance.now() - ready, prepareMs: ready - start, probe: Array.from(await work.probe()) };
    },
    async time({ calls }) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      for (let i = 0; i < calls; i++) await work.run();
      await work.drain();
      const { user, system } = process.cpuUsage(cpu);
      return { wall: (performance.now() - start) / calls, cpu: (user + system) / 1000 / calls };
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
