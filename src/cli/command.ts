import type { KubernetesClient } from "../kubernetes/client.ts";
import type { ApiRequest } from "../kubernetes/transport.ts";
import type { Clock } from "../time/clock.ts";
import type { Arguments, Flags, FlagValues } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that every command takes. */
export const globalFlags = {
  kubeconfig: { takes: "text", value: "FILE", help: "kubeconfig of the cluster to talk to" },
  context: { takes: "text", value: "NAME", help: "context of the kubeconfig to use" },
  namespace: { takes: "text", short: "n", value: "NAME", help: "namespace to work in" },
  data: {
    takes: "text",
    value: "DIR",
    help: "data folder of the embedded cluster (.teal in this folder unless given)",
  },
  "request-timeout": {
    takes: "text",
    value: "DURATION",
    help: "how long to wait for one answer, for example 30s",
  },
  help: { takes: "nothing", short: "h", help: "show what the command does" },
} as const satisfies Flags;

export type GlobalFlags = FlagValues<typeof globalFlags>;

/** The API server that a command talks to. */
export interface Cluster {
  readonly client: KubernetesClient;
  /** Asked for, or else the context's, or else `default`. */
  readonly namespace: string;
  /** Its address, for messages. */
  readonly server: string;
  /** A text answer piece by piece as it comes, until it ends or `stop` is aborted. */
  readonly follow: (request: ApiRequest, stop: AbortSignal) => AsyncIterable<string>;
}

/** What a command may use of the world. */
export interface Context {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly global: GlobalFlags;
  /** Everything that this program can do. */
  readonly commands: readonly Command[];
  /** Finds the cluster and its credentials; `CommandError` with the way out when there is none. */
  readonly cluster: () => Promise<Cluster>;
}

/** What people can type after `teal`, and where to find what it does. */
export interface Command {
  /** One or two words; the first is the one that is shown. */
  readonly names: readonly [string, ...string[]];
  /** What follows the name: `NAME [--full]`. */
  readonly usage: string;
  readonly summary: string;
  /** Run by Teal itself and of no use to people. */
  readonly isHidden?: boolean;
  /** Reads the code of this command, so that a process loads no more than it needs. */
  readonly load: () => Promise<Verb>;
}

/** What a command does. */
export interface Verb<F extends Flags = Flags> {
  readonly flags: F;
  /** How many words must follow the name. */
  readonly words: { readonly least: number; readonly most: number };
  /** Answers the exit code; nothing is 0. */
  run(parsed: Arguments<F & typeof globalFlags>, context: Context): Promise<number | undefined>;
}

/** A verb with its own flags known to the compiler. */
export function verb<const F extends Flags>(definition: Verb<F>): Verb {
  return definition;
}

/** The number of words after a name that has no upper limit. */
export const any: number = Number.POSITIVE_INFINITY;
