/**
 * A page that trains a network in the browser and shows how: `npm run example -- browser`, then open the address it prints.
 */
import { Adam, backward, Linear, mse, openDevice, Sequential, tanh, tensor } from "voxpix";

const element = (id: string) => document.getElementById(id) as HTMLCanvasElement;
const [map, curve] = ["map", "curve"].map((id) => element(id).getContext("2d")) as CanvasRenderingContext2D[];
const [side, cells, steps] = [320, 64, 600];

/** Two spirals of 100 points each, in [-1, 1]; the first is to be answered by 1, the second by -1. */
const points = Array.from({ length: 200 }, (_, i) => {
  const [turn, arm] = [Math.sqrt((i >> 1) / 100) * 7, i % 2 ? 1 : -1];
  return { x: (arm * turn * Math.cos(turn)) / 7.5, y: (arm * turn * Math.sin(turn)) / 7.5, arm };
});

try {
  const device = await openDevice();
  const rng = device.rng(1);
  const layer = (inFeatures: number, outFeatures: number) => new Linear(rng, { inFeatures, outFeatures });
  const net = new Sequential([layer(2, 64), tanh, layer(64, 64), tanh, layer(64, 1)]);
  const optimizer = new Adam(net.parameters(), { lr: 0.01 });
  const [places, arms] = [points.flatMap(({ x, y }) => [3 * x, 3 * y]), points.map(({ arm }) => arm)];
  const [at, answers] = [tensor(device, places, [200, 2]), tensor(device, arms, [200, 1])];
  const centre = (cell: number) => (6 * (cell + 0.5)) / cells - 3;
  const grid = Array.from({ length: cells ** 2 }, (_, i) => [centre(i % cells), centre(Math.floor(i / cells))]);
  const everywhere = tensor(device, grid.flat(), [cells ** 2, 2]);

  for (let step = 1; step <= steps; step++) {
    using _scope = device.scope(); // frees what the step makes
    const loss = mse(net.forward(at), answers);
    optimizer.step(backward(loss));
    if (step % 10 !== 0) continue;
    const error = await loss.item();
    drawMap(await device.noGrad(() => net.forward(everywhere)).data());
    curve?.fillRect((step / steps) * side, side * Math.min(-Math.log10(error) / 4, 0.99), 4, 4);
    element("status").textContent = `step ${step} of ${steps}: error ${error.toFixed(5)}, on ${device.adapter.name}`;
  }
  document.title = "done";
} catch (error) {
  element("status").textContent = String(error);
}

/** Each cell in the colour of its answer, from blue (-1) to orange (1), and the points on top. */
function drawMap(answers: ArrayLike<number>): void {
  const fill = (colour: string, x: number, y: number, size: number) => {
    Object.assign(map ?? {}, { fillStyle: colour });
    map?.fillRect(x, y, size, size);
  };
  for (let i = 0; i < answers.length; i++) {
    const share = Math.min(Math.max(((answers[i] ?? 0) + 1) / 2, 0), 1);
    const colour = `rgb(${90 + 150 * share} ${140 + 20 * share} ${230 - 140 * share})`;
    fill(colour, (i % cells) * (side / cells), Math.floor(i / cells) * (side / cells), side / cells);
  }
  for (const { x, y, arm } of points)
    fill(arm > 0 ? "#7a3b00" : "#0b2a66", ((x + 1) / 2) * side - 2, ((y + 1) / 2) * side - 2, 4);
}
