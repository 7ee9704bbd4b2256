import type { Clock } from "../../../time/clock.ts";
import type { CheckResult, ContainerKey, Handler, Objection } from "../pod-driver.ts";
import { checkCommand, checkHttp, checkTcp } from "./checks.ts";
import { containerOf, nameOf, uidOf } from "./container-key.ts";
import { type ContainerMark, markOf } from "./container-mark.ts";
import type { ContainerProcess, ProcessPlan } from "./container-process.ts";
import { checkGrpc } from "./grpc-check.ts";
import type { PodRecord } from "./pod-folder.ts";
import { PodListeners } from "./pod-listeners.ts";
import { allPids, groupOf } from "./proc-files.ts";
import { wildcardPortsOf } from "./wildcard-listeners.ts";

export interface PodChecksOptions {
  readonly clock: Clock;
  readonly recordOf: (podUid: string) => PodRecord | undefined;
  /** The containers that run, by `nameOf`. */
  readonly processes: ReadonlyMap<string, ContainerProcess>;
  /** How a command is run beside the container. */
  readonly planBeside: (key: ContainerKey, command: readonly string[]) => Promise<ProcessPlan>;
  /** The port that the container's first one is for it. */
  readonly portOf: (key: ContainerKey) => string | undefined;
  readonly cluster: () => string;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** As in a probe. */
interface AskedPlace {
  readonly port: number | string;
  readonly host?: string;
}

/** Probes of the node's containers, and what their neighbours suffer from. */
export class PodChecks {
  readonly #options: PodChecksOptions;
  readonly #listeners: PodListeners;

  constructor(options: PodChecksOptions) {
    this.#options = options;
    this.#listeners = new PodListeners(options.clock);
  }

  async check(key: ContainerKey, handler: Handler, timeoutSeconds: number): Promise<CheckResult> {
    const { clock, planBeside } = this.#options;
    const { httpGet, tcpSocket, exec, grpc } = handler;
    try {
      if (httpGet !== undefined)
        return await this.#checkAt(key, httpGet, (place) => checkHttp(clock, httpGet, place, timeoutSeconds));
      if (tcpSocket !== undefined)
        return await this.#checkAt(key, tcpSocket, (place) => checkTcp(clock, place, timeoutSeconds));
      if (grpc !== undefined)
        return await this.#checkAt(key, { port: grpc.port }, (place) =>
          checkGrpc(clock, place, grpc.service ?? "", timeoutSeconds),
        );
      if (exec === undefined) return { healthy: false, message: "this kind of check is not known" };
      const words = exec.command ?? [];
      return await checkCommand(clock, await planBeside(key, words), words, timeoutSeconds);
    } catch (error) {
      return { healthy: false, message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** A server that listens for all addresses answers in the place of other pods, and keeps them from their port. */
  objectionTo(key: ContainerKey): Objection | undefined {
    const { processes, recordOf, portOf } = this.#options;
    const network = recordOf(uidOf(key));
    const running = processes.get(nameOf(key));
    // Where pods share one address, each has ports of its own.
    if (running === undefined || network === undefined || network.portMap !== undefined) return undefined;
    const declared = key.pod.spec.containers.flatMap(({ ports = [] }) => ports);
    const ports = new Set([...declared.map(({ containerPort }) => containerPort), Number(portOf(key))]);
    const taken = wildcardPortsOf(ports, () => running.pids());
    if (taken.length === 0) return this.#foreignAnswer(key);
    const message =
      `Container ${key.container} listens on port ${taken.join(", ")} of all addresses, so it answers for other pods too ` +
      `and is not made ready: listen on the address in HOST (${network.podIp})`;
    return { reason: "ListensOnAllAddresses", message };
  }

  /** Without a readiness probe nobody else would notice that a port of the container is answered for by another program. */
  #foreignAnswer(key: ContainerKey): Objection | undefined {
    const { ports = [], readinessProbe } = containerOf(key);
    if (readinessProbe !== undefined) return undefined;
    for (const { containerPort, protocol = "TCP" } of ports) {
      if (protocol !== "TCP") continue;
      const stranger = this.#strangerAt(key, this.#target(key, { port: containerPort }));
      if (stranger === undefined) continue;
      const message =
        `Container ${key.container} is not made ready, because another program would answer in its place: ${stranger}. ` +
        `Let the container listen there, or the other program on an address of its own`;
      return { reason: "PortTakenByOther", message };
    }
    return undefined;
  }

  forget(podUid: string): void {
    this.#listeners.forget(podUid);
  }

  /** A place of the pod's own is answered for by the pod, or not at all. */
  async #checkAt(
    key: ContainerKey,
    asked: AskedPlace,
    check: (place: Place) => Promise<CheckResult>,
  ): Promise<CheckResult> {
    const place = this.#target(key, asked);
    if (isElsewhere(asked)) return check(place);
    const stranger = this.#strangerAt(key, place);
    if (stranger !== undefined) return { healthy: false, message: stranger };
    const result = await check(place);
    if (!result.healthy) return result;
    // Whoever came, or was left over, in between.
    const successor = this.#strangerAt(key, place);
    return successor === undefined ? result : { healthy: false, message: successor };
  }

  #strangerAt(key: ContainerKey, { host, port }: Place): string | undefined {
    const podUid = uidOf(key);
    const leaders = [...this.#options.processes].flatMap(([name, { record }]) =>
      name.startsWith(`${podUid}/`) ? [record.pid] : [],
    );
    const cluster = this.#options.cluster();
    const isOfPod = (mark: ContainerMark | undefined): boolean =>
      mark !== undefined && mark.cluster === cluster && mark.podUid === podUid;
    const all = (): readonly number[] =>
      allPids().filter((pid) => leaders.includes(groupOf(pid) ?? 0) || isOfPod(markOf(pid)));
    const answerer = this.#listeners.whoAnswers(podUid, host, port, { leaders, all });
    return typeof answerer === "object" ? `dial tcp ${host}:${port}: ${answerer.stranger}` : undefined;
  }

  #target(key: ContainerKey, asked: AskedPlace): Place {
    const { port } = asked;
    const network = this.#options.recordOf(uidOf(key));
    const { ports = [] } = containerOf(key);
    const wanted =
      typeof port === "number"
        ? port
        : (ports.find(({ name }) => name === port)?.containerPort ?? Number(port));
    if (network === undefined || Number.isNaN(wanted)) {
      throw new Error(`container ${key.container} has no port "${port}"`);
    }
    if (isElsewhere(asked)) return { host: asked.host, port: wanted };
    return { host: network.podIp, port: network.portMap?.[wanted] ?? wanted };
  }
}

function isElsewhere(asked: AskedPlace): asked is AskedPlace & { readonly host: string } {
  return asked.host !== undefined && asked.host !== "";
}
