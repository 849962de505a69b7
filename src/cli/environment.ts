/** What a run was carried out with. */
import { readFileSync } from "node:fs";
import type { Device } from "../index.js";

/** Versions and machine, as `metrics.json` keeps them. */
export interface Environment {
  readonly voxpix: string;
  readonly node: string;
  /** Version of Dawn's binding. */
  readonly webgpu: string;
  readonly platform: string;
  readonly adapter: string;
  /** Whether the adapter is a software driver. */
  readonly software: boolean;
  /** When the run ended. */
  readonly time: string;
}

const packageFile = new URL("../../package.json", import.meta.url);

/** Describes this process and its device. */
export function environmentOf(device: Device): Environment {
  const { version, ...fields } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
  const dependencies = Object.assign({}, ...Object.values(fields).filter((field) => typeof field === "object")) as {
    webgpu?: string;
  };
  return {
    voxpix: version,
    node: process.version,
    webgpu: dependencies.webgpu ?? "",
    platform: `${process.platform} ${process.arch}`,
    adapter: device.adapter.name,
    software: device.adapter.software,
    time: new Date().toISOString(),
  };
}

/** The environment as a table for people. */
export function environmentRows({ voxpix, node, webgpu, platform, adapter, software, time }: Environment): string[][] {
  return [
    ["", ""],
    ["adapter", `${adapter}${software ? " (software driver)" : ""}`],
    ["voxpix", voxpix],
    ["Node", node],
    ["webgpu (Dawn)", webgpu],
    ["platform", platform],
    ["ended", time],
  ];
}
