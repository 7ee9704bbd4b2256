import { realpathSync } from "node:fs";
import { readProcFile } from "../process/proc-files.ts";

const kept = ["nosuid", "nodev", "noexec"];

/** What the mount that a path is on forbids. In a user namespace, who mounts it again must not permit it. */
export function mountFlagsOf(
  path: string,
  mountInfo = readProcFile("/proc/self/mountinfo"),
): readonly string[] {
  const real = realpathSync(path);
  let best = { point: "", flags: [] as readonly string[] };
  for (const line of mountInfo.split("\n")) {
    const [, , , , point, flags = ""] = line.split(" ");
    if (point === undefined) continue;
    const isAround = point === "/" || real === point || real.startsWith(`${point}/`);
    if (isAround && point.length >= best.point.length) best = { point, flags: flags.split(",") };
  }
  return best.flags.filter((flag) => kept.includes(flag));
}
