/** Workgroup counts. */

/** WebGPU's default limit of workgroups along one axis. */
export const maxGroups = 65535;

let mostAlongX = maxGroups;

/** Lets `grid` use at most `groups` workgroups along x from now on: tests see with small tensors what large ones do. */
export function limitGrids(groups: number): void {
  mostAlongX = groups;
}

/** Workgroups for `items` items at `perGroup` each, spread over x and y; kernels number them `group.y * groups.x + group.x`. */
export function grid(items: number, perGroup: number): [number, number, number] {
  const groups = Math.ceil(items / perGroup);
  if (groups <= mostAlongX) return [groups, 1, 1];
  const y = Math.ceil(groups / mostAlongX);
  return [Math.ceil(groups / y), y, 1];
}
