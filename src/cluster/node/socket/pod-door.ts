import type { ContainerKey } from "../pod-driver.ts";
import type { ProcessPlan } from "../process/container-process.ts";

/** What the node's socket needs of the driver whose pods it leads to. */
export interface PodDoor {
  /** How a command is started beside a running container: with what the container itself has and sees. */
  planBeside(key: ContainerKey, command: readonly string[]): Promise<ProcessPlan>;
}
