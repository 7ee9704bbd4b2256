import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Container } from "../../../api/core.ts";
import { quantityValue } from "../../../api/quantity.ts";

/** What a container may use at most; undefined is all that the machine has. */
export interface Limits {
  readonly memoryBytes: number | undefined;
  readonly cpus: number | undefined;
}

const billionths = 1e9;
const periodMicroseconds = 100_000;
// The kernel takes no less.
const shortestQuotaMicroseconds = 1000;

export function limitsOf({ resources }: Container): Limits {
  const amount = (name: string): number | undefined => {
    const value = quantityValue(String(resources?.limits?.[name] ?? ""));
    return value === undefined ? undefined : Number(value) / billionths;
  };
  return { memoryBytes: amount("memory"), cpus: amount("cpu") };
}

/** Limits of the kernel for one container and all that it starts, with version 1 or 2 of its interface. */
export class Cgroup {
  readonly #folders: readonly string[];
  readonly #oomFile: string;

  private constructor(folders: readonly string[], oomFile: string) {
    this.#folders = folders;
    this.#oomFile = oomFile;
  }

  /** Undefined where the machine does not permit it. `root` is where the kernel shows its groups. */
  static make(name: string, { memoryBytes, cpus }: Limits, root = "/sys/fs/cgroup"): Cgroup | undefined {
    const quota =
      cpus === undefined
        ? undefined
        : Math.max(shortestQuotaMicroseconds, Math.round(cpus * periodMicroseconds));
    try {
      if (readdirSync(root).includes("cgroup.controllers")) {
        const folder = join(root, "teal", name);
        mkdirSync(folder, { recursive: true });
        for (const above of [root, dirname(folder)])
          writeFileSync(join(above, "cgroup.subtree_control"), "+memory +cpu");
        if (memoryBytes !== undefined)
          writeFileSync(join(folder, "memory.max"), String(Math.ceil(memoryBytes)));
        if (quota !== undefined) writeFileSync(join(folder, "cpu.max"), `${quota} ${periodMicroseconds}`);
        return new Cgroup([folder], join(folder, "memory.events"));
      }
      const [memory, cpu] = ["memory", "cpu"].map((controller) => join(root, controller, "teal", name));
      if (memory === undefined || cpu === undefined) return undefined;
      for (const folder of [memory, cpu]) {
        // A controller that is not there is not made by making its folder.
        readFileSync(join(dirname(dirname(folder)), "cgroup.procs"));
        mkdirSync(folder, { recursive: true });
      }
      if (memoryBytes !== undefined)
        writeFileSync(join(memory, "memory.limit_in_bytes"), String(Math.ceil(memoryBytes)));
      if (quota !== undefined) {
        writeFileSync(join(cpu, "cpu.cfs_period_us"), String(periodMicroseconds));
        writeFileSync(join(cpu, "cpu.cfs_quota_us"), String(quota));
      }
      return new Cgroup([memory, cpu], join(memory, "memory.oom_control"));
    } catch (error) {
      if (error instanceof Error && "code" in error) return undefined;
      throw error;
    }
  }

  /** From now on the process, and what it starts, is limited. One that has ended needs no limit. */
  add(pid: number): void {
    for (const folder of this.#folders) {
      try {
        writeFileSync(join(folder, "cgroup.procs"), String(pid));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
    }
  }

  /** Whether the kernel has ended a process of it for want of memory. */
  get hasRunOutOfMemory(): boolean {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(this.#oomFile, "utf8"))?.[1] ?? 0) > 0;
    } catch {
      return false;
    }
  }

  /** Takes it away; one in which something still runs stays. */
  remove(): void {
    for (const folder of this.#folders) removeFolder(folder);
  }

  /** Takes away what was made under this name, by whichever process; one in which something still runs stays. */
  static remove(name: string, root = "/sys/fs/cgroup"): void {
    for (const controller of ["", "memory", "cpu"]) removeFolder(join(root, controller, "teal", name));
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}
