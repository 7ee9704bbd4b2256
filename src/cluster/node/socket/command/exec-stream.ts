import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Pod } from "../../../../api/core.ts";
import type { Clock } from "../../../../time/clock.ts";
import { isSet } from "../../../api-server/options.ts";
import { badRequest, Refusal } from "../../../api-server/refusal.ts";
import type { NodeTarget } from "../node-path.ts";
import type { PodDoor } from "../pod-door.ts";
import { acceptSpdy, spdyProtocol } from "../spdy/upgrade.ts";
import { type CommandClient, type CommandOptions, failure } from "./command-client.ts";
import { runCommand } from "./run-command.ts";
import { commandProtocols, spdyClient } from "./spdy-client.ts";
import { checkWebSocketProtocol, webSocketClient } from "./web-socket-client.ts";

/** A request to change protocols. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What has been sent of the new protocol. */
  readonly head: Buffer;
}

export interface CommandWorld {
  /** Undefined for one that is not looked after here. */
  readonly pod: Pod | undefined;
  readonly driver: PodDoor;
  readonly clock: Clock;
}

// As a container runtime has it, where the container itself says nothing.
const withTerminalType = ["sh", "-c", 'TERM=${TERM:-xterm}; export TERM; exec "$@"', "sh"];

/** Runs a command beside a container. Throws a refusal when there is none. */
export async function execStream(
  upgrade: Upgrade,
  { query }: NodeTarget,
  { pod, driver, clock }: CommandWorld,
): Promise<void> {
  const options = commandOptionsIn(query);
  const { container, command } = options;
  const running = pod !== undefined && isRunning(pod, container) ? pod : undefined;
  const missing = running === undefined ? `container not found (${JSON.stringify(container)})` : undefined;
  const client = await commandClient(upgrade, options, clock, missing);
  if (client === undefined || running === undefined) return;
  const words = options.tty ? [...withTerminalType, ...command] : command;
  await runCommand(() => driver.planBeside({ pod: running, container }, words), options, client, clock);
}

/**
 * The client of a command, over the protocol that it asks for; undefined when it has gone, or has been told why there is none
 * (`missing`). Throws a refusal.
 */
export async function commandClient(
  { request, socket, head }: Upgrade,
  options: CommandOptions,
  clock: Clock,
  missing: string | undefined,
): Promise<CommandClient | undefined> {
  if (isWebSocket(request)) {
    checkWebSocketProtocol(request);
    const client = await webSocketClient(request, socket, head, options);
    if (missing === undefined) return client;
    // Over a WebSocket, clients read no other answer.
    await client.finish(failure(`unable to upgrade connection: ${missing}`));
    return undefined;
  }
  const protocol = spdyProtocol(request, commandProtocols);
  if (missing !== undefined) throw new Refusal(404, "NotFound", missing);
  acceptSpdy(socket, head, protocol);
  return spdyClient(socket, options, clock);
}

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Throws a refusal in the kubelet's words. */
export function commandOptionsIn(query: URLSearchParams): CommandOptions {
  const has = (name: string): boolean => isSet(query.get(name) ?? undefined);
  const tty = has("tty");
  const options = {
    container: query.get("container") ?? "",
    command: query.getAll("command"),
    stdin: has("stdin"),
    stdout: has("stdout"),
    // A terminal has one output.
    stderr: has("stderr") && !tty,
    tty,
  };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  return options;
}

/** Whether a container runs now. */
export function isRunning({ status }: Pod, container: string): boolean {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return statuses.some(({ name, state }) => name === container && state?.running !== undefined);
}
